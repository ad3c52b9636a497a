// Guards on when: hold-down, flip limit, caches, age of results. They bind `auto`; a person is warned, for the person
// who acts at 3 am acknowledges the move by making it.

import { type Action, type ActionKind, isFlip } from '../../model/change.ts';
import type { Guard, GuardContext } from './context.ts';

/** Rounded up: a wait is never shown shorter than it is. */
function minutes(ms: number): string {
  const rounded = Math.max(1, Math.ceil(ms / 60_000));
  if (rounded < 120) return `${rounded} min`;
  return rounded < 2 * 1440 ? `${Math.ceil(rounded / 60)} h` : `${Math.ceil(rounded / 1440)} d`;
}

const bind = (context: GuardContext) => (context.isAuto ? 'forbid' : 'warn');

/** Leaving a failing path is never held down (the flip limit bounds that); coming back is. */
export const holdDown: Guard = (context) => {
  const name = 'hold-down';
  const last = context.actions.find(isFlip);
  if (last === undefined) return { name, verdict: 'ok', reason: 'no flip before' };
  const sinceMs = context.now - (last.appliedAt ?? last.intendedAt);
  const reason = `last flip ${minutes(sinceMs)} ago`;
  const leftMs = context.route.failover.holdDownMs - sinceMs;
  if (
    leftMs <= 0 ||
    context.kind === 'failover' ||
    context.kind === 'relapse' ||
    context.kind === 'raise-ttl'
  ) {
    return { name, verdict: 'ok', reason };
  }
  return { name, verdict: bind(context), reason: `${reason}, hold-down for ${minutes(leftMs)} more` };
};

/** Flips before a person let the brake go are that person's to answer for. */
function isCounted(context: GuardContext, at: number): boolean {
  const released = context.brakes.find(
    (one) => one.kind === 'flip-limit' && one.route === context.route.name && one.releasedAt !== null,
  );
  return released?.releasedAt == null || at > released.releasedAt;
}

export const flipLimit: Guard = (context) => {
  const name = 'flip-limit';
  const { count, withinMs } = context.route.failover.maxFlips;
  // One dated later than now counts: a clock that was set back frees nothing.
  const flips = context.actions
    .filter(isFlip)
    .map((one) => one.appliedAt ?? one.intendedAt)
    .filter((at) => context.now - at < withinMs && isCounted(context, at)).length;
  const reason = `${flips} of ${count} flips in ${Math.round(withinMs / 3_600_000)} h`;
  if (flips < count || context.kind === 'raise-ttl') return { name, verdict: 'ok', reason };
  return {
    name,
    verdict: bind(context),
    reason: `${reason}: a person must look`,
    trips: { kind: 'flip-limit', scope: 'route' },
  };
};

/** Moves that nobody is in a hurry for. */
const waitsForCaches: readonly ActionKind[] = ['return', 'manual', 'drill'];

/** A flip that somebody overwrote before every authority had it will never be confirmed, so it never gets a bound; what
 *  it replaced was served until it was applied at the latest. Null where it may still be confirmed. */
function clearAtOfOverwritten({ state, appliedAt, intendedAt, plan }: Action): number | null {
  if (state !== 'conflict') return null;
  const longest = Math.max(0, ...plan.changes.map((one) => one.expected?.ttl ?? 0));
  return (appliedAt ?? intendedAt) + longest * 1000;
}

/** No return while a cache may still hold what the last flip replaced. */
export const cachesNotClear: Guard = (context) => {
  const name = 'caches-not-clear';
  const last = context.actions.find(isFlip);
  if (last === undefined || !waitsForCaches.includes(context.kind)) {
    return { name, verdict: 'ok', reason: 'nothing to wait for' };
  }
  const clearAt = last.clearAt ?? clearAtOfOverwritten(last);
  if (clearAt === null) {
    return { name, verdict: bind(context), reason: 'the last flip is not confirmed by every authority yet' };
  }
  const leftMs = clearAt - context.now;
  return leftMs <= 0
    ? { name, verdict: 'ok', reason: 'no cache holds what the last flip replaced' }
    : {
        name,
        verdict: bind(context),
        reason: `caches may hold what the last flip replaced for ${minutes(leftMs)}`,
      };
};

/** A verdict older than three intervals is no verdict. */
export const staleObservations: Guard = (context) => {
  const name = 'stale-observations';
  const { staleAfterMs } = context.route.probe;
  // Of an unknown hop nothing is relied on.
  const hops = [...context.target.hops, ...(context.active?.hops ?? [])].filter(
    (one) => one.health.status !== 'unknown',
  );
  const oldest = Math.min(context.now, ...hops.map((one) => one.health.lastAt));
  const ageMs = context.now - oldest;
  return ageMs <= staleAfterMs
    ? { name, verdict: 'ok', reason: `results at most ${Math.ceil(ageMs / 1000)} s old` }
    : { name, verdict: 'forbid', reason: `a result is ${minutes(ageMs)} old; probe again` };
};
