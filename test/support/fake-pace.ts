// A pace that a test moves by hand: sleepers wake when it passes them, and in between everything that can run has run.

import type { Pace } from '../../src/runtime/clock.ts';

export class FakePace implements Pace {
  #now = 0;
  #sleepers: { readonly dueAt: number; readonly wake: () => void }[] = [];

  elapsedMs(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sleeper = { dueAt: this.#now + ms, wake: () => resolve(undefined) };
    this.#sleepers.push(sleeper);
    signal.addEventListener('abort', () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      reject(signal.reason as Error);
    });
    return promise;
  }

  /** Wakes who is due on the way, in order, at the instant that each is due. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined || next.dueAt > until) break;
      this.#now = Math.max(this.#now, next.dueAt);
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  /** The machine slept: time has passed, and nobody was woken meanwhile. */
  async skip(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}

/** Everything that can run has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
