// One unattended run: measure every route, decide, act where the decision and its guards allow, remember everything.
// Act first, then tell. One failing route never blocks another.

import type { Decided } from '../decision/decide.ts';
import { AppError, exitCodes, type ExitCode } from '../errors.ts';
import { type Brake, bindsRoute } from '../model/brake.ts';
import type { Route } from '../model/route.ts';
import type { RouteState } from '../model/route-state.ts';
import { bindingBrakes, tripBrakes, trippingRefusals } from './brakes.ts';
import type { RouteCanaries } from './canary-judge.ts';
import { collectCanaries } from './canary-mail.ts';
import { sendDueCanaries } from './canary-send.ts';
import { checkIn, describeRival, type Presence, reportReferences } from './check-in.ts';
import { mapBounded } from './concurrency.ts';
import { decideRoute, type DecidedRoute, type RunContext } from './decide-route.ts';
import type { Deps } from './deps.ts';
import { withLease } from './lease.ts';
import { ProbeRun, type RouteMeasurement } from './measure.ts';
import type { MoveResult } from './move.ts';
import { moveOn } from './move-on.ts';
import { decisionExitCode, moveError, worstExitCode } from './outcome.ts';
import { readPanel } from './panel.ts';
import type { Recovery } from './recover.ts';
import { isCutOff, judge, type Judged, remember, type Seen, seeRoute, spreadFault, worldOf } from './see.ts';

/** Routes measured at once. Far more than there are sockets: sessions and questions are bounded where they are opened,
 *  and a route that waits out the pauses of a burst holds none. Where a filter with 1,000 routes fails, the run must
 *  not wait for them by the dozen. */
const parallelRoutes = 1000;
/** Routes moved at once: most of a move is waiting for the authorities. */
const parallelMoves = 16;

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
  /** Brakes that hold `auto` here, those that this run tripped included: said in each run until a person resumes. */
  readonly brakes: readonly Brake[];
  /** What is wrong with this vantage: said in each run while it is. */
  readonly troubles: readonly string[];
}

/** Runs once over all routes. Throws LeaseError `locked` where another run is at it. */
export async function runCycle(deps: Deps, outer: AbortSignal): Promise<CycleResult> {
  // One a vantage: machines that share a store for a quorum must not keep each other from measuring.
  return withLease(`(auto) ${deps.config.vantage}`, deps, outer, async ({ signal }) => {
    const startedAt = deps.clock.now();
    const presence = await checkIn(deps);
    const done = presence.isLeftOut
      ? { routes: leftOut(presence, deps), probes: 0 }
      : await round(presence, deps, signal);
    const brakes = bindingBrakes(await deps.store.readBrakes(), deps);
    return {
      startedAt,
      finishedAt: deps.clock.now(),
      probes: done.probes,
      routes: done.routes.map((one) => braked(one, brakes, deps)),
      brakes,
      troubles: presence.rival === null ? [] : [describeRival(presence)],
    };
  });
}

async function round(
  presence: Presence,
  deps: Deps,
  signal: AbortSignal,
): Promise<Pick<CycleResult, 'routes' | 'probes'>> {
  const panel = await readPanel(null, deps, presence.isNewRival);
  const run = new ProbeRun(deps, panel);
  const routes = [...deps.config.routes.values()];
  const [seen, canaries] = await Promise.all([
    mapBounded(routes, parallelRoutes, (route) => seeRoute(route, run, deps, signal)),
    collectCanaries(routes, deps, signal),
  ]);
  const world = worldOf(seen);
  const judged = spreadFault(
    await mapBounded(seen, parallelRoutes, (one) => judge(one, { ...world, run, canaries }, deps, signal)),
  );
  await remember(judged, deps);
  await reportReferences(presence, isCutOff(judged), deps);
  const sending = startSending(judged, canaries, deps, signal);
  const decided = await decideAll(judged, world.failingShare, panel.seats, deps);
  const outcomes = await mapBounded(decided, parallelMoves, (one, at) =>
    one instanceof AppError
      ? Promise.resolve(failed(routes[at]?.name ?? '', one, judged[at]))
      : settleRoute(one, deps, signal),
  );
  await sending;
  return { routes: outcomes, probes: run.probes };
}

