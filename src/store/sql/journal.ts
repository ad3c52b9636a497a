// The journal: what was intended, and how far it got. Every write proves its lease in the same transaction, so that a
// run which lost its lease cannot write over the one that took it.

import { AppError, UsageError } from '../../errors.ts';
import type { Action } from '../../model/change.ts';
import type { Lease } from '../../model/lease.ts';
import type { ActionFilter, ActionPatch } from '../store.ts';
import { actionRow, parseAction } from './action-rows.ts';
import type { SqlEngine } from './engine.ts';
import { assertLease } from './leases.ts';
import type { Tables } from './schema.ts';
import { unsettledStates } from './words.ts';

/** What an ambiguous prefix prints: as many as can be told apart at a glance. */
const maxCandidates = 5;
/** Hex digits of SHA-256; a ULID is shorter. Also keeps LIKE's wildcards out. */
const idOrPrefixPattern = /^[0-9A-Za-z]{1,64}$/;

export async function beginAction(engine: SqlEngine, action: Action, lease: Lease): Promise<void> {
  if (action.plan.route !== lease.route || action.leaseToken !== lease.token) {
    throw new AppError('bug', `action ${action.id} was begun under another lease than its own`);
  }
  checkChangeStates(action.id, action.changeStates.length, action.plan.changes.length);
  await engine.write('synced', async (trx) => {
    await assertLease(trx, lease);
    await trx.insertInto('action').values(actionRow(action)).execute();
  });
}

/** A row with another count could not be read back. */
function checkChangeStates(id: string, states: number, changes: number): void {
  if (states !== changes) throw new AppError('bug', `action ${id}: ${states} states for ${changes} changes`);
}

type Mutable<T> = { -readonly [K in keyof T]?: T[K] };

function patchRow(patch: ActionPatch): Mutable<Tables['action']> {
  const values: Mutable<Tables['action']> = {};
  if (patch.state !== undefined) values.state = patch.state;
  if (patch.changeStates !== undefined) values.change_states = JSON.stringify(patch.changeStates);
  if (patch.appliedAt !== undefined) values.applied_at = patch.appliedAt;
  if (patch.confirmedAt !== undefined) values.confirmed_at = patch.confirmedAt;
  if (patch.clearAt !== undefined) values.clear_at = patch.clearAt;
  if (patch.note !== undefined) values.note = patch.note;
  return values;
}

export async function updateAction(
  engine: SqlEngine,
  id: string,
  patch: ActionPatch,
  lease: Lease,
): Promise<void> {
  await engine.write('synced', async (trx) => {
    await assertLease(trx, lease);
    const row = await trx
      .selectFrom('action')
      .selectAll()
      .where('id', '=', id)
      .where('route', '=', lease.route)
      .executeTakeFirst();
    if (row === undefined) throw new AppError('bug', `route ${lease.route} has no action ${id} to update`);
    const { plan } = parseAction(row);
    if (patch.changeStates !== undefined) {
      checkChangeStates(id, patch.changeStates.length, plan.changes.length);
    }
    const values = patchRow(patch);
    if (Object.keys(values).length === 0) return;
    await trx.updateTable('action').set(values).where('id', '=', id).execute();
  });
}

function ambiguous(text: string, rows: readonly Tables['action'][]): UsageError {
  const candidates = rows.slice(0, maxCandidates).map((row) => {
    const { id, plan, state } = parseAction(row);
    return `${id} (plan ${plan.id}, ${plan.route} to ${plan.to ?? '?'}, ${state})`;
  });
  const more = rows.length > maxCandidates ? ', …' : '';
  return new UsageError('change-unknown', `${text} begins more than one change`, {
    hint: `name one by its id: ${candidates.join(', ')}${more}`,
  });
}

export async function findAction(engine: SqlEngine, idOrPrefix: string): Promise<Action | null> {
  if (!idOrPrefixPattern.test(idOrPrefix)) return null;
  const rows = await engine.db
    .selectFrom('action')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('id', 'like', `${idOrPrefix.toUpperCase()}%`),
        eb('plan_digest', 'like', `${idOrPrefix.toLowerCase()}%`),
      ]),
    )
    .orderBy('intended_at', 'desc')
    .orderBy('id', 'desc')
    .limit(maxCandidates + 1)
    .execute();
  const [newest] = rows;
  if (newest === undefined) return null;
  const exact = rows.find((row) => row.id === idOrPrefix.toUpperCase());
  // The same plan carried out again has the same digest: whoever names it means what it did last.
  const isOnePlan = rows.every((row) => row.plan_digest === newest.plan_digest);
  if (exact === undefined && !isOnePlan) throw ambiguous(idOrPrefix, rows);
  return parseAction(exact ?? newest);
}

export async function listActions(engine: SqlEngine, filter: ActionFilter): Promise<Action[]> {
  let query = engine.db.selectFrom('action').selectAll().orderBy('intended_at', 'desc').orderBy('id', 'desc');
  if (filter.route !== undefined) query = query.where('route', '=', filter.route);
  if (filter.isUnsettled !== undefined) {
    query = query.where('state', filter.isUnsettled ? 'in' : 'not in', unsettledStates);
  }
  if (filter.sinceAt !== undefined) query = query.where('intended_at', '>=', filter.sinceAt);
  if (filter.limit !== undefined) query = query.limit(filter.limit);
  return (await query.execute()).map(parseAction);
}
