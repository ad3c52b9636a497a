// After a crash or a lost reply: what became of actions whose end the journal does not know. The live RRset tells:
// equal to desired = it was applied; equal to expected = it was not; else somebody else wrote, and we stop.

import { isSameRrset } from '../model/rrset.ts';
import { isUnsettled, type Action, type ChangeState } from '../model/change.ts';
import type { Lease } from '../model/lease.ts';
import type { Route } from '../model/route.ts';
import { applyChanges, confirm, stateFrom, type ActDeps } from './act.ts';
import type { Deps } from './deps.ts';

/** An action may be finished for this long after it was intended; later the world has moved on, and a half-applied
 *  one is left to a person. ms. */
const resumableMs = 3_600_000;

export interface Recovery {
  readonly action: Action;
  readonly text: string;
}

/** Settles every unsettled action of the route, oldest first. Reads before it writes; writes only the rest of a plan
 *  of which a part is live already. */
export async function recoverRoute(
  route: Route,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Recovery[]> {
  const unsettled = await deps.store.listActions({ route: route.name, isUnsettled: true });
  const recoveries: Recovery[] = [];
  for (const action of unsettled.toReversed()) {
    recoveries.push(await recoverAction(action, route, lease, deps, signal));
  }
  return recoveries;
}

export function hasUnsettled(actions: readonly Action[]): boolean {
  return actions.some((one) => isUnsettled(one.state));
}

async function recoverAction(
  action: Action,
  route: Route,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Recovery> {
  const known = action.state === 'intended' ? await resolvePending(action, lease, deps, signal) : action;
  if (known.state === 'applied') {
    const settled = await confirm(known, route, lease, deps, { signal, withinMs: 0 });
    return { action: settled, text: describe(settled) };
  }
  return { action: known, text: describe(known) };
}

async function resolvePending(
  action: Action,
  lease: Lease,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<Action> {
  const states = await Promise.all(action.plan.changes.map((_, at) => changeState(action, at, deps, signal)));
  const isHalf = states.includes('applied') && states.includes('pending');
  const isFresh = deps.clock.now() - action.intendedAt < resumableMs;
  if (isHalf && isFresh) {
    const { action: resumed } = await applyChanges({ ...action, changeStates: states }, lease, deps, signal);
    return resumed;
  }
  const ended = states.map((one) => (one === 'pending' ? 'failed' : one));
  const state = stateFrom(ended);
  const patch = {
    state,
    changeStates: ended,
    ...(ended.includes('applied') ? { appliedAt: action.appliedAt ?? action.intendedAt } : {}),
  };
  await deps.store.updateAction(action.id, patch, lease);
  return { ...action, ...patch };
}

async function changeState(
  action: Action,
  at: number,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<ChangeState> {
  const change = action.plan.changes[at];
  const state = action.changeStates[at] ?? 'pending';
  if (change === undefined || state !== 'pending') return state;
  const provider = await deps.provider(change.provider);
  const live = await provider.readRrset(change.zone, change.owner, change.type, signal);
  if (isSameRrset(live, change.desired)) return 'applied';
  return isSameRrset(live, change.expected) ? 'pending' : 'conflict';
}

function describe(action: Action): string {
  const what = `${action.plan.kind} ${action.plan.from ?? '?'} -> ${action.plan.to ?? '?'} (${action.plan.id})`;
  switch (action.state) {
    case 'confirmed':
      return `${what} had been applied; every authority answers it now`;
    case 'applied':
      return `${what} had been applied; not every authority answers it yet`;
    case 'failed':
      return `${what} never reached the provider`;
    case 'partial':
      return `${what} is partly applied; a person must look`;
    case 'conflict':
      return `${what} was overtaken: the RRset is neither what it replaced nor what it wrote`;
    default:
      return `${what} is ${action.state}`;
  }
}
