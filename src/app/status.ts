// What is so now, as far as it is known without probing: DNS is asked, health comes from the store.

import type { LiveMatch } from '../change/published.ts';
import { candidatesOf } from '../change/published.ts';
import { cacheBound } from '../change/cache-bound.ts';
import type { Revert } from '../change/revert.ts';
import { ownersOf, type Route } from '../model/route.ts';
import { isFlip, type Action } from '../model/change.ts';
import { type CanaryReport, withCanaries } from '../health/canary-diagnosis.ts';
import type { Sight } from '../health/quorum.ts';
import { type Seat, seatsOf } from '../health/vantage.ts';
import type { Brake } from '../model/brake.ts';
import type { LatencyHour } from '../model/canary.ts';
import type { PathHealth } from '../model/hop-health.ts';
import type { RouteState } from '../model/route-state.ts';
import type { Pause, RouteStateRow, RunRecord } from '../store/store.ts';
import { rememberedCanaries } from './canary-judge.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { lookAtRoute } from './look.ts';
import { rememberedHealth } from './remembered.ts';
import { staleAfterMsOf } from './panel.ts';
import { noticeRevert } from './revert.ts';

export interface RouteStatus {
  readonly route: Route;
  readonly match: LiveMatch;
  readonly disagreement: string | null;
  readonly domains: number;
  readonly health: ReadonlyMap<string, PathHealth>;
  /** Who sees which path how. */
  readonly sights: ReadonlyMap<string, Sight>;
  /** Null where the route has no canaries. */
  readonly canary: CanaryReport | null;
  /** Canary latencies of the last day, oldest first. */
  readonly hours: readonly LatencyHour[];
  /** Names of the paths that could be active and are not, in the order they would be tried. */
  readonly standby: readonly string[];
  readonly state: RouteState | null;
  readonly lastFlip: Action | null;
  /** Our last flip, where somebody else undid it. */
  readonly revert: Revert | null;
  readonly unsettled: readonly Action[];
  readonly pauses: readonly Pause[];
  /** When no cache can hold a replaced version any more; null where nothing was replaced. ms. */
  readonly clearAt: number | null;
}

export interface StatusReport {
  readonly now: number;
  readonly routes: readonly RouteStatus[];
  readonly lastRun: RunRecord | null;
  /** Brakes that hold, of these routes or of all. */
  readonly brakes: readonly Brake[];
  readonly vantages: readonly Seat[];
  /** Routes that the store knows as failed over and the configuration does not know any more. */
  readonly unwatched: readonly RouteStateRow[];
}

type StatusDeps = Pick<Deps, 'reader' | 'provider' | 'store' | 'clock' | 'newId' | 'config'>;

const parallelRoutes = 16;
/** A day: an incident is compared with the same hour of yesterday; ms. */
const shownHoursMs = 86_400_000;

export async function readStatus(
  routes: readonly Route[],
  deps: StatusDeps,
  signal: AbortSignal,
): Promise<StatusReport> {
  const [lastRun, brakes, vantages, states] = await Promise.all([
    deps.store.lastRun('auto'),
    deps.store.readBrakes(),
    deps.store.readVantages(),
    deps.store.readRouteStates(),
  ]);
  const seats = seatsOf(vantages, deps.clock.now(), staleAfterMsOf(deps.config));
  const known: Known = {
    seats: new Map(seats.map((one) => [one.name, one])),
    states: new Map(states.map((one) => [one.route, one.state])),
  };
  const statuses = await mapBounded(routes, parallelRoutes, (route) => statusOf(route, known, deps, signal));
  const names = new Set(routes.map((one) => one.name));
  return {
    now: deps.clock.now(),
    routes: statuses,
    lastRun,
    brakes: brakes.filter((one) => one.releasedAt === null && (one.route === null || names.has(one.route))),
    vantages: seats,
    unwatched: states.filter(
      ({ route, state }) =>
        !deps.config.routes.has(route) && (state.phase === 'failed-over' || state.phase === 'probation'),
    ),
  };
}

/** What is read once for all routes. */
interface Known {
  readonly seats: ReadonlyMap<string, Seat>;
  readonly states: ReadonlyMap<string, RouteState>;
}

async function statusOf(
  route: Route,
  known: Known,
  deps: StatusDeps,
  signal: AbortSignal,
): Promise<RouteStatus> {
  const look = await lookAtRoute(route, deps, signal);
  const now = deps.clock.now();
  const active = look.match.kind === 'path' ? look.match.path : null;
  const actions = await deps.store.listActions({ route: route.name, limit: 20 });
  const bounds = await Promise.all(
    look.views.map(async ({ place }) => cacheBound(await deps.store.readSightings(place.owner, place.type))),
  );
  const seen = rememberedHealth(route, await deps.store.readHealth(route.name), known.seats, now);
  const canary = await rememberedCanaries(route, seen.health, deps);
  const cleared = bounds.flatMap((one) => one ?? []);
  return {
    route,
    match: look.match,
    disagreement: look.disagreement,
    domains: ownersOf(route).length,
    health: withCanaries(seen.health, canary),
    sights: seen.sights,
    canary,
    hours: canary === null ? [] : await deps.store.readLatencyHours(route.name, now - shownHoursMs),
    standby: candidatesOf(route)
      .map((path) => path.name)
      .filter((name) => name !== active),
    state: known.states.get(route.name) ?? null,
    lastFlip: actions.find(isFlip) ?? null,
    revert: await noticeRevert({ route, actions, ...look, now }, deps),
    unsettled: await deps.store.listActions({ route: route.name, isUnsettled: true }),
    pauses: (await deps.store.readPauses(now)).filter(
      (one) => one.route === null || one.route === route.name,
    ),
    clearAt: cleared.length === 0 ? null : Math.max(...cleared),
  };
}
