// One unattended run: measure every route, decide, act where the decision and its guards allow, remember everything.
// Act first, then tell. One failing route never blocks another.

import type { VantageCheck } from '../change/guards/context.ts';
import { openWindow } from '../change/maintenance.ts';
import { describeDrift } from '../change/guards/scope.ts';
import { judge } from '../change/guards/index.ts';
import {
  decide,
  type Decided,
  type DecisionInput,
  type FlipFacts,
  type LiveView,
} from '../decision/decide.ts';
import { AppError, type ExitCode } from '../errors.ts';
import { isByPerson, isFlip, isUnsettled, type Action } from '../model/change.ts';
import type { HopHealth } from '../model/hop-health.ts';
import type { Observation } from '../model/observation.ts';
import { ownersOf, type Route } from '../model/route.ts';
import type { RouteState } from '../model/route-state.ts';
import { contextFor, recentActions, revertOf, type RouteFacts } from './assess.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { lookAtRoute, type RouteLook } from './look.ts';
import { measureRoute, ProbeRun, type RouteMeasurement } from './measure.ts';
import { move, type MoveResult } from './move.ts';
import { decisionExitCode, moveError } from './outcome.ts';
import { withLease } from './lease.ts';
import { clearActions, hasUnsettled, recoverRoute, type Recovery } from './recover.ts';
import { checkVantage, isSilent } from './vantage.ts';

/** Routes measured at once. Far more than there are sockets: sessions and questions are bounded where they are opened,
 *  and a route that waits out the pauses of a burst holds none. Where a filter with 1,000 routes fails, the run must
 *  not wait for them by the dozen. */
const parallelRoutes = 1000;
/** Routes moved at once: most of a move is waiting for the authorities. */
const parallelMoves = 16;
/** Fewer routes than this say nothing about a share of them. */
const fewRoutes = 10;
/** An applied action that some authority still does not answer stops being waited for after this long: a dead
 *  secondary must not hold the route for ever. ms. */
const settleMs = 600_000;

export interface RouteOutcome {
  readonly route: string;
  readonly decided: Decided | null;
  readonly measurement: RouteMeasurement | null;
  readonly moved: MoveResult | null;
  readonly recovered: readonly Recovery[];
  /** True where the decision or its reasons differ from the last run's. */
  readonly isNews: boolean;
  readonly error: AppError | null;
  readonly exitCode: ExitCode;
}

export interface CycleResult {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly probes: number;
  readonly routes: readonly RouteOutcome[];
}

interface Seen {
  readonly route: Route;
  readonly look: RouteLook;
  readonly measurement: RouteMeasurement;
  readonly actions: readonly Action[];
  readonly recovered: readonly Recovery[];
}

/** Runs once over all routes. Throws LeaseError `locked` where another run is at it. */
export async function runCycle(deps: Deps, outer: AbortSignal): Promise<CycleResult> {
  // One a vantage: machines that share a store for a quorum must not keep each other from measuring.
  return withLease(`(auto) ${deps.config.vantage}`, deps, outer, async ({ signal }) => {
    const startedAt = deps.clock.now();
    const run = new ProbeRun(deps);
    const routes = [...deps.config.routes.values()];
    const seen = await mapBounded(routes, parallelRoutes, (route) => seeRoute(route, run, deps, signal));
    const world = worldOf(seen);
    const judged = await mapBounded(seen, parallelRoutes, (one) =>
      judgeVantage(one, { ...world, run }, deps, signal),
    );
    await remember(judged, deps);
    const context: RunContext = {
      failingShare: world.failingShare,
      pauses: await deps.store.readPauses(deps.clock.now()),
      moving: new Set(),
    };
    const decided = await mapBounded(judged, parallelRoutes, (one) => decideRoute(one, context, deps));
    // States are kept before the first move: a run killed in the middle has remembered what it saw.
    await deps.store.writeRouteStates(
      decided.flatMap((one) =>
        one instanceof AppError ? [] : [{ route: one.facts.route.name, state: one.decided.state }],
      ),
    );
    const outcomes = await mapBounded(decided, parallelMoves, (one, at) =>
      one instanceof AppError
        ? Promise.resolve(failed(routes[at]?.name ?? '', one, judged[at]))
        : settleRoute(one, deps, signal),
    );
    return { startedAt, finishedAt: deps.clock.now(), probes: run.probes, routes: outcomes };
  });
}

