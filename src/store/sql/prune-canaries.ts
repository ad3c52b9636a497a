// Dropping old canaries: by far the most rows, so a batch at a time, each a transaction of its own, and others get their
// turn in between. What never arrived stays, the newest of it: a replay must bring it, whenever that is.

import { setImmediate as othersTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { isDueAgain, isMissing, mostKept } from './canaries.ts';
import type { SqlEngine } from './engine.ts';

/** Rows in one batch: some 10 ms, in which no timer runs and no other process writes. */
const rowsPerBatch = 1000;

/** Count of rows dropped, of those sent before the instant (ms). */
export async function pruneCanaries(engine: SqlEngine, before: number): Promise<number> {
  return (await pruneSettled(engine, before)) + (await pruneOverflow(engine, before));
}

/** What arrived, was refused, was written off: all but what is open. Along the age, from the oldest. */
async function pruneSettled(engine: SqlEngine, before: number): Promise<number> {
  let dropped = 0;
  let from: number | null = null;
  do {
    const batch: { readonly count: number; readonly next: number | null } = await pruneSlice(
      engine,
      before,
      from,
    );
    dropped += batch.count;
    from = batch.next;
    await othersTurn();
  } while (from !== null);
  return dropped;
}

/** The oldest rows sent at or after `from`; `next` is where to go on, null at the end. */
async function pruneSlice(
  engine: SqlEngine,
  before: number,
  from: number | null,
): Promise<{ readonly count: number; readonly next: number | null }> {
  return engine.write('relaxed', async (trx) => {
    const slice = trx
      .selectFrom('canary')
      .where('sent_at', '<', before)
      .$if(from !== null, (query) => query.where('sent_at', '>=', from ?? 0))
      .orderBy('sent_at');
    const edge = await slice.select('sent_at').offset(rowsPerBatch).limit(1).executeTakeFirst();
    const answer = await trx
      .deleteFrom('canary')
      .where('sent_at', '<', before)
      .$if(from !== null, (query) => query.where('sent_at', '>=', from ?? 0))
      .$if(edge !== undefined, (query) => query.where('sent_at', '<=', edge?.sent_at ?? 0))
      .where((eb) => eb.not(eb.or([isMissing(eb), isDueAgain(eb)])))
      .executeTakeFirst();
    return { count: Number(answer.numDeletedRows), next: edge === undefined ? null : edge.sent_at + 1 };
  });
}

/** Of what is open, all but the newest of each path and state. */
async function pruneOverflow(engine: SqlEngine, before: number): Promise<number> {
  const ranked = engine.db
    .selectFrom('canary')
    .select([
      'id',
      'sent_at',
      sql<number>`row_number() over (partition by route, path, state order by id desc)`.as('rank'),
    ])
    .where((eb) => eb.or([isMissing(eb), isDueAgain(eb)]))
    .as('ranked');
  const rows = await engine.db
    .selectFrom(ranked)
    .select('ranked.id')
    .where('ranked.rank', '>', mostKept)
    .where('ranked.sent_at', '<', before)
    .execute();
  for (let start = 0; start < rows.length; start += rowsPerBatch) {
    const ids = rows.slice(start, start + rowsPerBatch).map((one) => one.id);
    await engine.write('relaxed', (trx) => trx.deleteFrom('canary').where('id', 'in', ids).execute());
    await othersTurn();
  }
  return rows.length;
}
