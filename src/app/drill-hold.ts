// Holds a drilled route on its candidate and watches what senders would meet there, until the time is over or something
// says to go back.

import { drillPauseReason } from '../change/drill.ts';
import { withCanaries } from '../health/canary-diagnosis.ts';
import type { Action } from '../model/change.ts';
import type { Fate } from '../model/fate.ts';
import type { PathStatus } from '../model/hop-health.ts';
import type { Route } from '../model/route.ts';
import { rememberedCanaries } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import { lookAtRoute } from './look.ts';
import { measureRoute, ProbeRun } from './measure.ts';

export interface WatchedDrill {
  readonly route: Route;
  readonly flip: Action;
  readonly holdMs: number;
  readonly by: string;
}

interface PathLook {
  readonly status: PathStatus;
  /** What a standard sender's message meets there. */
  readonly fate: Fate;
  readonly reason: string;
}

export interface DrillLook {
  readonly at: number;
  /** The candidate that is drilled. */
  readonly target: PathLook;
  /** The path of before, which caches still name. */
  readonly home: PathLook;
}

/** over: the time has passed; relapse: the candidate failed; resumed: a person ended it by `resume`; taken: a person
 *  paused the route over it, or moved it; failed: the flip was not confirmed. */
export interface HoldEnd {
  readonly kind: 'over' | 'relapse' | 'interrupted' | 'resumed' | 'taken' | 'failed';
  readonly reason: string;
}

/** Short enough that `auto` is free soon after a drill was killed, long enough for a look that waits for every timeout
 *  and a store that is away for a moment; ms. */
const pauseMs = 300_000;
/** A drill is watched more closely than a route in normal times, and no more closely than is polite; ms. */
const longestLookMs = 30_000;

export async function holdAndWatch(
  watched: WatchedDrill,
  deps: Deps,
  signal: AbortSignal,
  onLook: (look: DrillLook) => void,
): Promise<HoldEnd> {
  const { route, flip, holdMs } = watched;
  const endsAt = deps.clock.now() + holdMs;
  try {
    await keepPaused(watched, deps);
    for (;;) {
      const look = await lookOnce(watched, deps, signal);
      onLook(look);
      if (look.target.status === 'down')
        return { kind: 'relapse', reason: `${flip.plan.to ?? ''} is down: ${look.target.reason}` };
      const leftMs = endsAt - deps.clock.now();
      if (leftMs <= 0) return { kind: 'over', reason: 'held as long as it should be' };
      await deps.clock.sleep(Math.min(leftMs, longestLookMs, route.probe.intervalMs), signal);
      const end = (await endByPerson(watched, deps)) ?? (await endByMove(watched, deps, signal));
      if (end !== null) return end;
      await keepPaused(watched, deps);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return { kind: 'interrupted', reason: 'interrupted' };
  }
}

export async function lookOnce(
  { route, flip }: Pick<WatchedDrill, 'route' | 'flip'>,
  deps: Deps,
  signal: AbortSignal,
): Promise<DrillLook> {
  const { from, to } = flip.plan;
  const measurement = await measureRoute(route, new ProbeRun(deps), deps, signal);
  // Counters go on: where `auto` never runs, nobody else steps them.
  await deps.store.writeHealth(measurement.rows);
  const canary = await rememberedCanaries(route, measurement.health, deps);
  const health = withCanaries(measurement.health, canary);
  const lookAt = (path: string | null): PathLook => {
    const own = path === null ? undefined : health.get(path);
    if (own === undefined) return { status: 'unknown', fate: 'unknown', reason: 'not measured' };
    return { status: own.status, fate: own.fate, reason: own.reason };
  };
  return { at: deps.clock.now(), target: lookAt(to), home: lookAt(from) };
}

export async function keepPaused(
  { route, flip, by }: Pick<WatchedDrill, 'route' | 'flip' | 'by'>,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<void> {
  const at = deps.clock.now();
  await deps.store.setPause({
    route: route.name,
    by,
    reason: drillPauseReason(flip),
    at,
    until: at + pauseMs,
  });
}

/** The drill's own pause is the thread that a person can pull. */
async function endByPerson({ route, flip }: WatchedDrill, deps: Deps): Promise<HoldEnd | null> {
  const pauses = await deps.store.readPauses(deps.clock.now());
  const own = pauses.find((one) => one.route === route.name);
  if (own === undefined) return { kind: 'resumed', reason: 'somebody resumed the route' };
  if (own.reason === drillPauseReason(flip)) return null;
  return { kind: 'taken', reason: `paused over it by ${own.by}: ${own.reason}` };
}

async function endByMove(
  { route, flip }: WatchedDrill,
  deps: Deps,
  signal: AbortSignal,
): Promise<HoldEnd | null> {
  const { match } = await lookAtRoute(route, deps, signal);
  if (match.kind === 'unseen' || (match.kind === 'path' && match.path === flip.plan.to)) return null;
  return {
    kind: 'taken',
    reason: `somebody else moved it: DNS publishes ${match.kind === 'path' ? match.path : match.kind}`,
  };
}
