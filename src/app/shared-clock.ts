// The time that machines on one store share: what they write for each other (pauses, moves, counters) is dated by it,
// so that a machine whose clock is wrong neither shortens nor prolongs a wait of another's. Where the store has no clock
// of its own (a file), the machine's is it. Never sets a clock.

import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';

export interface Skew {
  /** How far the machine's clock is ahead of the shared one; ms. */
  readonly skewMs: number;
  /** Half the round trip of the question; ms. */
  readonly accuracyMs: number;
}

/** The first question may have to connect and log in; the quickest of three is the most exact. */
const questions = 3;
/** Nothing here is counted in less; and a clock that is put right by milliseconds each round would run unsteadily. */
const leastSkewMs = 1000;

/** Null where the store has no clock. Throws StoreError. */
export async function measureSkew(
  { readSharedClock }: Pick<Store, 'readSharedClock'>,
  clock: Pick<Clock, 'now'>,
): Promise<Skew | null> {
  let best: Skew | null = null;
  for (let asked = 0; asked < questions; asked += 1) {
    const sentAt = clock.now();
    const sharedAt = await readSharedClock();
    if (sharedAt === null) return null;
    const receivedAt = clock.now();
    // Both clocks are read in whole milliseconds, cut off.
    const accuracyMs = 1 + Math.abs(receivedAt - sentAt) / 2;
    if (best === null || accuracyMs < best.accuracyMs)
      best = { skewMs: (sentAt + receivedAt) / 2 - sharedAt, accuracyMs };
  }
  return best;
}

export class SharedClock implements Clock {
  readonly #own: Clock;
  #skewMs = 0;

  constructor(own: Clock) {
    this.#own = own;
  }

  now(): number {
    return this.#own.now() - this.#skewMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#own.sleep(ms, signal);
  }

  elapsedMs(): number {
    return this.#own.elapsedMs?.() ?? performance.now();
  }

  /** Asks the store what time it is; to be done before a command and at each round. Throws StoreError. */
  async follow(store: Pick<Store, 'readSharedClock'>): Promise<void> {
    const skew = await measureSkew(store, this.#own);
    const wanted = skew === null || Math.abs(skew.skewMs) < leastSkewMs + skew.accuracyMs ? 0 : skew.skewMs;
    if (Math.abs(wanted - this.#skewMs) >= leastSkewMs) this.#skewMs = Math.round(wanted);
  }
}
