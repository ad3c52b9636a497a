// The mailbox at the end of every path, in memory: each letter once more for each time it arrives.
// Never refuses. RFC 5322 §3.6.4 (Message-ID), RFC 5321 §4.4 (Received tells the hops).

import type { Clock } from '../runtime/clock.ts';
import { headerOf, hopsOf, type Letter } from './letter.ts';

export interface Arrival {
  readonly messageId: string;
  /** The sender's running number; null where the letter is not the sandbox sender's. */
  readonly number: number | null;
  /** Instant; ms. */
  readonly at: number;
  /** Exchanges it passed, first one first. */
  readonly hops: readonly string[];
}

export class Mailbox {
  readonly #clock: Clock;
  readonly #arrivals: Arrival[] = [];
  readonly #listeners = new Set<(arrival: Arrival) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In order of arrival, duplicates included. */
  get arrivals(): readonly Arrival[] {
    return this.#arrivals;
  }

  deliver(letter: Letter): void {
    const number = Number(headerOf(letter.text, 'X-Sandbox-Number') ?? Number.NaN);
    const arrival: Arrival = {
      messageId: headerOf(letter.text, 'Message-ID') ?? '',
      number: Number.isInteger(number) ? number : null,
      at: this.#clock.now(),
      hops: hopsOf(letter.text),
    };
    this.#arrivals.push(arrival);
    for (const listener of this.#listeners) listener(arrival);
  }

  /** Calls for every arrival from now on; the returned function ends it. */
  onArrival(listener: (arrival: Arrival) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
