// What is kept of canaries beside themselves: the last looks into each route's mailbox, and latencies by the hour.

import type { LatencyHour, MailboxLook } from '../../model/canary.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';

/** Rows in one INSERT: at most eight columns each, far below SQLite's 32,766 parameters. */
const rowsPerInsert = 500;

export async function readMailboxLook(engine: SqlEngine, route: string): Promise<MailboxLook | null> {
  const row = await engine.db
    .selectFrom('mailbox_look')
    .selectAll()
    .where('route', '=', route)
    .executeTakeFirst();
  if (row === undefined) return null;
  const fields = Fields.ofRow('mailbox_look', route, row);
  return {
    readAt: fields.numberOrNull('read_at'),
    triedAt: fields.number('tried_at'),
    fault: fields.lineOrNull('fault'),
    skewMs: fields.numberOrNull('skew_ms'),
    forged: fields.count('forged'),
  };
}

export async function writeMailboxLooks(
  engine: SqlEngine,
  looks: readonly { readonly route: string; readonly look: MailboxLook }[],
): Promise<void> {
  // PostgreSQL refuses one statement that touches a row twice; the last word counts.
  const unique = new Map(
    looks.map(({ route, look }) => [
      route,
      {
        route,
        read_at: look.readAt,
        tried_at: look.triedAt,
        fault: look.fault,
        skew_ms: rounded(look.skewMs),
        forged: look.forged,
      },
    ]),
  );
  const values = [...unique.values()];
  if (values.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < values.length; start += rowsPerInsert) {
      await trx
        .insertInto('mailbox_look')
        .values(values.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.column('route').doUpdateSet((eb) => ({
            read_at: eb.ref('excluded.read_at'),
            tried_at: eb.ref('excluded.tried_at'),
            fault: eb.ref('excluded.fault'),
            skew_ms: eb.ref('excluded.skew_ms'),
            forged: eb.ref('excluded.forged'),
          })),
        )
        .execute();
    }
  });
}

/** A quantile may lie between two latencies; PostgreSQL takes no fraction for a bigint. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

function hourRow(hour: LatencyHour): Tables['latency_hour'] {
  return {
    route: hour.route,
    hour_at: hour.hourAt,
    path: hour.path,
    handed: hour.handed,
    arrived: hour.arrived,
    p50_ms: rounded(hour.p50Ms),
    p95_ms: rounded(hour.p95Ms),
    max_ms: rounded(hour.maxMs),
  };
}

export async function writeLatencyHours(engine: SqlEngine, hours: readonly LatencyHour[]): Promise<void> {
  // As above: the last word on an hour counts.
  const unique = new Map(
    hours.map((hour) => [JSON.stringify([hour.route, hour.hourAt, hour.path]), hourRow(hour)]),
  );
  const values = [...unique.values()];
  if (values.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < values.length; start += rowsPerInsert) {
      await trx
        .insertInto('latency_hour')
        .values(values.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.columns(['route', 'hour_at', 'path']).doUpdateSet((eb) => ({
            handed: eb.ref('excluded.handed'),
            arrived: eb.ref('excluded.arrived'),
            p50_ms: eb.ref('excluded.p50_ms'),
            p95_ms: eb.ref('excluded.p95_ms'),
            max_ms: eb.ref('excluded.max_ms'),
          })),
        )
        .execute();
    }
  });
}

export async function readLatencyHours(
  engine: SqlEngine,
  route: string,
  sinceAt: number,
): Promise<LatencyHour[]> {
  const rows = await engine.db
    .selectFrom('latency_hour')
    .selectAll()
    .where('route', '=', route)
    .where('hour_at', '>=', sinceAt)
    .orderBy('hour_at')
    .orderBy('path')
    .execute();
  return rows.map((row) => {
    const fields = Fields.ofRow('latency_hour', `${row.route} ${row.path} ${row.hour_at}`, row);
    return {
      route: fields.line('route'),
      path: fields.line('path'),
      hourAt: fields.number('hour_at'),
      handed: fields.count('handed'),
      arrived: fields.count('arrived'),
      p50Ms: fields.numberOrNull('p50_ms'),
      p95Ms: fields.numberOrNull('p95_ms'),
      maxMs: fields.numberOrNull('max_ms'),
    };
  });
}
