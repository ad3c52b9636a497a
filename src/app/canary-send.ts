// Hands over the canaries that are due, each to a hop of its path as a sender would choose one. On record before it is
// on the wire: a run that is killed in between leaves a canary of unknown outcome, not a letter nobody knows.

import { dueCanaries, nextAttemptAt } from '../health/canary-schedule.ts';
import type { Canary, CanaryPolicy } from '../model/canary.ts';
import type { Hop } from '../model/hop.ts';
import type { Route } from '../model/route.ts';
import type { CanaryProbe, HandOver } from '../probes/canary.ts';
import type { RouteCanaries } from './canary-judge.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import type { MeasuredHop, RouteMeasurement } from './measure.ts';

/** Hand-overs at once: each waits for a reply; sessions to one address are bounded by the probe. */
const parallelHandOvers = 32;
/** RFC 5321 §5.1: a sender SHOULD try at least two addresses. */
const hopsTried = 2;

type SendDeps = Pick<Deps, 'store' | 'clock' | 'config' | 'newId'>;

export interface SendingRoute {
  readonly route: Route;
  readonly measurement: RouteMeasurement;
  readonly known: RouteCanaries;
}

interface Sending {
  readonly canary: Canary;
  readonly hops: readonly Hop[];
  readonly policy: CanaryPolicy;
  readonly probe: CanaryProbe;
}

/** Sends what is due on these routes; the canaries as they ended. */
export async function sendDueCanaries(
  routes: readonly SendingRoute[],
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Canary[]> {
  const now = deps.clock.now();
  const sendings = routes.flatMap((one) => {
    const { fresh, again } = dueCanaries(one.known.policy, one.known.canaries, deps.config.vantage, now);
    return [
      ...fresh.flatMap((path) => prepare(one, path, null, deps)),
      ...again.flatMap((canary) => prepare(one, canary.path, canary, deps)),
    ];
  });
  return handOverAll(sendings, deps, signal);
}

/** One canary by every path that gets some, now. */
export async function sendCanariesNow(
  one: SendingRoute,
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Canary[]> {
  const sendings = one.known.policy.paths.flatMap((path) => prepare(one, path, null, deps));
  return handOverAll(sendings, deps, signal);
}

/** These deferred ones once more. */
export async function sendAgain(
  one: SendingRoute,
  due: readonly Canary[],
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Canary[]> {
  return handOverAll(
    due.flatMap((canary) => prepare(one, canary.path, canary, deps)),
    deps,
    signal,
  );
}

async function handOverAll(
  sendings: readonly Sending[],
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Canary[]> {
  if (sendings.length === 0) return [];
  await deps.store.writeCanaries(sendings.map((one) => one.canary));
  const ended = await mapBounded(sendings, parallelHandOvers, (one) => handOver(one, deps, signal));
  await deps.store.writeCanaries(ended);
  return ended;
}

/** The canary as it is on record while nobody knows how it ends; none where the path has no hop to hand it to. */
function prepare(
  { route, measurement, known }: SendingRoute,
  path: string,
  before: Canary | null,
  deps: SendDeps,
): Sending[] {
  const { probe, policy } = known;
  const sentBefore = known.canaries.filter((one) => one.path === path).length;
  const hops = hopsToTry(measurement.hops.get(path) ?? [], sentBefore);
  const [hop] = hops;
  if (probe === null || hop === undefined) return [];
  const id = before?.id ?? deps.newId();
  const canary: Canary = {
    id,
    token: probe.tokenOf(id),
    route: route.name,
    path,
    vantage: deps.config.vantage,
    hop,
    sentAt: before?.sentAt ?? deps.clock.now(),
    attempts: (before?.attempts ?? 0) + 1,
    nextAttemptAt: null,
    state: 'unknown',
    handedAt: null,
    reply: null,
    queueId: null,
    summary: 'handing over',
    arrivedAt: null,
    isSpam: false,
    copies: 0,
    isBySubject: false,
    trace: [],
    bounce: null,
    replayedAt: null,
  };
  return [{ canary, hops, policy, probe }];
}

/** Up before down, then by preference as senders try them; equal preferences take turns. */
function hopsToTry(hops: readonly MeasuredHop[], turn: number): Hop[] {
  const rank = (one: MeasuredHop) => (one.health.status === 'down' ? 70_000 : 0) + one.preference;
  const reachable = hops.filter((one) => one.hop.address !== null).sort((a, b) => rank(a) - rank(b));
  const [best] = reachable;
  if (best === undefined) return [];
  const equals = reachable.filter((one) => rank(one) === rank(best));
  const at = turn % equals.length;
  const turned = [...equals.slice(at), ...equals.slice(0, at), ...reachable.slice(equals.length)];
  return turned.slice(0, hopsTried).map((one) => one.hop);
}

async function handOver(
  { canary, hops, policy, probe }: Sending,
  deps: Pick<Deps, 'clock'>,
  signal: AbortSignal,
): Promise<Canary> {
  const { token, route, path, vantage, sentAt } = canary;
  let ended: Canary = canary;
  for (const hop of hops) {
    const result = await probe.handOver({ token, route, path, vantage, hop, sentAt }, signal);
    ended = afterHandOver({ ...canary, hop }, result, policy, deps.clock.now());
    if (result.outcome !== 'unreachable') break;
  }
  return ended;
}

function afterHandOver(canary: Canary, result: HandOver, policy: CanaryPolicy, now: number): Canary {
  const isTaken = result.outcome === 'handed';
  const isGreylisted = isTaken && canary.attempts > 1;
  return {
    ...canary,
    state: result.outcome,
    handedAt: isTaken ? result.at : null,
    nextAttemptAt: result.outcome === 'deferred' ? nextAttemptAt(policy, canary.attempts, now) : null,
    reply: result.reply,
    queueId: result.queueId,
    summary: isGreylisted
      ? `${result.summary} (at attempt ${canary.attempts}: greylisted before)`
      : result.summary,
  };
}
