// What must be so when everything has healed and time has passed: the healthy preferred path is active again unless
// somebody wants it otherwise, and the journal tells each change of DNS once.

import { rrsetKey } from '../../src/change/published.ts';
import { isByPerson, isFlip, isUnsettled, type Action } from '../../src/model/change.ts';
import { ownersOf } from '../../src/model/route.ts';
import { isSameRrset } from '../../src/model/rrset.ts';
import { isReverted } from './model-guards.ts';
import { describe, type ModelJudge } from './model-judge.ts';
import { actionBehind, deliver } from './model-senders.ts';
import { healAt, roundMs } from './model-world.ts';
import { minute } from './worlds.ts';

export function checkEnd(actions: readonly Action[], judge: ModelJudge): void {
  checkReturn(actions, judge);
  checkHistory(actions, judge);
  checkMail(judge);
}

/** Nothing bounces where we sent it that would have got through had we stood still, unless it began to bounce there
 *  only after we had looked. */
function checkMail(judge: ModelJudge): void {
  const { world } = judge;
  const still = deliver(world, world.stillZones);
  deliver(world, world.zones).forEach((one, at) => {
    if (one.outcome !== 'bounced' || still[at]!.outcome === 'bounced') return;
    const begun = judge.begun.get(actionBehind(world.zones, one) ?? '');
    if (begun === undefined || isByPerson(begun.action)) return;
    const hop = world.hops.get(one.exchange!)!;
    // Without a canary address nobody can see from outside that a hop refuses recipients.
    if (!world.scenario.asksRcpt || !hop.holds(begun.roundAt, one.at, (state) => state === 'bounce')) return;
    judge.report('lost', `a letter bounced at ${one.exchange ?? ''}, where ${describe(begun)} had sent it`);
  });
}

function checkReturn(actions: readonly Action[], judge: ModelJudge): void {
  const { world, now } = judge;
  const { route } = world;
  const match = world.match();
  const last = actions.find(isFlip);
  // A clock that is wrong dates what caches hold by as much.
  if (judge.brakedSince !== null || !judge.isTimely) return;
  // What somebody wrote over is that somebody's to undo.
  if (match.kind !== 'path' || last === undefined || isByPerson(last) || last.state === 'conflict') return;
  if (judge.pauses.some((one) => one.until > healAt + 20 * minute)) return;
  if (route.failover.failback === 'manual' || ownersOf(route).length > route.failover.maxDomains) return;
  if (match.path === route.prefer) {
    const isOurs = route.records.every((one) =>
      one.owners.every((owner) => world.zones.newest(owner, 'MX')?.action !== null),
    );
    // Its probation is over, and two rounds went by since.
    const isProven = now - (last.appliedAt ?? now) > route.probationMs + 2 * roundMs;
    if (isOurs && isProven && last.plan.kind === 'return' && match.ttl.least !== route.ttl)
      judge.report('return', `back on ${match.path} long ago, still with TTL ${match.ttl.least}`);
    return;
  }
  const recent = judge.flipsApplied.filter((one) => now - one.at < route.failover.maxFlips.withinMs).length;
  if (recent >= route.failover.maxFlips.count || isReverted(judge) || last.plan.to !== match.path) return;
  judge.report(
    'return',
    `everything is well for ${Math.round((now - healAt) / minute)} min, and ${match.path} is still active`,
  );
}

function checkHistory(actions: readonly Action[], judge: ModelJudge): void {
  for (const { action: id, changes, at } of judge.applies) {
    const action = actions.find((one) => one.id === id);
    const begun = judge.begun.get(id)!;
    // Somebody who puts back the old records before the journal is written leaves no trace of the write.
    if (judge.edits.some((edited) => edited >= at)) continue;
    for (const change of changes) {
      const place = action?.plan.changes.findIndex(
        (one) => one.owner === change.owner && one.type === change.type,
      );
      const state = action?.changeStates[place ?? -1] ?? 'missing';
      if (state === 'applied' || state === 'confirmed') continue;
      // Applied, and overwritten by somebody before every authority answered it.
      if (state === 'conflict' && action?.appliedAt != null) continue;
      if (state === 'pending' && judge.isPaused(judge.now)) continue;
      // It arrived when another run had written down that it would do just that, and is told there.
      if (actions.some((one) => one.plan.digest === begun.action.plan.digest && one.appliedAt !== null))
        continue;
      judge.report(
        'history',
        `${describe(begun)} changed ${rrsetKey(change.owner, change.type)}, history says ${state}`,
      );
    }
  }
  for (const action of actions) {
    const begun = judge.begun.get(action.id);
    if (begun === undefined) judge.report('history', `an action nobody began: ${action.id}`);
    else if (isUnsettled(action.state) && !judge.isPaused(judge.now) && judge.now - begun.at > 30 * minute)
      judge.report('history', `${describe(begun)} is still ${action.state}`);
    else if (action.appliedAt !== null) checkToldOnce(action, judge);
  }
}

function checkToldOnce(action: Action, judge: ModelJudge): void {
  action.plan.changes.forEach((change, at) => {
    const state = action.changeStates[at];
    if (state !== 'applied' && state !== 'confirmed') return;
    const key = rrsetKey(change.owner, change.type);
    const isOwn = judge.applies.some(
      (one) =>
        one.action === action.id && one.changes.some((other) => rrsetKey(other.owner, other.type) === key),
    );
    const isTwins = judge.applies.some((one) => {
      const twin = judge.begun.get(one.action)!.action;
      return twin.plan.digest === action.plan.digest && twin.appliedAt === null;
    });
    // What somebody else wrote in the same words counts as done.
    const isOthers = judge.world.zones.versions
      .get(key)!
      .some((one) => one.action === null && isSameRrset(one.rrset, change.desired));
    if (!isOwn && !isTwins && !isOthers)
      judge.report('history', `${describe(judge.begun.get(action.id)!)} is told as ${state}, and never was`);
  });
}
