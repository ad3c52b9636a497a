// A person's move, up to the question: measure, read, plan, ask every guard. Writes nothing but sightings and the
// settlement of actions that an earlier run left open.

import { forbidding } from '../change/guards/index.ts';
import { candidatesOf } from '../change/published.ts';
import { RefusedError } from '../errors.ts';
import { withCanaries } from '../health/canary-diagnosis.ts';
import type { ActionKind } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import type { Rrset } from '../model/rrset.ts';
import { readDaneFacts, readPolicies, recentActions, type RouteFacts } from './assess.ts';
import { rememberedCanaries } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import { lookAtRoute } from './look.ts';
import { withLease } from './lease.ts';
import { measureRoute, ProbeRun } from './measure.ts';
import { preparePlan, type PreparedPlan, readHeld } from './prepare.ts';
import { hasUnsettled, recoverRoute, type Recovery, type Rest } from './recover.ts';
import { noticeRevert } from './revert.ts';
import { checkVantage } from './vantage.ts';

export interface Proposal {
  readonly route: Route;
  readonly facts: RouteFacts;
  readonly prepared: PreparedPlan;
  readonly recovered: readonly Recovery[];
}

/** Everything a plan for this route is judged by, measured now. A hand-made look takes no longer than a slow hop:
 *  a target that needs more than `slow_after` to answer is not what one moves to at 3 am. */
export async function gatherFacts(route: Route, deps: Deps, signal: AbortSignal): Promise<RouteFacts> {
  const { probe } = route;
  const quick: Route = {
    ...route,
    probe: { ...probe, fall: 1, timeoutMs: Math.min(probe.timeoutMs, probe.slowAfterMs) },
  };
  const run = new ProbeRun(deps);
  // A kept backup is published before and after; whichever other path is asked about, its facts are there.
  const paths = candidatesOf(route).map((path) => path.name);
  const [look, measurement, sts, dane] = await Promise.all([
    lookAtRoute(route, deps, signal),
    measureRoute(quick, run, deps, signal),
    readPolicies(route, deps, signal),
    readDaneFacts(route, paths, deps, signal),
  ]);
  const canary = await rememberedCanaries(route, measurement.health, deps);
  const actions = await deps.store.listActions({ route: route.name, limit: recentActions });
  const now = deps.clock.now();
  const revert = await noticeRevert({ route, actions, ...look, now }, deps);
  return {
    route,
    live: look.live,
    match: look.match,
    disagreement: look.disagreement,
    knownFlip: look.knownFlip,
    measurement: { ...measurement, health: withCanaries(measurement.health, canary) },
    canary,
    vantage: await checkVantage(route, measurement, { run, isWitnessed: false }, deps, signal),
    actions,
    revertSeenAt: revert?.at ?? null,
    pauses: await deps.store.readPauses(now),
    brakes: await deps.store.readBrakes(),
    vantageName: deps.config.vantage,
    movedThisRun: 0,
    failingShare: 0,
    sts,
    dane,
    isAuto: false,
    now,
  };
}

/** The same, and what the providers hold of `asked`. They are asked at once, while hops are probed: loading an SDK and
 *  the first call take as long as a probe. A compare-and-set holds them to what they said, however long ago. */
export async function gatherWithHeld(
  route: Route,
  deps: Deps,
  signal: AbortSignal,
  asked: Route = route,
): Promise<readonly [facts: RouteFacts, held: ReadonlyMap<string, Rrset | null>]> {
  const both = [gatherFacts(route, deps, signal), readHeld(asked, deps, signal)] as const;
  // Whatever fails first, nothing is left running behind the error.
  await Promise.allSettled(both);
  return Promise.all(both);
}

/** Settles what an earlier run left open; quiet where there is nothing. */
export async function settleLeftovers(
  route: Route,
  deps: Deps,
  signal: AbortSignal,
  rest: Rest = 'finish',
): Promise<Recovery[]> {
  const unsettled = await deps.store.listActions({ route: route.name, isUnsettled: true });
  if (!hasUnsettled(unsettled)) return [];
  return withLease(route.name, deps, signal, (held) =>
    recoverRoute(route, held.lease, deps, held.signal, rest),
  );
}

/** Without `to` the best candidate in `[prefer, …failover_to]` that is not active: the first that no guard refuses,
 *  else the first, with its refusals shown. */
export async function proposeMove(
  route: Route,
  to: string | null,
  deps: Deps,
  signal: AbortSignal,
  rest: Rest = 'finish',
): Promise<Proposal> {
  const recovered = await settleLeftovers(route, deps, signal, rest);
  const [facts, held] = await gatherWithHeld(route, deps, signal);
  const active = facts.match.kind === 'path' ? facts.match.path : null;
  const names = to === null ? defaultTargets(route, active) : [to];
  let first: PreparedPlan | null = null;
  for (const name of names) {
    const prepared = await preparePlan(facts, held, name, kindOfMove(route, name, active), deps, signal);
    if (forbidding(prepared.guards).length === 0) return { route, facts, prepared, recovered };
    first ??= prepared;
  }
  if (first === null) {
    throw new RefusedError('refused', `route ${route.name} has no other path to move to`, {
      hint: 'declare one under paths and failover_to',
    });
  }
  return { route, facts, prepared: first, recovered };
}

function defaultTargets(route: Route, active: string | null): string[] {
  const names = [...new Set([route.prefer, ...route.failoverTo])];
  return (names.length > 1 ? names : candidatesOf(route).map((path) => path.name)).filter(
    (name) => name !== active,
  );
}

/** To the path that is active already: only the TTL is left to put right. */
function kindOfMove(route: Route, to: string, active: string | null): ActionKind {
  return to === active && to === route.prefer ? 'raise-ttl' : 'manual';
}
