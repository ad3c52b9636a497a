// After a crash or a lost reply: what became of actions whose end the journal does not know. The live RRset tells:
// equal to desired = it was applied; equal to expected = it was not; else somebody else wrote, and we stop. Writes
// nothing while the route is paused.

import { AppError, LeaseError } from '../errors.ts';
import { rrsetKey } from '../change/published.ts';
import { isSameRrset, type Rrset } from '../model/rrset.ts';
import { isUnsettled, type Action, type ChangeState, type RrsetChange } from '../model/change.ts';
import type { Lease } from '../model/lease.ts';
import type { Route } from '../model/route.ts';
import { applyChanges, confirm, stateFrom, type ActDeps } from './act.ts';
import type { Deps } from './deps.ts';
import { withLease, type HeldLease } from './lease.ts';

/** An action may be finished for this long after it was intended; later the world has moved on, and a half-applied
 *  one is left to a person. ms. */
const resumableMs = 3_600_000;

export interface Recovery {
  readonly action: Action;
  /** False where it stands as the last run left it. */
  readonly isNews: boolean;
  readonly text: string;
}

/** What becomes of the rest of a plan of which a part is live already. finish: it is written; stop: it is given up, by
 *  somebody who undoes the part; leave: it waits, for this run only looks. */
export type Rest = 'finish' | 'stop' | 'leave';

/** Settles every unsettled action of the route, oldest first. Reads before it writes; writes only the rest of a plan
 *  of which a part is live already, and only to `finish`. */
export async function recoverRoute(
  route: Route,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
  rest: Rest = 'finish',
): Promise<Recovery[]> {
  const unsettled = await deps.store.listActions({ route: route.name, isUnsettled: true });
  const recoveries: Recovery[] = [];
  for (const action of unsettled.toReversed()) {
    recoveries.push(await recoverAction(action, { route, lease, rest }, deps, signal));
  }
  return recoveries;
}

/** Ends actions whose cache bound has passed: what they published is true for the world. */
export async function clearActions(
  route: Route,
  actions: readonly Action[],
  deps: Pick<Deps, 'store' | 'clock' | 'holder' | 'isDeadHolder'>,
  signal: AbortSignal,
): Promise<Recovery[]> {
  const now = deps.clock.now();
  const due = actions.filter(
    (one) => one.state === 'confirmed' && one.clearAt !== null && one.clearAt <= now,
  );
  if (due.length === 0) return [];
  return whereFree(route, deps, signal, async (held) => {
    for (const { id } of due) await deps.store.updateAction(id, { state: 'cleared' }, held.lease);
    return due.map((one) => {
      const action: Action = { ...one, state: 'cleared' };
      return { action, isNews: true, text: describeRecovered(action) };
    });
  });
}

/** Opens an action again that was given up too soon: it had not arrived when a run that took over looked, and DNS
 *  publishes it by now. Its run stood still, or was killed, with the write on its way; no lease can call that back.
 *  What a provider refused stays refused, whoever has written the same since. */
export async function reopenLate(
  route: Route,
  actions: readonly Action[],
  live: ReadonlyMap<string, Rrset | null>,
  deps: Pick<Deps, 'store' | 'clock' | 'holder' | 'isDeadHolder'>,
  signal: AbortSignal,
): Promise<Recovery[]> {
  const now = deps.clock.now();
  // By their leases: clocks of different machines give no order.
  const newest = Math.max(0, ...actions.filter((one) => one.state !== 'failed').map((one) => one.leaseToken));
  const late = actions.find(
    ({ plan, state, note, intendedAt, leaseToken }) =>
      state === 'failed' &&
      leaseToken > newest &&
      note === null &&
      now - intendedAt < resumableMs &&
      plan.changes.every(({ owner, type, desired }) => {
        const held = live.get(rrsetKey(owner, type));
        return held !== undefined && isSameRrset(held, desired);
      }),
  );
  if (late === undefined || route.failover.mode === 'observe') return [];
  return whereFree(route, deps, signal, async (held) => {
    const changeStates = late.changeStates.map(() => 'applied' as const);
    const patch = { state: 'applied' as const, changeStates, appliedAt: now };
    await deps.store.updateAction(late.id, patch, held.lease);
    const action: Action = { ...late, ...patch };
    return [{ action, isNews: true, text: describeRecovered(action) }];
  });
}

/** Under the route's lease, or not at all where somebody else is at it: it can wait for the next run. */
async function whereFree(
  route: Route,
  deps: Parameters<typeof withLease>[1],
  signal: AbortSignal,
  work: (held: HeldLease) => Promise<Recovery[]>,
): Promise<Recovery[]> {
  try {
    return await withLease(route.name, deps, signal, work);
  } catch (error) {
    if (error instanceof LeaseError) return [];
    throw error;
  }
}

export function hasUnsettled(actions: readonly Action[]): boolean {
  return actions.some((one) => isUnsettled(one.state));
}

