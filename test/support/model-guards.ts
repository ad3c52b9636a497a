// What each guard must have forbidden, from the truth: only where the controller could have known, with a margin for
// what takes time to be noticed. An action that takes effect in spite of one of these is a violation of that name.

import { openWindow } from '../../src/change/maintenance.ts';
import { isByPerson, type Action } from '../../src/model/change.ts';
import { hasSameRdata } from '../../src/model/rrset.ts';
import type { ModelJudge } from './model-judge.ts';
import type { ModelProcess } from './model-process.ts';
import { machines } from './model-scenario.ts';
import { exchangesNamed } from './model-world.ts';
import { minute } from './worlds.ts';

type Broken = readonly [guard: string, why: string];

export function guardsBroken(action: Action, process: ModelProcess, judge: ModelJudge): Broken[] {
  const broken: Broken[] = [];
  const isPausedThen =
    judge.isTimely && judge.pauses.some((one) => one.at < process.leasedAt && judge.now < one.until);
  if (isPausedThen && !action.overrides.includes('paused')) broken.push(['paused', 'the route was paused']);
  if (isByPerson(action)) return broken;
  broken.push(...scope(action, process, judge));
  if (action.plan.kind === 'raise-ttl') return broken;
  broken.push(...target(action, process, judge), ...timing(action, judge));
  if (action.plan.kind !== 'return') broken.push(...leaving(action, process, judge));
  return broken;
}

function scope(action: Action, process: ModelProcess, judge: ModelJudge): Broken[] {
  const { route, scenario } = judge.world;
  const broken: Broken[] = [];
  const owners = new Set(action.plan.changes.map((one) => one.owner)).size;
  if (owners > route.failover.maxDomains) broken.push(['blast-radius', `${owners} domains at once`]);
  const last = judge.flipsApplied.at(-1);
  const isBack = action.plan.kind === 'return' || action.plan.kind === 'raise-ttl';
  if (judge.brakedSince !== null && judge.brakedSince < process.leasedAt && action.plan.kind !== 'raise-ttl')
    broken.push(['brake', 'a brake had tripped, and nobody resumed']);
  if (isBack && scenario.failback === 'manual') broken.push(['failback', 'coming back is manual']);
  if (action.plan.kind === 'return' && (last === undefined || isByPerson(last.action)))
    broken.push(['failback', 'comes back from a move that was a person’s']);
  const isEditedSince = judge.edits.some((at) => at > process.leasedAt);
  const match = judge.world.match();
  if (!isEditedSince && match.kind !== 'path') broken.push(['live-drift', `DNS held ${match.kind}`]);
  // How long a revert counts is measured by clocks.
  if (judge.isTimely && !isEditedSince && action.plan.kind !== 'raise-ttl' && isReverted(judge))
    broken.push(['live-drift', 'somebody had undone the last flip']);
  // A machine that stands still after its last look knows nothing of it.
  const isAwake = judge.alive[process.machine.index]!.holds(process.leasedAt, judge.now, (one) => one);
  if (isAwake && action.plan.kind !== 'raise-ttl' && judge.now - process.probedAt > route.probe.staleAfterMs)
    broken.push([
      'stale-observations',
      `nothing was probed for ${Math.round((judge.now - process.probedAt) / 1000)} s`,
    ]);
  return broken;
}

/** The records that our last flip replaced stand there again, and it was not us. */
export function isReverted(judge: ModelJudge): boolean {
  const last = judge.flipsApplied.at(-1);
  if (last === undefined || judge.now - last.at >= judge.world.route.failover.maxFlips.withinMs) return false;
  return last.action.plan.changes.some(({ owner, type, expected, desired }) => {
    const newest = judge.world.zones.newest(owner, type);
    return (
      newest?.action === null &&
      newest.at > last.at &&
      hasSameRdata(newest.rrset, expected) &&
      !hasSameRdata(newest.rrset, desired)
    );
  });
}

function target(action: Action, process: ModelProcess, judge: ModelJudge): Broken[] {
  const { world, now } = judge;
  const to = action.plan.to ?? '';
  const from = process.roundStartedAt;
  const broken: Broken[] = [];
  if (world.isDead(to, from, now)) broken.push(['target', `${to} took no mail since the round began`]);
  const first = world.hops.get(exchangesNamed(world.route, to)[0]!)!;
  if (world.scenario.asksRcpt && first.holds(from, now, (state) => state === 'bounce'))
    broken.push(['target', `${to} bounced since the round began`]);
  if (world.trapped === to)
    broken.push([world.scenario.trap, `${to} is closed to senders by ${world.scenario.trap}`]);
  const net = world.nets[process.machine.index]!;
  if (net.holds(from, now, (state) => state !== 'ok'))
    broken.push(['vantage-fault', 'its own network was gone']);
  return broken;
}

