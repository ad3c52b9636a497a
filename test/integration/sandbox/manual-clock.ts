// A clock that moves by hand; sleepers wake when it passes their moment.

import type { Clock } from '../../../src/runtime/clock.ts';

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function manualClock(startAt = 1_700_000_000_000): ManualClock {
  let at = startAt;
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
      for (const sleeper of [...sleepers]) if (sleeper.until <= at) sleeper.wake();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        };
        const sleeper = {
          until: at + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        sleepers.add(sleeper);
        signal.addEventListener('abort', onAbort, { once: true });
      }),
  };
}