/** States and brakes are kept before the first move: a run killed in the middle has remembered what it saw. */
async function decideAll(
  judged: readonly (Judged | AppError)[],
  failingShare: number,
  seats: RunContext['seats'],
  deps: Deps,
): Promise<(DecidedRoute | AppError)[]> {
  const [pauses, brakes, states] = await Promise.all([
    deps.store.readPauses(deps.clock.now()),
    deps.store.readBrakes(),
    deps.store.readRouteStates(),
  ]);
  const context: RunContext = {
    failingShare,
    pauses,
    brakes,
    seats,
    states: new Map(states.map((one) => [one.route, one.state])),
    moving: new Set(),
  };
  const decided = await mapBounded(judged, parallelRoutes, (one) => decideRoute(one, context, deps));
  const known = decided.flatMap((one) => (one instanceof AppError ? [] : [one]));
  await deps.store.writeRouteStates(
    known.map((one) => ({ route: one.facts.route.name, state: one.decided.state })),
  );
  for (const [route, refusal] of trippingRefusals(known)) await tripBrakes(route, [refusal], deps);
  return decided;
}

/** Nothing is measured: what two machines count under one name is worth nothing. */
function leftOut(presence: Presence, { config }: Pick<Deps, 'config'>): RouteOutcome[] {
  const error = new AppError('undecided', describeRival(presence), {
    exitCode: exitCodes.undecided,
    hint: 'set vantage: NAME in the configuration of this machine',
  });
  return [...config.routes.keys()].map((route) => ({ ...failed(route, error, undefined), isNews: false }));
}

/** A brake is loud: no run that it binds ends as if all were well. */
function braked(
  outcome: RouteOutcome,
  brakes: readonly Brake[],
  { config }: Pick<Deps, 'config'>,
): RouteOutcome {
  const isBound =
    config.routes.get(outcome.route)?.failover.mode === 'auto' &&
    brakes.some((one) => bindsRoute(one, outcome.route, config.vantage));
  return isBound ? { ...outcome, exitCode: worstExitCode([outcome.exitCode, exitCodes.refused]) } : outcome;
}

/** Beside the moves: a hop that takes its time with a canary must not hold up a route that has to leave. What goes
 *  wrong is no reason to end the round. */
async function startSending(
  judged: readonly (Judged | AppError)[],
  canaries: ReadonlyMap<string, RouteCanaries>,
  deps: Deps,
  signal: AbortSignal,
): Promise<void> {
  const routes = judged.flatMap((one) => {
    if (one instanceof AppError || one.vantage === 'fault') return [];
    const known = canaries.get(one.route.name);
    return known === undefined ? [] : [{ route: one.route, measurement: one.measurement, known }];
  });
  try {
    await sendDueCanaries(routes, deps, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    deps.logger.warn(`canaries could not be sent: ${error.message}`);
  }
}

async function settleRoute(one: DecidedRoute, deps: Deps, signal: AbortSignal): Promise<RouteOutcome> {
  const { facts, recovered, before } = one;
  const { route, measurement } = facts;
  try {
    const { decided, moved } = await moveOn(one, deps, signal);
    const isNews = moved !== null || recovered.some((one) => one.isNews) || isNew(before, decided.state);
    const told = [
      ...recovered.map(({ action }) => action.id),
      ...(moved?.action == null ? [] : [moved.action.id]),
    ];
    if (isNews) await tell(route, decided, told, deps);
    const error = moveError(moved);
    const exitCode = error?.exitCode ?? decisionExitCode(decided.decision);
    return { route: route.name, decided, measurement, moved, recovered, isNews, error, exitCode };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return failed(route.name, error, { measurement, recovered });
  }
}

function failed(
  route: string,
  error: AppError,
  seen: Pick<Seen, 'measurement' | 'recovered'> | AppError | undefined,
): RouteOutcome {
  const { measurement, recovered } =
    seen === undefined || seen instanceof AppError ? { measurement: null, recovered: [] } : seen;
  const { exitCode } = error;
  // That another controller is at work is how two of them live together.
  const isNews = error.code !== 'locked';
  return { route, decided: null, measurement, moved: null, recovered, isNews, error, exitCode };
}

function isNew(before: RouteState | null, after: RouteState): boolean {
  if (before?.downPaths.join(' ') !== after.downPaths.join(' ')) return true;
  if (before.notices.join(' ') !== after.notices.join(' ')) return true;
  // Where the last run said that it moved, staying there is no second message.
  if (before.lastDecision === `move to ${after.activePath ?? ''}` && after.lastDecision === 'stay')
    return false;
  return before.lastDecision !== after.lastDecision || before.phase !== after.phase;
}

/** `actions`: ids of those that the message is about; untold.ts looks for them. */
async function tell(route: Route, decided: Decided, actions: readonly string[], deps: Deps): Promise<void> {
  await deps.store.appendEvent({
    id: deps.newId(),
    at: deps.clock.now(),
    route: route.name,
    kind: 'decision',
    text: `${decided.state.lastDecision}: ${decided.reasons.join('; ')}`,
    data: { phase: decided.phase, condition: decided.condition, decision: decided.decision, actions },
  });
}
