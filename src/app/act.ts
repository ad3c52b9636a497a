// Carries out a plan: intent into the journal, compare-and-set at each provider, read-back from every authoritative
// server, cache bound. The caller holds the lease; a lost one
// aborts the signal before the next write. What happened is in
// the journal before anything else is done about it.

import { cacheBound, cachedForMs } from '../change/cache-bound.ts';
import { planFaults } from '../change/plan.ts';
import { AppError, exitCodes, ProviderError } from '../errors.ts';
import type { Action, ActionState, ChangeState, GuardName, Plan } from '../model/change.ts';
import type { Lease } from '../model/lease.ts';
import type { Route } from '../model/route.ts';
import type { ReplaceOutcome } from '../providers/provider.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { isPublishedEverywhere, looksOf, readPlace } from './look.ts';
import { assertHeld } from './lease.ts';
import { PublishWatch } from './publish-watch.ts';
import { endOf, type Entry, noteOf, type ZoneEnd } from './zone-end.ts';

export type ActDeps = Pick<Deps, 'store' | 'provider' | 'reader' | 'clock' | 'newId' | 'logger'>;

export interface ActRequest {
  readonly route: Route;
  readonly plan: Plan;
  readonly by: string;
  readonly reason: string;
  readonly overrides: readonly GuardName[];
  readonly rollbackOf: string | null;
  readonly lease: Lease;
}

export interface ActResult {
  readonly action: Action;
  /** First failure of a provider, where there was one: for its message and exit code. */
  readonly fault: AppError | null;
}

/** How long an action waits for every authority to answer the new RRset before it says so (exit 5); ms. A later run
 *  goes on looking. */
const readBackMs = 90_000;

/** RRsets read back at once: a plan of 10,000 owners must neither wait for each nor open 10,000 questions. */
const parallelReads = 16;
const firstPauseMs = 200;
const longestPauseMs = 5000;
/** Where the time itself is what is wanted; ms. */
const measuringPauseMs = 500;

export async function carryOut(request: ActRequest, deps: ActDeps, signal: AbortSignal): Promise<ActResult> {
  const faults = planFaults(request.plan.changes);
  if (faults.length > 0) {
    throw new AppError('plan-invalid', `the plan must not be carried out: ${faults.join('; ')}`, {
      exitCode: exitCodes.refused,
      hint: 'nothing was changed; check the paths of this route in the configuration',
    });
  }
  const action = intentOf(request, deps);
  await deps.store.beginAction(action, request.lease);
  const watch = new PublishWatch(deps);
  const applied = await applyChanges(action, request.lease, deps, signal, watch);
  return settle(applied, request, deps, signal, watch);
}

function intentOf({ plan, by, reason, overrides, rollbackOf, lease }: ActRequest, deps: ActDeps): Action {
  return {
    id: deps.newId(),
    plan,
    by,
    reason,
    overrides,
    leaseToken: lease.token,
    state: 'intended',
    changeStates: plan.changes.map(() => 'pending'),
    intendedAt: deps.clock.now(),
    appliedAt: null,
    confirmedAt: null,
    clearAt: null,
    rollbackOf,
    note: null,
  };
}

interface Applied {
  readonly action: Action;
  readonly fault: AppError | null;
}

/** Sends what is still pending: zones in parallel, one batch after the other within a zone. */
export async function applyChanges(
  action: Action,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
  watch: PublishWatch | null = null,
): Promise<Applied> {
  const states: ChangeState[] = [...action.changeStates];
  const zones = Map.groupBy(
    action.plan.changes.map((change, at) => ({ change, at })).filter(({ at }) => states[at] === 'pending'),
    ({ change }) => `${change.provider} ${change.zone}`,
  );
  const ends = await Promise.all(
    [...zones.values()].map(async (entries): Promise<ZoneEnd> => {
      try {
        return await applyZone(action.id, entries, states, { deps, watch }, signal);
      } catch (error) {
        const fault = asAppError(error);
        return { fault, reason: fault.message };
      }
    }),
  );
  const state = stateFrom(states);
  const appliedAt = states.includes('applied') ? deps.clock.now() : null;
  const fault = ends.find((one) => one.fault !== null)?.fault ?? null;
  const note = noteOf([...zones.values()], ends);
  const patch = {
    state,
    changeStates: states,
    ...(appliedAt === null ? {} : { appliedAt }),
    ...(note === null ? {} : { note }),
  };
  await deps.store.updateAction(action.id, patch, lease);
  return { action: { ...action, ...patch }, fault };
}

