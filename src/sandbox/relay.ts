// What a proxy or backup hop does with a letter it took: passes it to a fixed next hop, and keeps it while that does
// not answer. Never looks up MX: a backup that did would find itself (RFC 5321 §5.1) and bounce.
// RFC 5321 §6.1: with its 250 the hop took responsibility.

import type { Clock } from '../runtime/clock.ts';
import { deliver, type DeliveryTarget } from './delivery.ts';
import { headerOf, type Letter } from './letter.ts';
import { type AttemptOutcome, RetryQueue, type RetrySchedule } from './retry-queue.ts';
import { verdictOf } from './sender.ts';

export class Relay {
  readonly #queue: RetryQueue<Letter>;
  readonly #bounced: string[] = [];

  constructor(options: { nextHop: () => DeliveryTarget; retry: RetrySchedule; clock: Clock }) {
    this.#queue = new RetryQueue({
      attempt: async (letter, signal) => {
        const verdict = verdictOf(await deliver(letter, options.nextHop(), signal));
        return verdict === 'next' ? 'deferred' : verdict === 'bounced' ? this.#bounce(letter) : verdict;
      },
      giveUp: (letter) => this.#bounce(letter),
      schedule: options.retry,
      clock: options.clock,
    });
  }

  /** Message-IDs that wait here. */
  get queued(): string[] {
    return this.#queue.items.map((letter) => headerOf(letter.text, 'Message-ID') ?? '');
  }

  /** Message-IDs that the next hop rejected: returned to their author. */
  get bounced(): readonly string[] {
    return this.#bounced;
  }

  accept(letter: Letter): void {
    this.#queue.add(letter);
  }

  /** Tries everything now. */
  flush(): void {
    this.#queue.flush();
  }

  async drained(): Promise<void> {
    await this.#queue.drained();
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  #bounce(letter: Letter): AttemptOutcome {
    this.#bounced.push(headerOf(letter.text, 'Message-ID') ?? '');
    return 'bounced';
  }
}
