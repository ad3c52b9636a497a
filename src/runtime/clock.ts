// Time as a dependency: production has the system's, tests and the simulated world their own.

import { uptime } from 'node:os';

export interface Clock {
  /** Instant; ms since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason on abort. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Since some instant that does not matter; ms. Goes on while the machine sleeps, whatever is done to the clock. Left
   *  out: the process's own, which stands meanwhile. */
  elapsedMs?(): number;
}

/** Time by which rounds are paced and bounded: it only goes on, whatever is done to the clock. On Linux it stands while
 *  the machine sleeps, so that one round is late by then, not many (CLOCK_MONOTONIC). */
export interface Pace {
  /** Since some instant that does not matter; ms. */
  elapsedMs(): number;
  /** As that of the clock. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** CLOCK_BOOTTIME on Linux, to a hundredth of a second. */
const sinceBootMs = (): number => uptime() * 1000;

export const systemClock: Clock = { now: () => Date.now(), sleep, elapsedMs: sinceBootMs };

export const systemPace: Pace = { elapsedMs: () => performance.now(), sleep };
