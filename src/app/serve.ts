// A service: one round an interval until it is told to stop. Rounds never overlap, and one that hangs is aborted. The
// pace is that of a clock nobody can set: an hour more or less on the wall moves no round, and after a machine that
// slept there is one round, not one for each that was missed. What SIGHUP asks for is done between rounds.

import { AppError, exitCodes, type ErrorCode } from '../errors.ts';
import type { Pace } from '../runtime/clock.ts';
import type { CycleResult } from './cycle.ts';
import { withDeadline } from './deadline.ts';
import type { Liveness } from './liveness.ts';

export interface ServeOptions {
  readonly intervalMs: number;
  readonly maxRuntimeMs: number;
  readonly pace: Pace;
  /** Ends the service; the round under way ends in good order. */
  readonly signal: AbortSignal;
  readonly liveness: Liveness;
  readonly reloads: {
    /** Aborts when a reload is asked for. */
    readonly signal: AbortSignal;
    /** True once for all requests since the last call. */
    take(): boolean;
  };
}

export interface Service {
  round(signal: AbortSignal): Promise<CycleResult>;
  onBegin(): void;
  onRound(result: CycleResult): void;
  /** Locked out, too slow, or the store is away: said, and tried again at the next interval. */
  onMissed(error: AppError): void;
  /** Never throws for what is wrong with a configuration. */
  reload(): Promise<void>;
}

/** Throws what a round throws that is no expected failure: a bug ends the service. */
export async function serve(service: Service, options: ServeOptions): Promise<void> {
  const { intervalMs, pace, signal, liveness } = options;
  for (let dueAt = pace.elapsedMs(); ;) {
    const beganAt = pace.elapsedMs();
    // A timer is late by some ms, which must not add up. After a sleep of the machine the grid is anchored anew: no two
    // rounds close to each other.
    if (beganAt - dueAt > intervalMs / 2) dueAt = beganAt;
    liveness.roundBegan(beganAt);
    service.onBegin();
    const missed = await oneRound(service, options);
    if (signal.aborted) return;
    // On the grid, so that what rounds take does not add up; at once where this one took longer than that.
    dueAt = Math.max(dueAt + intervalMs, pace.elapsedMs());
    liveness.roundEnded(dueAt, missed);
    if (!(await pauseUntil(dueAt, service, options))) return;
  }
}

/** Why it was missed; null where it was completed. */
async function oneRound(service: Service, options: ServeOptions): Promise<ErrorCode | null> {
  try {
    service.onRound(await withDeadline((signal) => service.round(signal), options));
    return null;
  } catch (error) {
    const isExpected = error instanceof AppError && error.exitCode !== exitCodes.bug;
    if (options.signal.aborted && (isExpected || !(error instanceof AppError))) return null;
    if (!isExpected) throw error;
    service.onMissed(error);
    return error.code;
  }
}

/** False where the service was told to stop meanwhile. */
async function pauseUntil(dueAt: number, service: Service, options: ServeOptions): Promise<boolean> {
  const { pace, signal, reloads } = options;
  for (;;) {
    if (reloads.take()) await service.reload();
    if (signal.aborted) return false;
    const leftMs = dueAt - pace.elapsedMs();
    if (leftMs <= 0) return true;
    try {
      await pace.sleep(leftMs, AbortSignal.any([signal, reloads.signal]));
    } catch {
      // A reload, or the end: the next turn tells.
    }
  }
}
