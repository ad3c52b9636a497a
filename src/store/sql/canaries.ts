// Canaries: what was handed over, what came of it, and what is still on its way. A row is replaced whole, except that
// a replay once said stays said: a person may say it while a run is at work.

import type { ExpressionBuilder } from 'kysely';
import type { Canary, CanaryState, TraceHop } from '../../model/canary.ts';
import type { Hop } from '../../model/hop.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import { parseReply } from './observations.ts';
import type { Tables } from './schema.ts';
import { knownCanaryStates } from './words.ts';

/** Rows in one INSERT: twenty-one columns each, far below SQLite's 32,766 parameters. */
const rowsPerInsert = 200;
/** Identifiers in one IN list: below SQLite's 32,766 parameters, and few texts of statements to keep. */
const idsPerQuery = 500;
/**
 * Canaries of a path that never arrived, or wait for another attempt, that are read and outlive pruning: the newest of
 * each. At one in five minutes, more than three days of a path that swallows everything; a megabyte to read.
 */
export const mostKept = 1000;
/** Paths of a route whose canaries are read: far above any configuration; a damaged index must not go in circles. */
const maxPaths = 200;

function parseHop(fields: Fields): Hop {
  return {
    exchange: fields.domainName('exchange'),
    address: fields.lineOrNull('address'),
    port: fields.count('port'),
  };
}

function parseTraceHop(fields: Fields): TraceHop {
  return {
    from: fields.lineOrNull('from'),
    by: fields.lineOrNull('by'),
    protocol: fields.lineOrNull('protocol'),
    at: fields.numberOrNull('at'),
  };
}

function parseCanary(row: Tables['canary']): Canary {
  const fields = Fields.ofRow('canary', row.id, { ...row });
  return {
    id: fields.line('id'),
    token: fields.line('token'),
    route: fields.line('route'),
    path: fields.line('path'),
    vantage: fields.line('vantage'),
    hop: parseHop(fields.json('hop')),
    sentAt: fields.number('sent_at'),
    attempts: fields.count('attempts'),
    nextAttemptAt: fields.numberOrNull('next_attempt_at'),
    state: fields.oneOf('state', knownCanaryStates),
    handedAt: fields.numberOrNull('handed_at'),
    reply: row.reply === null ? null : parseReply(fields.json('reply')),
    queueId: fields.lineOrNull('queue_id'),
    summary: fields.line('summary'),
    arrivedAt: fields.numberOrNull('arrived_at'),
    isSpam: fields.flag('is_spam'),
    copies: fields.count('copies'),
    isBySubject: fields.flag('is_by_subject'),
    trace: fields.jsonList('trace').objects('trace').map(parseTraceHop),
    bounce: fields.lineOrNull('bounce'),
    replayedAt: fields.numberOrNull('replayed_at'),
  };
}

function canaryRow(canary: Canary): Tables['canary'] {
  return {
    id: canary.id,
    token: canary.token,
    route: canary.route,
    path: canary.path,
    vantage: canary.vantage,
    hop: JSON.stringify(canary.hop),
    sent_at: canary.sentAt,
    attempts: canary.attempts,
    next_attempt_at: canary.nextAttemptAt,
    state: canary.state,
    handed_at: canary.handedAt,
    reply: canary.reply === null ? null : JSON.stringify(canary.reply),
    queue_id: canary.queueId,
    summary: canary.summary,
    arrived_at: canary.arrivedAt,
    is_spam: canary.isSpam ? 1 : 0,
    copies: canary.copies,
    is_by_subject: canary.isBySubject ? 1 : 0,
    trace: JSON.stringify(canary.trace),
    bounce: canary.bounce,
    replayed_at: canary.replayedAt,
  };
}

/** Columns that a later word replaces; all but `id` and `replayed_at`. */
const replaced = [
  'token',
  'route',
  'path',
  'vantage',
  'hop',
  'sent_at',
  'attempts',
  'next_attempt_at',
  'state',
  'handed_at',
  'reply',
  'queue_id',
  'summary',
  'arrived_at',
  'is_spam',
  'copies',
  'is_by_subject',
  'trace',
  'bounce',
] as const satisfies readonly (keyof Tables['canary'])[];

