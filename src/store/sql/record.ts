// Pauses, events and runs: what people and the program said, for `status` and `history`.

import type { Event, EventFilter, Pause, RunRecord } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import { knownEventKinds } from './words.ts';

/** Key of a pause. A route may have any name, so the global one cannot be a name. */
function scopeOf(route: string | null): string {
  return route === null ? 'all' : `route:${route}`;
}

export async function setPause(engine: SqlEngine, pause: Pause): Promise<void> {
  const values = {
    route: pause.route,
    actor: pause.by,
    reason: pause.reason,
    at: pause.at,
    until: pause.until,
  };
  await engine.write('synced', async (trx) => {
    await trx
      .insertInto('pause')
      .values({ scope: scopeOf(pause.route), ...values })
      .onConflict((conflict) => conflict.column('scope').doUpdateSet(values))
      .execute();
  });
}

export async function clearPause(engine: SqlEngine, route: string | null): Promise<boolean> {
  return engine.write('synced', async (trx) => {
    const answer = await trx.deleteFrom('pause').where('scope', '=', scopeOf(route)).executeTakeFirst();
    return answer.numDeletedRows > 0n;
  });
}

export async function readPauses(engine: SqlEngine, now: number): Promise<Pause[]> {
  const rows = await engine.db
    .selectFrom('pause')
    .selectAll()
    .where('until', '>', now)
    .orderBy('scope')
    .execute();
  return rows.map((row) => {
    const fields = Fields.ofRow('pause', row.scope, row);
    return {
      route: fields.textOrNull('route'),
      by: fields.line('actor'),
      reason: fields.line('reason'),
      at: fields.number('at'),
      until: fields.number('until'),
    };
  });
}

export async function appendEvent(engine: SqlEngine, event: Event): Promise<void> {
  const { id, at, route, kind, text } = event;
  await engine.write('relaxed', async (trx) => {
    await trx
      .insertInto('event')
      .values({ id, at, route, kind, text, data: JSON.stringify(event.data) })
      .execute();
  });
}

export async function listEvents(engine: SqlEngine, filter: EventFilter): Promise<Event[]> {
  let query = engine.db.selectFrom('event').selectAll().orderBy('at', 'desc').orderBy('id', 'desc');
  if (filter.route !== undefined) query = query.where('route', '=', filter.route);
  if (filter.sinceAt !== undefined) query = query.where('at', '>=', filter.sinceAt);
  if (filter.limit !== undefined) query = query.limit(filter.limit);
  return (await query.execute()).map((row) => {
    const fields = Fields.ofRow('event', row.id, row);
    return {
      id: fields.text('id'),
      at: fields.number('at'),
      route: fields.textOrNull('route'),
      kind: fields.oneOf('kind', knownEventKinds),
      text: fields.line('text'),
      data: fields.json('data').record(),
    };
  });
}

export async function recordRun(engine: SqlEngine, run: RunRecord): Promise<void> {
  await engine.write('relaxed', async (trx) => {
    await trx
      .insertInto('run')
      .values({
        id: run.id,
        command: run.command,
        started_at: run.startedAt,
        finished_at: run.finishedAt,
        exit_code: run.exitCode,
      })
      .execute();
  });
}

export async function lastRun(engine: SqlEngine, command: string): Promise<RunRecord | null> {
  const row = await engine.db
    .selectFrom('run')
    .selectAll()
    .where('command', '=', command)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const fields = Fields.ofRow('run', row.id, row);
  return {
    id: fields.text('id'),
    command: fields.text('command'),
    startedAt: fields.number('started_at'),
    finishedAt: fields.number('finished_at'),
    exitCode: fields.count('exit_code'),
  };
}