function timing(action: Action, judge: ModelJudge): Broken[] {
  const { now, world } = judge;
  // Instants in the journal are those of whoever wrote them.
  if (!judge.isTimely) return [];
  const { holdDownMs, maxFlips } = world.route.failover;
  const flips = judge.flipsApplied;
  const broken: Broken[] = [];
  const recent = flips.filter((one) => now - one.at < maxFlips.withinMs).length;
  if (recent >= maxFlips.count) broken.push(['flip-limit', `the ${recent + 1}th flip of ${maxFlips.count}`]);
  const last = flips.at(-1);
  if (action.plan.kind !== 'return' || last === undefined) return broken;
  // Who puts the old records back and takes them away again fills caches that no flip of ours is about.
  const isOurs = !judge.edits.some((at) => at >= last.at);
  const sinceMs = now - last.at;
  if (sinceMs < holdDownMs) broken.push(['hold-down', `${Math.round(sinceMs / 1000)} s after the last flip`]);
  for (const { owner, type, expected } of last.action.plan.changes) {
    if (expected === null || !isOurs) continue;
    const since = now - expected.ttl * 1000;
    const seen = world.zones.lastAnswered(owner, type, expected.rdata.join(), Math.max(since, last.at), now);
    if (seen !== null)
      broken.push([
        'caches',
        `a cache may hold ${expected.rdata.join()} for ${Math.round((seen - since) / 1000)} s more`,
      ]);
  }
  return broken;
}

function leaving(action: Action, process: ModelProcess, judge: ModelJudge): Broken[] {
  const { world, now } = judge;
  const from = action.plan.from ?? '';
  const { staleAfterMs, intervalMs } = world.route.probe;
  const since = process.roundStartedAt - staleAfterMs - 2 * intervalMs;
  const broken: Broken[] = [];
  if (world.isWhole(from, since, now) && suspects(since, judge) < world.route.failover.quorum)
    broken.push(['quorum', `${from} took mail at every hop for ${Math.round((now - since) / minute)} min`]);
  const isOpen = (at: number) => openWindow(world.route.maintenance, from, at) !== null;
  if (judge.isTimely && isOpen(process.roundStartedAt) && isOpen(now))
    broken.push(['maintenance', `${from} is in its window`]);
  const seeing = vouching(judge);
  if (seeing < world.route.failover.quorum) broken.push(['quorum', `${seeing} vantages could tell`]);
  return broken;
}

/** Machines that could have seen both paths as they were while results stay fresh. */
function vouching(judge: ModelJudge): number {
  const { world, now } = judge;
  const since = now - world.route.probe.staleAfterMs;
  return machines.filter((_, index) => {
    // Who lies about every path all the time vouches for none.
    const isLiar = index === machines.length - 1 && world.lies.holds(since, now, (one) => one === 'down');
    return (
      !isLiar &&
      judge.rounds.some(
        ({ machine, from, to }) =>
          machine === index &&
          Math.min(to, now) >= since &&
          world.nets[index]!.holds(from, Math.min(to, now), (one) => one === 'ok'),
      )
    );
  }).length;
}

/** Machines that may have told a lie in good faith or not: one lies, or its network changed under a round. */
function suspects(since: number, judge: ModelJudge): number {
  const { world, now } = judge;
  return machines.filter((_, index) => {
    const isLiar =
      index === machines.length - 1 && !world.lies.holds(since, now, (one) => one === 'none' || one === 'up');
    return (
      isLiar ||
      judge.rounds.some(
        ({ machine, from, to }) =>
          machine === index && to >= since && !isConstant(world.nets[index]!, from, Math.min(to, now)),
      )
    );
  }).length;
}

function isConstant<T>(
  timeline: { at(at: number): T; holds(from: number, to: number, is: (value: T) => boolean): boolean },
  from: number,
  to: number,
): boolean {
  const first = timeline.at(from);
  return timeline.holds(from, to, (value) => value === first);
}
