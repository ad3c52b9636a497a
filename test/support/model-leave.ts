// A path that is down must be left in bounded time where nothing forbids it. Looks once a minute whether everything that
// is needed has held for long enough, and whether the route is still there.

import { isUnsettled } from '../../src/model/change.ts';
import { openWindow } from '../../src/change/maintenance.ts';
import { ownersOf } from '../../src/model/route.ts';
import { isReverted } from './model-guards.ts';
import type { ModelJudge } from './model-judge.ts';
import { controllers, machines } from './model-scenario.ts';
import { roundMs } from './model-world.ts';
import { minute } from './worlds.ts';

/** A rise and a fall, results that run stale, a lease that runs out, and rounds that begin when they begin. */
const boundMs = 9 * roundMs;
/** An action that some authority does not answer is waited for this long before anything else is done. */
const unsettledMs = 13 * minute;

export class LeaveWatch {
  readonly #judge: ModelJudge;
  #since: number | null = null;
  #active = '';
  #isTold = false;

  constructor(judge: ModelJudge) {
    this.#judge = judge;
  }

  look(): void {
    const { world, now } = this.#judge;
    const match = world.match();
    if (match.kind !== 'path' || match.path !== this.#active || this.#isForbidden(match.path)) {
      this.#active = match.kind === 'path' ? match.path : '';
      this.#since = match.kind === 'path' && !this.#isForbidden(match.path) ? now : null;
      this.#isTold = false;
      return;
    }
    this.#since ??= now;
    const from = now - boundMs;
    if (this.#since > from || this.#isTold) return;
    if (!world.isDead(match.path, from, now) || !this.#isAble(from)) return;
    const target = world.route.paths.find(
      (one) => one.name !== match.path && one.name !== world.trapped && world.isWhole(one.name, from, now),
    );
    if (target === undefined) return;
    this.#isTold = true;
    this.#judge.report(
      'leave',
      `${match.path} is down for ${boundMs / minute} min, ${target.name} takes mail, and nobody moves`,
    );
  }

  /** What a person, a brake or a tool asks for. */
  #isForbidden(active: string): boolean {
    const judge = this.#judge;
    const { world, now } = judge;
    const { maxFlips, maxDomains } = world.route.failover;
    const last = judge.flipsApplied.at(-1);
    return (
      judge.isPaused(now) ||
      judge.brakedSince !== null ||
      ownersOf(world.route).length > maxDomains ||
      judge.flipsApplied.filter((one) => now - one.at < maxFlips.withinMs + minute).length >=
        maxFlips.count ||
      judge.machines.some((one) => openWindow(world.route.maintenance, active, now + one.skewMs) !== null) ||
      isReverted(judge) ||
      (!judge.isTimely && judge.edits.length > 0) ||
      (last !== undefined && now - last.at < unsettledMs) ||
      [...judge.begun.values()].some((one) => isUnsettled(one.action.state) && now - one.at < unsettledMs)
    );
  }

  /** True where enough machines could see and one of them could act, all the time. */
  #isAble(from: number): boolean {
    const { world, now, alive, edits } = this.#judge;
    if (edits.some((at) => at > from)) return false;
    if (!world.zones.serverStates.every((one) => one.holds(from, now, (state) => state === 'ok')))
      return false;
    if (
      !world.providerModes.every((one) =>
        one.holds(from, now, (mode) => mode === 'ok' || mode === 'throttle'),
      )
    )
      return false;
    const seeing = machines.filter(
      (_, at) =>
        alive[at]!.holds(from, now, (one) => one) &&
        world.nets[at]!.holds(from, now, (one) => one === 'ok') &&
        world.databases[at]!.holds(from, now, (one) => one === 'ok'),
    );
    const isHonest = world.lies.holds(from, now, (one) => one === 'none');
    const voting = isHonest ? seeing : seeing.filter((one) => one !== machines.at(-1));
    if (!isHonest && world.route.failover.quorum === 1) return false;
    const needed = world.route.failover.quorum;
    const skews = this.#judge.skewsOf(from);
    if (skews === null) return false;
    return controllers.some((one, at) => {
      const agreeing = voting.filter(
        (other) => Math.abs(skews[machines.indexOf(other)]! - skews[at]!) < minute,
      );
      return seeing.includes(one) && agreeing.length >= needed;
    });
  }
}
