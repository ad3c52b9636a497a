// The mailbox at the end of every path, in memory: each letter once more for each time it arrives. What comes for the
// canaries is a file in a Maildir too, where the program looks for it. Never refuses.
// RFC 5322 §3.6.4 (Message-ID), RFC 5321 §4.4 (Received tells the hops).

import type { Clock } from '../runtime/clock.ts';
import { headerOf, hopsOf, type Letter } from './letter.ts';
import type { Maildir } from './maildir.ts';

export interface Arrival {
  readonly messageId: string;
  /** The sender's running number; null where the letter is not the sandbox sender's. */
  readonly number: number | null;
  /** Of a canary; null for any other letter. */
  readonly token: string | null;
  /** Instant; ms. */
  readonly at: number;
  /** Exchanges it passed, first one first. */
  readonly hops: readonly string[];
  /** Filed as spam: arrived all the same. */
  readonly isSpam: boolean;
}

/** Letters to these addresses are kept on disk. */
export interface MailboxFiles {
  readonly maildir: Maildir;
  readonly addresses: readonly string[];
}

export class Mailbox {
  readonly #clock: Clock;
  readonly #files: MailboxFiles | null;
  readonly #arrivals: Arrival[] = [];

  constructor(clock: Clock, files: MailboxFiles | null = null) {
    this.#clock = clock;
    this.#files = files;
  }

  /** In order of arrival, duplicates included. */
  get arrivals(): readonly Arrival[] {
    return this.#arrivals;
  }

  deliver(letter: Letter): void {
    const number = Number(headerOf(letter.text, 'X-Sandbox-Number') ?? Number.NaN);
    const isSpam = headerOf(letter.text, 'X-Spam-Flag') === 'YES';
    if (this.#files !== null && letter.to.some((one) => this.#files?.addresses.includes(one) === true)) {
      this.#files.maildir.deliver(letter, isSpam);
    }
    this.#arrivals.push({
      messageId: headerOf(letter.text, 'Message-ID') ?? '',
      number: Number.isInteger(number) ? number : null,
      token: headerOf(letter.text, 'X-Mxctl-Canary'),
      at: this.#clock.now(),
      hops: hopsOf(letter.text),
      isSpam,
    });
  }
}
