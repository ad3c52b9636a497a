// Counters of hops and what a route remembers between runs: replaced whole at every run.

import type { HopHealth } from '../../model/hop-health.ts';
import type { RouteState } from '../../model/route-state.ts';
import type { HealthRow, RouteStateRow } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { knownFates, knownHopStatuses, knownPhases } from './words.ts';

/** Rows in one INSERT: at most fourteen columns each, below SQLite's 32,766 parameters. */
const rowsPerInsert = 200;

function parseHealth(fields: Fields): HopHealth {
  return {
    status: fields.oneOf('status', knownHopStatuses),
    since: fields.number('since'),
    failures: fields.count('failures'),
    rejections: fields.count('rejections'),
    successes: fields.count('successes'),
    lastAt: fields.number('last_at'),
    fate: fields.oneOf('fate', knownFates),
    summary: fields.line('summary'),
    isSlow: fields.flag('is_slow'),
    greetsWith5xx: fields.flag('greets_with_5xx'),
    failingSince: fields.numberOrNull('failing_since'),
  };
}

function healthRow({ route, vantage, hop, health }: HealthRow): Tables['health'] {
  return {
    route,
    vantage,
    hop,
    status: health.status,
    since: health.since,
    failures: health.failures,
    rejections: health.rejections,
    successes: health.successes,
    last_at: health.lastAt,
    fate: health.fate,
    summary: health.summary,
    is_slow: health.isSlow ? 1 : 0,
    greets_with_5xx: health.greetsWith5xx ? 1 : 0,
    failing_since: health.failingSince,
  };
}

function parseHealthRow(row: Tables['health']): HealthRow {
  const fields = Fields.ofRow('health', `${row.route} ${row.vantage} ${row.hop}`, row);
  return {
    route: fields.text('route'),
    vantage: fields.text('vantage'),
    hop: fields.text('hop'),
    health: parseHealth(fields),
  };
}

export async function readHealth(engine: SqlEngine, route: string): Promise<HealthRow[]> {
  const rows = await engine.db
    .selectFrom('health')
    .selectAll()
    .where('route', '=', route)
    .orderBy('vantage')
    .orderBy('hop')
    .execute();
  return rows.map(parseHealthRow);
}

export async function readAllHealth(engine: SqlEngine): Promise<HealthRow[]> {
  const rows = await engine.db
    .selectFrom('health')
    .selectAll()
    .orderBy('route')
    .orderBy('vantage')
    .orderBy('hop')
    .execute();
  return rows.map(parseHealthRow);
}

export async function writeHealth(engine: SqlEngine, rows: readonly HealthRow[]): Promise<void> {
  // PostgreSQL refuses one statement that touches a row twice; the last word counts.
  const unique = new Map(
    rows.map((row) => [JSON.stringify([row.route, row.vantage, row.hop]), healthRow(row)]),
  );
  const values = [...unique.values()];
  if (values.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < values.length; start += rowsPerInsert) {
      await trx
        .insertInto('health')
        .values(values.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.columns(['route', 'vantage', 'hop']).doUpdateSet((eb) => ({
            status: eb.ref('excluded.status'),
            since: eb.ref('excluded.since'),
            failures: eb.ref('excluded.failures'),
            rejections: eb.ref('excluded.rejections'),
            successes: eb.ref('excluded.successes'),
            last_at: eb.ref('excluded.last_at'),
            fate: eb.ref('excluded.fate'),
            summary: eb.ref('excluded.summary'),
            is_slow: eb.ref('excluded.is_slow'),
            greets_with_5xx: eb.ref('excluded.greets_with_5xx'),
            failing_since: eb.ref('excluded.failing_since'),
          })),
        )
        .execute();
    }
  });
}

function parseState(row: Tables['route_state']): RouteState {
  const fields = Fields.ofRow('route_state', row.route, row);
  return {
    phase: fields.oneOf('phase', knownPhases),
    phaseSince: fields.number('phase_since'),
    activePath: fields.textOrNull('active_path'),
    activeSince: fields.number('active_since'),
    runs: fields.count('runs'),
    lastRunAt: fields.number('last_run_at'),
    lastDecision: fields.line('last_decision'),
    lastReasons: fields.jsonList('last_reasons').lines('last_reasons'),
    downPaths: fields.jsonList('down_paths').texts('down_paths'),
    notices: fields.jsonList('notices').texts('notices'),
  };
}

export async function readRouteState(engine: SqlEngine, route: string): Promise<RouteState | null> {
  const row = await engine.db
    .selectFrom('route_state')
    .selectAll()
    .where('route', '=', route)
    .executeTakeFirst();
  return row === undefined ? null : parseState(row);
}

export async function readRouteStates(engine: SqlEngine): Promise<RouteStateRow[]> {
  const rows = await engine.db.selectFrom('route_state').selectAll().orderBy('route').execute();
  return rows.map((row) => ({
    route: Fields.ofRow('route_state', row.route, row).text('route'),
    state: parseState(row),
  }));
}

function stateRow({ route, state }: RouteStateRow): Tables['route_state'] {
  return {
    route,
    phase: state.phase,
    phase_since: state.phaseSince,
    active_path: state.activePath,
    active_since: state.activeSince,
    runs: state.runs,
    last_run_at: state.lastRunAt,
    last_decision: state.lastDecision,
    last_reasons: JSON.stringify(state.lastReasons),
    down_paths: JSON.stringify(state.downPaths),
    notices: JSON.stringify(state.notices),
  };
}

export async function writeRouteStates(engine: SqlEngine, rows: readonly RouteStateRow[]): Promise<void> {
  // As above: the last word on a route counts.
  const values = [...new Map(rows.map((row) => [row.route, stateRow(row)])).values()];
  if (values.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < values.length; start += rowsPerInsert) {
      await trx
        .insertInto('route_state')
        .values(values.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.column('route').doUpdateSet((eb) => ({
            phase: eb.ref('excluded.phase'),
            phase_since: eb.ref('excluded.phase_since'),
            active_path: eb.ref('excluded.active_path'),
            active_since: eb.ref('excluded.active_since'),
            runs: eb.ref('excluded.runs'),
            last_run_at: eb.ref('excluded.last_run_at'),
            last_decision: eb.ref('excluded.last_decision'),
            last_reasons: eb.ref('excluded.last_reasons'),
            down_paths: eb.ref('excluded.down_paths'),
            notices: eb.ref('excluded.notices'),
          })),
        )
        .execute();
    }
  });
}
