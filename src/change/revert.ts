// A flip of ours that somebody else undid, terraform most often: told apart from drift by what the flip replaced.

import { isFlip, type Action } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import { hasSameRdata, type Rrset } from '../model/rrset.ts';
import { rrsetKey } from './published.ts';

/** What is known of a route when a revert is looked for. */
export interface RevertFacts {
  readonly route: Route;
  /** Newest first. */
  readonly actions: readonly Action[];
  readonly live: ReadonlyMap<string, Rrset | null>;
  /** Id of the last flip that was on record as applied before `live` was read; null = none. */
  readonly knownFlip: string | null;
  readonly now: number;
}

export interface Revert {
  readonly flip: Action;
  /** When it was first seen; ms. */
  readonly at: number;
}

/** Id of the last flip that DNS has; null where there is none. */
export function appliedFlip(actions: readonly Action[]): string | null {
  return actions.find((one) => isFlip(one) && one.appliedAt !== null)?.id ?? null;
}

/** Our last flip, where the records that it replaced stand there again. Older than the flip limit looks back it is no
 *  fight any more but how things are: else one revert would end failover for good. */
export function revertedFlip({ actions, live, knownFlip, route, now }: RevertFacts): Action | null {
  const last = actions.find(isFlip);
  // Another controller moved while this one looked: what was seen is older than the flip, not a revert of it.
  if (last?.appliedAt == null || last.id !== knownFlip) return null;
  if (now - last.appliedAt >= route.failover.maxFlips.withinMs) return null;
  const isReverted = last.plan.changes.some(({ owner, type, expected, desired }, at) => {
    const rrset = live.get(rrsetKey(owner, type));
    return (
      wasWritten(last, at) &&
      rrset !== undefined &&
      hasSameRdata(rrset, expected) &&
      !hasSameRdata(rrset, desired)
    );
  });
  return isReverted ? last : null;
}

/** A conflict at the time of writing wrote nothing; one found later, in an action that ended so, was overwritten. */
function wasWritten({ state, changeStates }: Action, at: number): boolean {
  const one = changeStates[at] ?? 'pending';
  return one === 'applied' || one === 'confirmed' || (one === 'conflict' && state === 'conflict');
}
