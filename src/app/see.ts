// What a run sees of its routes, before anything is decided: leftovers settled, DNS read, hops probed, and whether what
// was seen can be believed. Remembers it; changes no DNS but what an earlier run had begun.

import type { VantageCheck } from '../change/guards/context.ts';
import { AppError, LeaseError } from '../errors.ts';
import { type CanaryReport, withCanaries } from '../health/canary-diagnosis.ts';
import { isWorthKeeping } from '../health/keeping.ts';
import type { Action } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import { recentActions } from './assess.ts';
import { judgeCanaries, type RouteCanaries } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import { lookAtRoute, type RouteLook } from './look.ts';
import { measureRoute, type ProbeRun, type RouteMeasurement } from './measure.ts';
import { settleLeftovers } from './propose.ts';
import { clearActions, type Recovery, reopenLate } from './recover.ts';
import { untoldMoves } from './untold.ts';
import { checkVantage, isSilent } from './vantage.ts';

/** Fewer routes than this say nothing about a share of them. */
const fewRoutes = 10;

export interface Seen {
  readonly route: Route;
  readonly look: RouteLook;
  readonly measurement: RouteMeasurement;
  readonly actions: readonly Action[];
  readonly recovered: readonly Recovery[];
  /** Where another run is at a move of the route: nothing is decided beside it. */
  readonly busy: LeaseError | null;
}

export async function seeRoute(
  route: Route,
  run: ProbeRun,
  deps: Deps,
  signal: AbortSignal,
): Promise<Seen | AppError> {
  try {
    const before = await leftoversOf(route, deps, signal);
    const [busy, recovered] = before instanceof LeaseError ? [before, []] : [null, before];
    const [look, measurement] = await Promise.all([
      lookAtRoute(route, deps, signal),
      measureRoute(route, run, deps, signal),
    ]);
    const listed = await deps.store.listActions({ route: route.name, limit: recentActions });
    const late = await reopenLate(route, listed, look.live, deps, signal);
    const actions = listed.map((one) => late.find(({ action }) => action.id === one.id)?.action ?? one);
    const settled = [...recovered, ...late, ...(await clearActions(route, actions, deps, signal))];
    const isSettled = (id: string) => settled.some((one) => one.action.id === id);
    const untold = (await untoldMoves(route.name, actions, deps)).filter((one) => !isSettled(one.action.id));
    return { route, look, measurement, actions, recovered: [...settled, ...untold], busy };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return error;
  }
}

/** What an earlier run left half done; LeaseError where another one is at it, which finishes it. What is here to see is
 *  looked at all the same: the other one may need it for its quorum. */
async function leftoversOf(route: Route, deps: Deps, signal: AbortSignal): Promise<Recovery[] | LeaseError> {
  // What a person began in a route that is only observed, a person finishes.
  const rest = route.failover.mode === 'observe' ? 'leave' : 'finish';
  try {
    return await settleLeftovers(route, deps, signal, rest);
  } catch (error) {
    if (signal.aborted || !(error instanceof LeaseError)) throw error;
    return error;
  }
}

/** A route as seen, with whether what was seen can be believed. */
export interface Judged extends Seen {
  readonly vantage: VantageCheck;
  /** Null where the route has no canaries. */
  readonly canary: CanaryReport | null;
}

/** Whether what was seen can be believed, and what the canaries add to it. */
export async function judge(
  seen: Seen | AppError,
  world: World & { readonly run: ProbeRun; readonly canaries: ReadonlyMap<string, RouteCanaries> },
  deps: Deps,
  signal: AbortSignal,
): Promise<Judged | AppError> {
  if (seen instanceof AppError) return seen;
  const { route, measurement } = seen;
  const known = world.canaries.get(route.name);
  const [vantage, canary] = await Promise.all([
    checkVantage(route, measurement, world, deps, signal),
    known === undefined ? null : judgeCanaries(known, measurement, deps),
  ]);
  const health = withCanaries(measurement.health, canary);
  return { ...seen, measurement: { ...measurement, health }, vantage, canary };
}

interface World {
  readonly isWitnessed: boolean;
  readonly failingShare: number;
}

/** What the run as a whole shows: does anything answer at all, and on how many routes does nothing. */
export function worldOf(seen: readonly (Seen | AppError)[]): World {
  const routes = seen.flatMap((one) => (one instanceof AppError ? [] : [one]));
  // A thousand routes behind one dead proxy are the main job as long as their other paths answer; routes of which
  // nothing at all answers may be silent because of us.
  const silent = routes.filter((one) => isSilent(one.measurement)).length;
  return {
    isWitnessed: silent < routes.length,
    failingShare: routes.length < fewRoutes ? 0 : silent / routes.length,
  };
}

/** True where what this machine sees cannot be believed. */
export function isCutOff(judged: readonly (Judged | AppError)[]): boolean {
  return judged.some((one) => !(one instanceof AppError) && one.vantage === 'fault');
}

/** Where the references fail, a hop of another route that fails here says as little: half a network may be gone. What
 *  answers, answers. */
export function spreadFault(judged: readonly (Judged | AppError)[]): (Judged | AppError)[] {
  if (!isCutOff(judged)) return [...judged];
  return judged.map((one) =>
    one instanceof AppError || !hasFailure(one.measurement) ? one : { ...one, vantage: 'fault' },
  );
}

function hasFailure({ hops }: RouteMeasurement): boolean {
  return [...hops.values()].flat().some((one) => one.observations.at(-1)?.verdict === 'fail');
}

/** Counters and observations of the whole run, in few transactions. What a cut-off machine saw says nothing about the
 *  hops: it would count them down, and bring them up again in an order of chance. */
export async function remember(judged: readonly (Judged | AppError)[], deps: Deps): Promise<void> {
  const routes = judged.flatMap((one) => (one instanceof AppError || one.vantage === 'fault' ? [] : [one]));
  await deps.store.writeHealth(routes.flatMap((one) => one.measurement.rows));
  await deps.store.recordObservations(
    routes.flatMap(({ route, measurement }) =>
      [...measurement.hops.values()]
        .flat()
        .flatMap((hop) =>
          hop.observations.filter((one) => isWorthKeeping(one, hop.own, route.probe.intervalMs)),
        )
        .map((observation) => ({ route: route.name, observation })),
    ),
  );
}