export async function writeCanaries(engine: SqlEngine, canaries: readonly Canary[]): Promise<void> {
  // PostgreSQL refuses one statement that touches a row twice; the last word counts.
  const values = [...new Map(canaries.map((one) => [one.id, canaryRow(one)])).values()];
  if (values.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < values.length; start += rowsPerInsert) {
      await trx
        .insertInto('canary')
        .values(values.slice(start, start + rowsPerInsert))
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({
            ...Object.fromEntries(replaced.map((column) => [column, eb.ref(`excluded.${column}`)])),
            replayed_at: eb.fn.coalesce('excluded.replayed_at', 'canary.replayed_at'),
          })),
        )
        .execute();
    }
  });
}

/** Of canaries that were taken over and may be on their way still, or never come. */
const takenStates = ['handed', 'swallowed'] as const satisfies readonly CanaryState[];

type OfCanary = ExpressionBuilder<Tables, 'canary'>;

/** Not seen, and nobody said that it was replayed. The same words as the index `canary_open`. */
function isOpen(eb: OfCanary, states: readonly CanaryState[]) {
  return eb.and([eb('state', 'in', states), eb('arrived_at', 'is', null), eb('replayed_at', 'is', null)]);
}

export function isMissing(eb: OfCanary) {
  return isOpen(eb, takenStates);
}

/** Refused for now, and tried again. */
export function isDueAgain(eb: OfCanary) {
  return eb.and([isOpen(eb, ['deferred']), eb('next_attempt_at', 'is not', null)]);
}

/** Of the whole history, a step of the index for each path: `distinct` would walk through all of it. */
async function readPaths(engine: SqlEngine, route: string): Promise<string[]> {
  const paths: string[] = [];
  while (paths.length < maxPaths) {
    let query = engine.db.selectFrom('canary').select('path').where('route', '=', route);
    const last = paths.at(-1);
    if (last !== undefined) query = query.where('path', '>', last);
    const row = await query.orderBy('path').limit(1).executeTakeFirst();
    if (row === undefined) break;
    // As it is, not made harmless: it is compared with what is stored.
    paths.push(Fields.ofRow('canary', route, row).text('path'));
  }
  return paths;
}

export async function readCanaries(engine: SqlEngine, route: string, perPath: number): Promise<Canary[]> {
  const rows = new Map<string, Tables['canary']>();
  for (const path of await readPaths(engine, route)) {
    const ofPath = engine.db
      .selectFrom('canary')
      .selectAll()
      .where('route', '=', route)
      .where('path', '=', path)
      .orderBy('id', 'desc');
    const parts = [
      ofPath.limit(perPath),
      // A state at a time: only so does the index give them in order.
      ...takenStates.map((state) => ofPath.where((eb) => isOpen(eb, [state])).limit(mostKept)),
      ofPath.where(isDueAgain).limit(mostKept),
    ];
    for (const part of parts) for (const row of await part.execute()) rows.set(row.id, row);
  }
  return oldestFirst([...rows.values()].map(parseCanary));
}

/** Not in SQL: PostgreSQL would sort by the words of its locale, and ULIDs are ordered by their octets. */
function oldestFirst(canaries: Canary[]): Canary[] {
  return canaries.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

export async function findCanaries(engine: SqlEngine, ids: readonly string[]): Promise<Canary[]> {
  const unique = [...new Set(ids)];
  const found: Canary[] = [];
  for (let start = 0; start < unique.length; start += idsPerQuery) {
    const rows = await engine.db
      .selectFrom('canary')
      .selectAll()
      .where('id', 'in', unique.slice(start, start + idsPerQuery))
      .execute();
    found.push(...rows.map(parseCanary));
  }
  return oldestFirst(found);
}

export async function markReplayed(
  engine: SqlEngine,
  route: string,
  path: string,
  at: number,
): Promise<number> {
  return engine.write('synced', async (trx) => {
    const answer = await trx
      .updateTable('canary')
      .set({ replayed_at: at })
      .where('route', '=', route)
      .where('path', '=', path)
      .where(isMissing)
      .executeTakeFirst();
    return Number(answer.numUpdatedRows);
  });
}