async function recoverAction(
  action: Action,
  { route, lease, rest }: { readonly route: Route; readonly lease: Lease; readonly rest: Rest },
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Recovery> {
  // Of a drill's record nobody wants the rest: the next drill removes what there is.
  const wanted = action.plan.kind === 'measure' ? 'stop' : rest;
  const known =
    action.state === 'intended' ? await resolvePending(action, lease, wanted, deps, signal) : action;
  const settled = known.state === 'applied' ? await resolveApplied(known, route, lease, deps, signal) : known;
  const isNews = settled.state !== action.state || settled.changeStates.join() !== action.changeStates.join();
  return { action: settled, isNews, text: describeRecovered(settled) };
}

async function resolveApplied(
  action: Action,
  route: Route,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Action> {
  const seen = await confirm(action, route, lease, deps, { signal, withinMs: 0 });
  return seen.state === 'applied' ? endOverwritten(seen, lease, deps, signal) : seen;
}

/** Applied, never confirmed, and by now the provider holds something else: no authority will ever answer it. */
async function endOverwritten(
  action: Action,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Action> {
  let states: ChangeState[];
  try {
    const held = await readHeld(action.plan.changes, deps, signal);
    states = action.plan.changes.map((change, at) =>
      isSameRrset(held[at] ?? null, change.desired) ? (action.changeStates[at] ?? 'applied') : 'conflict',
    );
  } catch (error) {
    // Who cannot be asked has not said that it is gone.
    if (!(error instanceof AppError) || signal.aborted) throw error;
    return action;
  }
  if (!states.includes('conflict')) return action;
  const patch = { state: 'conflict' as const, changeStates: states };
  await deps.store.updateAction(action.id, patch, lease);
  return { ...action, ...patch };
}

async function resolvePending(
  action: Action,
  lease: Lease,
  rest: Rest,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Action> {
  const states = await changeStates(action, deps, signal);
  const now = deps.clock.now();
  // Where somebody else wrote meanwhile, the rest is left to a person.
  const isHalf = states.includes('applied') && states.includes('pending') && !states.includes('conflict');
  const isResumable = isHalf && rest !== 'stop' && now - action.intendedAt < resumableMs;
  const mustWait = isResumable && (rest === 'leave' || (await isPaused(action.plan.route, now, deps)));
  if (isResumable && !mustWait) {
    const { action: resumed } = await applyChanges({ ...action, changeStates: states }, lease, deps, signal);
    return resumed;
  }
  const ended = mustWait ? states : states.map((one) => (one === 'pending' ? 'failed' : one));
  const state = stateFrom(ended);
  const patch = {
    state,
    changeStates: ended,
    ...(ended.includes('applied') ? { appliedAt: action.appliedAt ?? action.intendedAt } : {}),
  };
  await deps.store.updateAction(action.id, patch, lease);
  return { ...action, ...patch };
}

async function isPaused(route: string, now: number, deps: Pick<Deps, 'store'>): Promise<boolean> {
  const pauses = await deps.store.readPauses(now);
  return pauses.some((one) => one.route === null || one.route === route);
}

/** In the order of the changes; each zone asked once. */
async function readHeld(
  changes: readonly RrsetChange[],
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<(Rrset | null)[]> {
  const held: (Rrset | null)[] = changes.map(() => null);
  const entries = changes.map((change, at) => ({ change, at }));
  const zones = Map.groupBy(entries, ({ change }) => `${change.provider} ${change.zone}`);
  await Promise.all(
    [...zones.values()].map(async (zone) => {
      const [first] = zone;
      if (first === undefined) return;
      const provider = await deps.provider(first.change.provider);
      const questions = zone.map(({ change }) => change);
      const rrsets = await provider.readRrsets(first.change.zone, questions, signal);
      zone.forEach(({ at }, index) => (held[at] = rrsets[index] ?? null));
    }),
  );
  return held;
}

/** What became of the changes whose end is not known. */
async function changeStates(
  action: Action,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<ChangeState[]> {
  const states = action.plan.changes.map((_, at) => action.changeStates[at] ?? 'pending');
  const pending = action.plan.changes.filter((_, at) => states[at] === 'pending');
  const held = await readHeld(pending, deps, signal);
  const live = new Map(pending.map((change, at) => [change, held[at] ?? null]));
  return action.plan.changes.map((change, at) => {
    const rrset = live.get(change);
    if (rrset === undefined) return states[at] ?? 'pending';
    if (isSameRrset(rrset, change.desired)) return 'applied';
    return isSameRrset(rrset, change.expected) ? 'pending' : 'conflict';
  });
}

/** One line for people, of an action that this run found settled or settled itself. */
export function describeRecovered(action: Action): string {
  const isRecord = action.plan.kind === 'measure';
  const what = isRecord
    ? `the TXT record of drill ${action.plan.id}`
    : `${action.plan.kind} ${action.plan.from ?? '?'} -> ${action.plan.to ?? '?'} (${action.plan.id})`;
  switch (action.state) {
    case 'confirmed':
      return `${what} had been applied; every authority answers it now`;
    case 'cleared':
      return `${what} is true for the world: no conforming cache holds what it replaced`;
    case 'applied':
      return `${what} had been applied; not every authority answers it yet`;
    case 'failed':
      return `${what} never reached the provider`;
    case 'partial':
      return `${what} is partly applied; a person must look`;
    case 'intended':
      return `${what} is half applied: the rest waits for the next run that may write`;
    case 'conflict':
      if (action.appliedAt !== null) return `${what} had been applied, and was overwritten since`;
      return `${what} was overtaken: the RRset is neither what it replaced nor what it wrote`;
  }
}