async function seeRoute(
  route: Route,
  run: ProbeRun,
  deps: Deps,
  signal: AbortSignal,
): Promise<Seen | AppError> {
  try {
    const unsettled = await deps.store.listActions({ route: route.name, isUnsettled: true });
    const recovered = hasUnsettled(unsettled)
      ? await withLease(route.name, deps, signal, (held) =>
          recoverRoute(route, held.lease, deps, held.signal),
        )
      : [];
    const [look, measurement] = await Promise.all([
      lookAtRoute(route, deps, signal),
      measureRoute(route, run, deps, signal),
    ]);
    const actions = await deps.store.listActions({ route: route.name, limit: recentActions });
    const cleared = await clearActions(route, actions, deps, signal);
    return { route, look, measurement, actions, recovered: [...recovered, ...cleared] };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return error;
  }
}

/** A route as seen, with whether what was seen can be believed. */
interface Judged extends Seen {
  readonly vantage: VantageCheck;
}

async function judgeVantage(
  seen: Seen | AppError,
  world: World & { readonly run: ProbeRun },
  deps: Deps,
  signal: AbortSignal,
): Promise<Judged | AppError> {
  if (seen instanceof AppError) return seen;
  return { ...seen, vantage: await checkVantage(seen.route, seen.measurement, world, deps, signal) };
}

interface World {
  readonly isWitnessed: boolean;
  readonly failingShare: number;
}

/** What the run as a whole shows: does anything answer at all, and on how many routes does nothing. */
function worldOf(seen: readonly (Seen | AppError)[]): World {
  const routes = seen.flatMap((one) => (one instanceof AppError ? [] : [one]));
  // A thousand routes behind one dead proxy are the main job as long as their other paths answer; routes of which
  // nothing at all answers may be silent because of us.
  const silent = routes.filter((one) => isSilent(one.measurement)).length;
  return {
    isWitnessed: silent < routes.length,
    failingShare: routes.length < fewRoutes ? 0 : silent / routes.length,
  };
}

interface RunContext {
  readonly failingShare: number;
  readonly pauses: RouteFacts['pauses'];
  /** Owner names that this run moves; grows as decisions are made, so that routes share one brake. */
  readonly moving: Set<string>;
}

interface DecidedRoute {
  readonly facts: RouteFacts;
  readonly recovered: readonly Recovery[];
  readonly before: RouteState | null;
  readonly decided: Decided;
}

async function decideRoute(
  seen: Judged | AppError,
  context: RunContext,
  deps: Deps,
): Promise<DecidedRoute | AppError> {
  if (seen instanceof AppError) return seen;
  const { route, recovered } = seen;
  try {
    const before = await deps.store.readRouteState(route.name);
    const facts = factsOf(seen, context, deps);
    const decided = noteRevert(decide(before, decisionInput(facts)), facts);
    if (decided.decision.kind === 'move') for (const owner of ownersOf(route)) context.moving.add(owner);
    return { facts, recovered, before, decided };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error;
  }
}

async function settleRoute(
  { facts, recovered, before, decided }: DecidedRoute,
  deps: Deps,
  signal: AbortSignal,
): Promise<RouteOutcome> {
  const { route, measurement } = facts;
  try {
    const moved =
      decided.decision.kind === 'move'
        ? await move(facts, decided.decision, decided.reasons, deps, signal)
        : null;
    const isNews = moved !== null || recovered.some((one) => one.isNews) || isNew(before, decided.state);
    if (isNews) await tell(route, decided, deps);
    const error = moveError(moved);
    const exitCode = error?.exitCode ?? decisionExitCode(decided.decision);
    return { route: route.name, decided, measurement, moved, recovered, isNews, error, exitCode };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return failed(route.name, error, { measurement, recovered });
  }
}

/** A revert is told even where all is well with it, and then nothing else would. */
function noteRevert(decided: Decided, facts: RouteFacts): Decided {
  const revert = decided.condition === 'unseen' ? null : revertOf(facts);
  if (revert === null || decided.reasons.some((one) => one.includes(revert))) return decided;
  const reasons = [...decided.reasons, revert];
  return { ...decided, reasons, state: { ...decided.state, lastReasons: reasons } };
}