/** Sets the states of these changes; a fault where the provider cannot tell what became of one, or stopped half way. */
async function applyZone(
  operation: string,
  entries: readonly Entry[],
  states: ChangeState[],
  { deps, watch }: { readonly deps: ActDeps; readonly watch: PublishWatch | null },
  signal: AbortSignal,
): Promise<ZoneEnd> {
  const first = entries[0]?.change;
  let end: ZoneEnd = { fault: null, reason: null };
  if (first === undefined) return end;
  let sent = 0;
  try {
    const provider = await deps.provider(first.provider);
    const isTaken = watch?.begin(first);
    for (; sent < entries.length; sent += provider.capabilities.maxBatch) {
      const batch = entries.slice(sent, sent + provider.capabilities.maxBatch);
      await assertHeld(signal);
      const outcomes = await provider.replaceRrsets(
        first.zone,
        batch.map(({ change }) => change),
        signal,
        operation,
      );
      batch.forEach(({ at }, index) => (states[at] = stateOf(outcomes[index])));
      end = endOf(batch, outcomes);
      if (batch.some(({ at }) => states[at] !== 'applied')) {
        sent += batch.length;
        break;
      }
      if (outcomes.some((one) => one.state === 'applied')) isTaken?.();
    }
  } catch (error) {
    // The contract: what is thrown was surely not applied. Anything else is a bug and stays pending in the journal.
    if (!(error instanceof AppError)) throw error;
    for (const { at } of entries.slice(sent)) states[at] = 'failed';
    throw error;
  }
  for (const { at } of entries.slice(sent)) states[at] = 'failed';
  return end;
}

function stateOf(outcome: ReplaceOutcome | undefined): ChangeState {
  switch (outcome?.state) {
    case 'applied':
    case 'unchanged':
      return 'applied';
    case 'conflict':
      return 'conflict';
    case 'skipped':
      return 'failed';
    default:
      return 'pending';
  }
}

/** State of an action from the states of its changes. */
export function stateFrom(states: readonly ChangeState[]): ActionState {
  if (states.includes('pending')) return 'intended';
  if (states.every((one) => one === 'confirmed')) return 'confirmed';
  if (states.every((one) => one === 'applied' || one === 'confirmed')) return 'applied';
  if (states.some((one) => one === 'applied' || one === 'confirmed')) return 'partial';
  return states.includes('conflict') ? 'conflict' : 'failed';
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new ProviderError('bug', error instanceof Error ? error.message : 'unknown failure', {
    cause: error,
    exitCode: exitCodes.bug,
  });
}

async function settle(
  { action, fault }: Applied,
  request: ActRequest,
  deps: ActDeps,
  signal: AbortSignal,
  watch: PublishWatch,
): Promise<ActResult> {
  if (action.state !== 'applied') return { action, fault };
  const limit = { signal, withinMs: readBackMs, watch };
  const confirmed = await confirm(action, request.route, request.lease, deps, limit);
  await watch.keep(action.plan.kind);
  return { action: confirmed, fault };
}

/** Reads every authority back until all answer the new RRsets or the time is over. Unconfirmed stays `applied`. */
export async function confirm(
  action: Action,
  route: Route,
  lease: Lease,
  deps: ActDeps,
  limit: {
    readonly signal: AbortSignal;
    readonly withinMs: number;
    readonly watch?: PublishWatch;
  },
): Promise<Action> {
  const deadline = deps.clock.now() + limit.withinMs;
  const mostMs = action.plan.kind === 'measure' ? measuringPauseMs : longestPauseMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, mostMs)) {
    if (await isConfirmed(action, route, deps, limit)) return confirmed(action, lease, deps);
    if (deps.clock.now() + pauseMs > deadline) return action;
    await deps.clock.sleep(pauseMs, limit.signal);
  }
}

async function isConfirmed(
  action: Action,
  route: Route,
  deps: ActDeps,
  { signal, watch }: { readonly signal: AbortSignal; readonly watch?: PublishWatch },
): Promise<boolean> {
  const views = await mapBounded(action.plan.changes, parallelReads, async (change) => {
    const records = route.records.find((one) => one.zone === change.zone && one.provider === change.provider);
    const place = { owner: change.owner, type: change.type };
    const view = await readPlace(
      {
        ...place,
        records: records ?? { provider: change.provider, zone: change.zone, owners: [], authorities: null },
      },
      deps,
      signal,
    );
    return { change, view, isEverywhere: isPublishedEverywhere(view, change.desired) };
  });
  watch?.look(views);
  await deps.store.recordLooks(views.flatMap(({ view }) => looksOf(view)));
  return views.every((one) => one.isEverywhere);
}

async function confirmed(action: Action, lease: Lease, deps: ActDeps): Promise<Action> {
  const confirmedAt = deps.clock.now();
  const patch = {
    state: 'confirmed' as const,
    changeStates: action.changeStates.map(() => 'confirmed' as const),
    confirmedAt,
    clearAt: await clearAtOf(action, confirmedAt, deps),
  };
  await deps.store.updateAction(action.id, patch, lease);
  return { ...action, ...patch };
}

/** The action's cache bound: the latest over its RRsets, and never before the replaced TTL has passed from now. */
async function clearAtOf(action: Action, confirmedAt: number, deps: Pick<Deps, 'store'>): Promise<number> {
  const bounds = await mapBounded(action.plan.changes, parallelReads, async ({ owner, type, expected }) => {
    const seen = cacheBound(await deps.store.readSightings(owner, type));
    return Math.max(seen ?? 0, confirmedAt + (expected === null ? 0 : cachedForMs(expected.ttl)));
  });
  return Math.max(confirmedAt, ...bounds);
}
