// Gathers what the guards look at for one candidate of one route. Gathering reads; judging is pure.

import type { GuardContext, PauseFacts, VantageCheck } from '../change/guards/context.ts';
import { changesTo, ttlFor } from '../change/plan.ts';
import type { Rrset } from '../model/rrset.ts';
import type { Brake } from '../model/brake.ts';
import type { Action, ActionKind, RrsetChange } from '../model/change.ts';
import type { DaneFacts } from '../model/dane.ts';
import type { PathHealth } from '../model/hop-health.ts';
import { exchangesOf } from '../model/mail-path.ts';
import { ownersOf, pathOf, type Route } from '../model/route.ts';
import type { StsFacts } from '../model/sts.ts';
import type { LiveMatch } from '../change/published.ts';
import { revertedFlip } from '../change/revert.ts';
import type { CanaryReport } from '../health/canary-diagnosis.ts';
import { pathHealth } from '../health/path.ts';
import { describeRevert } from '../render/revert.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import type { RouteMeasurement } from './measure.ts';

/** Everything known about a route at one moment of a run. */
export interface RouteFacts {
  readonly route: Route;
  readonly live: ReadonlyMap<string, Rrset | null>;
  readonly match: LiveMatch;
  readonly disagreement: string | null;
  readonly measurement: RouteMeasurement;
  readonly vantage: VantageCheck;
  /** Null where the route has no canaries. */
  readonly canary: CanaryReport | null;
  readonly actions: readonly Action[];
  /** Id of the last flip that was on record as applied before `live` was read; null = none. */
  readonly knownFlip: string | null;
  /** When it was first seen that somebody undid our last flip; ms. Null where nobody did. */
  readonly revertSeenAt: number | null;
  readonly pauses: readonly PauseFacts[];
  readonly brakes: readonly Brake[];
  readonly vantageName: string;
  readonly movedThisRun: number;
  readonly failingShare: number;
  readonly sts: readonly StsFacts[] | null;
  readonly dane: readonly DaneFacts[] | null;
  readonly isAuto: boolean;
  readonly now: number;
}

const unmeasuredPath: PathHealth = pathHealth([]);

/** The guards' context for a move to `pathName`. Throws RangeError for a path that the route does not have. */
export function contextFor(
  facts: RouteFacts,
  pathName: string,
  kind: ActionKind,
  changes: readonly RrsetChange[] = plannedChanges(facts, pathName, kind),
): GuardContext {
  const to = pathOf(facts.route, pathName);
  if (to === undefined) throw new RangeError(`no path ${pathName} in route ${facts.route.name}`);
  const active = facts.match.kind === 'path' ? facts.match.path : null;
  const targetHops = facts.measurement.hops.get(pathName) ?? [];
  return {
    ...facts,
    live: facts.match,
    kind,
    to,
    changes,
    revert: revertTextOf(facts),
    target: facts.measurement.health.get(pathName) ?? unmeasuredPath,
    active: active === null ? null : (facts.measurement.health.get(active) ?? unmeasuredPath),
    observations: targetHops.flatMap((one) => one.observations.at(-1) ?? []),
    votes: {
      activeDown: active === null ? 0 : countDown(facts, active),
      targetUp: facts.measurement.sights.get(pathName)?.up.length ?? 0,
    },
  };
}

/** Where only the provider holds the old records again, and no authority yet, this is the first look. */
export function revertTextOf(facts: RouteFacts): string | null {
  const flip = revertedFlip(facts);
  return flip === null ? null : describeRevert({ flip, at: facts.revertSeenAt ?? facts.now });
}

export function plannedChanges(facts: RouteFacts, pathName: string, kind: ActionKind): RrsetChange[] {
  const to = pathOf(facts.route, pathName);
  return to === undefined ? [] : changesTo(facts.route, to, facts.live, ttlFor(facts.route, kind));
}

/** Vantages that see the path down, or whose canaries it does not deliver: a letter that a vantage handed over and that
 *  is late is that vantage's word on the path. */
function countDown({ measurement, canary }: RouteFacts, path: string): number {
  const seen = measurement.sights.get(path)?.down.length ?? 0;
  const isBlamed = canary?.findings.some((one) => one.kind === 'path' && one.path === path) ?? false;
  return isBlamed ? Math.max(seen, canary?.verdicts.get(path)?.vantages.length ?? 0) : seen;
}

/** Actions of a route that guards and decisions look back on. */
export const recentActions = 50;

/** Domains asked for their MTA-STS policy at once. */
const parallelPolicies = 8;
/** Most owners whose policy is read before a move; customers' domains share policies, and a flip must not wait for
 *  thousands of web servers. */
const mostPolicies = 50;

/** MTA-STS as senders see it, for routes whose exchange names would change. */
export async function readPolicies(
  route: Route,
  deps: Pick<Deps, 'readSts'>,
  signal: AbortSignal,
): Promise<StsFacts[]> {
  if (route.strategy !== 'mx') return [];
  const owners = ownersOf(route);
  const read = await mapBounded(owners.slice(0, mostPolicies), parallelPolicies, (owner) =>
    deps.readSts(owner, signal),
  );
  const left = owners.length - read.length;
  if (left <= 0) return read;
  return [
    ...read,
    {
      domain: `${left} more domains`,
      mode: 'unknown',
      patterns: [],
      reason: 'policies not read',
      fault: null,
    },
  ];
}

/** Exchanges asked for their TLSA records at once: two questions each, to our own resolver. */
const parallelTlsa = 16;
/** Most exchanges asked before a move: a resolver that answers nothing must not hold it for more than some timeouts. */
const mostExchanges = 64;

/** DANE as senders see it, for the hosts of these paths of the route. */
export async function readDaneFacts(
  route: Route,
  names: readonly string[],
  deps: Pick<Deps, 'readDane'>,
  signal: AbortSignal,
): Promise<DaneFacts[]> {
  const all = names.flatMap((name) => {
    const path = pathOf(route, name);
    return path === undefined ? [] : exchangesOf(path);
  });
  const distinct = new Map(all.map((one) => [`${one.exchange}:${one.port}`, one]));
  return mapBounded([...distinct.values()].slice(0, mostExchanges), parallelTlsa, (one) =>
    deps.readDane(one.exchange, one.port, signal),
  );
}
