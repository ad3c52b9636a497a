// Dropping old history. What a later decision rests on stays whatever its age: unsettled actions, actions and answers
// that caches may still hold, open sightings, each route's last flips, the last run of each command, canaries that never arrived.

import { sql, type Transaction } from 'kysely';
import { type ActionState, stillKinds } from '../../model/change.ts';
import { pruneCanaries } from './prune-canaries.ts';
import { prunePublishTimes } from './publish-times.ts';
import type { SqlEngine } from './engine.ts';
import type { Tables } from './schema.ts';
import { unsettledStates } from './words.ts';

/** Flips of a route that stay: `rollback` needs the last, "last flip 41d ago" too, and the rest is a screen of
 *  history. Far above any sensible `max_flips`. */
const keptFlips = 20;
/** `isFlip` of the model, for SQL: none of `stillKinds`, and applied or in one of these states. */
const maybeFlippedStates: readonly ActionState[] = ['intended', 'partial'];

type Trx = Transaction<Tables>;

async function pruneActions(trx: Trx, before: number): Promise<bigint> {
  const ranked = trx
    .selectFrom('action')
    .select([
      'id',
      sql<number>`row_number() over (partition by route order by intended_at desc, id desc)`.as('rank'),
    ])
    .where('kind', 'not in', stillKinds)
    .where((eb) => eb.or([eb('applied_at', 'is not', null), eb('state', 'in', maybeFlippedStates)]))
    .as('ranked');
  const answer = await trx
    .deleteFrom('action')
    .where('intended_at', '<', before)
    .where('state', 'not in', unsettledStates)
    // `before` is in the past, so this keeps more than what has not cleared by now.
    .where((eb) => eb.or([eb('clear_at', '<', before), eb('clear_at', 'is', null)]))
    // Confirmed but without a bound: nobody knows when caches are clear.
    .where((eb) => eb.not(eb.and([eb('state', '=', 'confirmed'), eb('clear_at', 'is', null)])))
    .where('id', 'not in', trx.selectFrom(ranked).select('ranked.id').where('ranked.rank', '<=', keptFlips))
    .executeTakeFirst();
  return answer.numDeletedRows;
}

async function pruneSightings(trx: Trx, before: number): Promise<bigint> {
  const answer = await trx
    .deleteFrom('sighting')
    .where('replaced_at', 'is not', null)
    // The last cache that was filled with it drops it one TTL after; ttl is in seconds.
    .where((eb) => eb(eb('replaced_at', '+', eb('ttl', '*', 1000)), '<', before))
    .executeTakeFirst();
  return answer.numDeletedRows;
}

async function pruneRuns(trx: Trx, before: number): Promise<bigint> {
  const answer = await trx
    .deleteFrom('run')
    .where('started_at', '<', before)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('run as newer')
          .select('newer.id')
          .whereRef('newer.command', '=', 'run.command')
          .whereRef('newer.started_at', '>', 'run.started_at'),
      ),
    )
    .executeTakeFirst();
  return answer.numDeletedRows;
}

/** Machines that are gone, and counters of hops and vantages that are: a container that names itself anew at each
 *  start would leave a set of them a day. */
async function pruneVantages(trx: Trx, before: number): Promise<bigint> {
  const vantages = await trx.deleteFrom('vantage').where('seen_at', '<', before).executeTakeFirst();
  const counters = await trx.deleteFrom('health').where('last_at', '<', before).executeTakeFirst();
  return vantages.numDeletedRows + counters.numDeletedRows;
}

/** One that holds stays whatever its age. */
async function pruneBrakes(trx: Trx, before: number): Promise<bigint> {
  const brakes = await trx.deleteFrom('brake').where('released_at', '<', before).executeTakeFirst();
  const uses = await trx.deleteFrom('domain_use').where('at', '<', before).executeTakeFirst();
  return brakes.numDeletedRows + uses.numDeletedRows;
}

/** Count of rows dropped. */
export async function prune(engine: SqlEngine, before: number, canariesBefore: number): Promise<number> {
  const count = await engine.write('relaxed', async (trx) => {
    const observations = await trx.deleteFrom('observation').where('at', '<', before).executeTakeFirst();
    const events = await trx.deleteFrom('event').where('at', '<', before).executeTakeFirst();
    const hours = await trx.deleteFrom('latency_hour').where('hour_at', '<', before).executeTakeFirst();
    const pauses = await trx.deleteFrom('pause').where('until', '<', before).executeTakeFirst();
    const counts = [
      observations.numDeletedRows,
      await pruneVantages(trx, before),
      await pruneBrakes(trx, before),
      events.numDeletedRows,
      pauses.numDeletedRows,
      hours.numDeletedRows,
      await pruneSightings(trx, before),
      await prunePublishTimes(trx, before),
      await pruneActions(trx, before),
      await pruneRuns(trx, before),
    ];
    return Number(counts.reduce((sum, one) => sum + one, 0n));
  });
  return count + (await pruneCanaries(engine, canariesBefore));
}