function failed(
  route: string,
  error: AppError,
  seen: Pick<Seen, 'measurement' | 'recovered'> | AppError | undefined,
): RouteOutcome {
  const { measurement, recovered } =
    seen === undefined || seen instanceof AppError ? { measurement: null, recovered: [] } : seen;
  const { exitCode } = error;
  return { route, decided: null, measurement, moved: null, recovered, isNews: true, error, exitCode };
}

function factsOf(seen: Judged, context: RunContext, deps: Deps): RouteFacts {
  const { route, look, measurement, actions } = seen;
  const now = deps.clock.now();
  return {
    route,
    live: look.live,
    match: look.match,
    disagreement: look.disagreement,
    measurement,
    vantage: seen.vantage,
    actions,
    pauses: context.pauses,
    movedThisRun: context.moving.size,
    failingShare: context.failingShare,
    // Read only for a move that is about to be made: a policy is an HTTPS request per domain, TLSA a few questions
    // per exchange.
    sts: null,
    dane: null,
    isAuto: true,
    now,
  };
}

function decisionInput(facts: RouteFacts): DecisionInput {
  const { route, match, measurement, now } = facts;
  const active = match.kind === 'path' ? match.path : '';
  return {
    route,
    live: liveView(facts),
    health: measurement.health,
    isCutOff: facts.vantage === 'fault',
    isMaintenance: openWindow(route.maintenance, active, now) !== null,
    lastFlip: lastFlipOf(facts),
    now,
    assess: (path, kind) => judge(contextFor(facts, path, kind)),
  };
}

function liveView({ match }: RouteFacts): LiveView {
  switch (match.kind) {
    case 'path':
      return { kind: 'path', path: match.path, leastTtl: match.ttl.least };
    case 'unseen':
      return { kind: 'unseen', reason: describeDrift(match) };
    default:
      return { kind: 'foreign', reason: describeDrift(match) };
  }
}

function lastFlipOf({ actions, now }: RouteFacts): FlipFacts | null {
  const last = actions.find(isFlip);
  if (last === undefined) return null;
  const at = last.appliedAt ?? last.intendedAt;
  const isWaiting = isUnsettled(last.state) && now - at < settleMs;
  return { at, to: last.plan.to, isSettled: !isWaiting, isByPerson: isByPerson(last) };
}

function isNew(before: RouteState | null, after: RouteState): boolean {
  if (before?.downPaths.join(' ') !== after.downPaths.join(' ')) return true;
  // Where the last run said that it moved, staying there is no second message.
  if (before.lastDecision === `move to ${after.activePath ?? ''}` && after.lastDecision === 'stay')
    return false;
  return before.lastDecision !== after.lastDecision || before.phase !== after.phase;
}

async function tell(route: Route, decided: Decided, deps: Deps): Promise<void> {
  await deps.store.appendEvent({
    id: deps.newId(),
    at: deps.clock.now(),
    route: route.name,
    kind: 'decision',
    text: `${decided.state.lastDecision}: ${decided.reasons.join('; ')}`,
    data: { phase: decided.phase, condition: decided.condition, decision: decided.decision },
  });
}

/** Counters and observations of the whole run, in few transactions. What a cut-off machine saw says nothing about the
 *  hops: it would count them down, and bring them up again in an order of chance. */
async function remember(judged: readonly (Judged | AppError)[], deps: Deps): Promise<void> {
  const routes = judged.flatMap((one) => (one instanceof AppError || one.vantage === 'fault' ? [] : [one]));
  await deps.store.writeHealth(routes.flatMap((one) => one.measurement.rows));
  await deps.store.recordObservations(
    routes.flatMap(({ route, measurement }) =>
      [...measurement.hops.values()]
        .flat()
        .flatMap((hop) => hop.observations.filter((one) => isWorthKeeping(one, hop.own)))
        .map((observation) => ({ route: route.name, observation })),
    ),
  );
}

/** A quick pass after a pass says nothing that the counters do not: 1,000 routes would write 4 GB of them a day. */
function isWorthKeeping({ verdict, isSlow }: Observation, after: HopHealth): boolean {
  return verdict !== 'pass' || isSlow || after.successes <= 1;
}
