// What a hop does with the letters it said 250 to: passes them on, keeps them, loses them, returns them. It remembers
// each with the queue id it told the client. RFC 5321 §6.1: with that 250 the hop took responsibility, and the client
// has forgotten the letter.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { notificationOf } from './dsn.ts';
import type { HopFault } from './hop-fault.ts';
import { headerOf, type Letter } from './letter.ts';

/** passed: handed on at once; released: handed on after it was held; discarded: gone; returned: by a notification. */
export type CustodyFate = 'passed' | 'held' | 'released' | 'discarded' | 'returned';

/** One letter a hop answered 250 to. */
export interface CustodyRecord {
  readonly queueId: string;
  readonly messageId: string;
  /** Of a canary; null for any other letter. */
  readonly token: string | null;
  /** When it was taken; ms. */
  readonly at: number;
  readonly fate: CustodyFate;
}

/** As long as Postfix's short ones; random, so that no two hops tell the same. */
const queueIdOctets = 5;

export function makeQueueId(): string {
  return randomBytes(queueIdOctets).toString('hex').toUpperCase();
}

export class Custody {
  readonly #passOn: (letter: Letter) => void;
  readonly #giveBack: (notification: Letter) => void;
  readonly #clock: Clock;
  /** Of the notifications it writes. */
  readonly #exchange: string;
  readonly #records: CustodyRecord[] = [];
  /** Places in `#records` with what waits there. */
  readonly #held = new Map<number, Letter>();
  readonly #seenFrom = new Map<string, number>();

  constructor(options: {
    passOn: (letter: Letter) => void;
    giveBack: (notification: Letter) => void;
    clock: Clock;
    exchange: string;
  }) {
    this.#passOn = options.passOn;
    this.#giveBack = options.giveBack;
    this.#clock = options.clock;
    this.#exchange = options.exchange;
  }

  /** In the order in which they were taken. */
  get records(): readonly CustodyRecord[] {
    return this.#records;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** Takes a letter over as a hop with that fault does. */
  take(letter: Letter, queueId: string, fault: HopFault): void {
    const fate = this.#fateOf(letter, fault);
    const place = this.#records.length;
    this.#records.push({
      queueId,
      messageId: headerOf(letter.text, 'Message-ID') ?? '',
      token: headerOf(letter.text, 'X-Mxctl-Canary'),
      at: this.#clock.now(),
      fate,
    });
    if (fate === 'held') this.#held.set(place, letter);
    else if (fate === 'passed') this.#passOn(fault === 'spam' ? marked(letter) : letter);
    else if (fate === 'returned') {
      this.#giveBack(notificationOf(letter, { exchange: this.#exchange, queueId, now: this.#clock.now() }));
    }
  }

  /** Hands on everything it held, in one burst; how many letters that were. */
  release(): number {
    const waiting = [...this.#held];
    this.#held.clear();
    for (const [place, letter] of waiting) {
      const record = this.#records[place];
      if (record !== undefined) this.#records[place] = { ...record, fate: 'released' };
      this.#passOn(letter);
    }
    return waiting.length;
  }

  #fateOf(letter: Letter, fault: HopFault): CustodyFate {
    switch (fault) {
      case 'hold':
        return 'held';
      case 'hold-some':
        return this.#isOdd(letter.from) ? 'held' : 'passed';
      case 'discard':
        return 'discarded';
      case 'bounce':
        return 'returned';
      default:
        return 'passed';
    }
  }

  /** Counted for each sender by itself: senders that take turns would else have all or none of theirs held. */
  #isOdd(from: string): boolean {
    const seen = (this.#seenFrom.get(from) ?? 0) + 1;
    this.#seenFrom.set(from, seen);
    return seen % 2 === 1;
  }
}

/** As SpamAssassin marks what it takes for spam. */
const marked = (letter: Letter): Letter => ({ ...letter, text: `X-Spam-Flag: YES\r\n${letter.text}` });
