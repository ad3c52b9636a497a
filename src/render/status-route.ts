// What the status of one route comes down to: for the screen, for its troubles and for the JSON document.

import type { RouteStatus } from '../app/status.ts';
import type { Action } from '../model/change.ts';
import type { PathHealth } from '../model/hop-health.ts';

export function activeOf(status: RouteStatus): string | null {
  return status.match.kind === 'path' ? status.match.path : null;
}

/** Since when, ms: our own flip knows to the second; without one, since the first round that saw it. */
export function activeSinceOf(status: RouteStatus): number | null {
  const { lastFlip, state } = status;
  const active = activeOf(status);
  if (active === null) return null;
  if (lastFlip?.plan.to === active && lastFlip.appliedAt !== null) return lastFlip.appliedAt;
  return state?.activePath === active ? state.activeSince : null;
}

/** Health of the active path; null where none is active. */
export function activeHealth(status: RouteStatus): PathHealth | null {
  const active = activeOf(status);
  return active === null ? null : (status.health.get(active) ?? null);
}

export function dnsText({ match, disagreement, unsettled }: RouteStatus): string {
  if (match.kind === 'unseen') return 'no answer';
  if (match.kind !== 'path') return 'drift';
  if (unsettled.length > 0) return 'settling';
  return disagreement === null ? 'in sync' : 'differs';
}

/** A last flip that changed a part of the route, and left it there. */
export function halfDone({ match, lastFlip }: RouteStatus): Action | null {
  return match.kind !== 'path' && lastFlip?.state === 'partial' ? lastFlip : null;
}
