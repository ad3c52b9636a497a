// A mail queue: tries each item until it is settled, waits longer each time, gives up at last. The sender and the
// relaying hops share it. RFC 5321 §4.5.4.1 (retry after a delay, give up after days: here seconds, by parameter).

import type { Clock } from '../runtime/clock.ts';

/** deferred = try again later. */
export type AttemptOutcome = 'delivered' | 'bounced' | 'deferred';

export interface RetrySchedule {
  /** Wait before the second, third, … attempt; the last one repeats; ms. */
  readonly delaysMs: readonly number[];
  /** After so long an item is returned instead of tried again; ms. */
  readonly giveUpAfterMs: number;
}

export class RetryQueue<Item> {
  readonly #attempt: (item: Item, signal: AbortSignal) => Promise<AttemptOutcome>;
  readonly #giveUp: (item: Item) => void;
  readonly #schedule: RetrySchedule;
  readonly #clock: Clock;
  readonly #running = new Map<Item, Promise<void>>();
  readonly #closed = new AbortController();
  #kick = new AbortController();

  constructor(options: {
    attempt: (item: Item, signal: AbortSignal) => Promise<AttemptOutcome>;
    giveUp: (item: Item) => void;
    schedule: RetrySchedule;
    clock: Clock;
  }) {
    this.#attempt = options.attempt;
    this.#giveUp = options.giveUp;
    this.#schedule = options.schedule;
    this.#clock = options.clock;
  }

  /** Items not settled yet. */
  get items(): Item[] {
    return [...this.#running.keys()];
  }

  add(item: Item): void {
    const run = this.#run(item).finally(() => this.#running.delete(item));
    this.#running.set(item, run);
  }

  /** Ends every wait now, as `postqueue -f` does. */
  flush(): void {
    this.#kick.abort();
    this.#kick = new AbortController();
  }

  /** Resolves when nothing is left, or at once after close. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Cuts attempts and waits; what is left stays unsettled. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#running.values());
  }

  async #run(item: Item): Promise<void> {
    const { delaysMs, giveUpAfterMs } = this.#schedule;
    const since = this.#clock.now();
    const signal = this.#closed.signal;
    for (let tries = 0; !signal.aborted; tries++) {
      const outcome = await this.#attempt(item, signal);
      if (outcome !== 'deferred') return;
      if (this.#clock.now() - since >= giveUpAfterMs) {
        this.#giveUp(item);
        return;
      }
      await this.#pause(delaysMs[Math.min(tries, delaysMs.length - 1)] ?? 0);
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await this.#clock.sleep(ms, AbortSignal.any([this.#closed.signal, this.#kick.signal]));
    } catch {
      // Flushed or closed: the loop looks which.
    }
  }
}
