// What became of every letter: the sender's own books against the mailbox and the queues of the relaying hops. Pure.

import type { Arrival } from './mailbox.ts';
import type { LetterLife } from './sender.ts';

/** lost: accepted by some hop, and neither in the mailbox, nor returned, nor in any queue. */
export type Whereabouts = 'delivered' | 'bounced' | 'queued' | 'lost';

export interface LetterAccount {
  readonly number: number;
  readonly whereabouts: Whereabouts;
  /** Instant; ms. */
  readonly sentAt: number;
  readonly deliveredAt: number | null;
  /** Exchanges of the first arrival. */
  readonly hops: readonly string[];
  readonly attempts: number;
  readonly copies: number;
}

export interface Accounting {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly queued: number;
  readonly lost: number;
  /** Letters that arrived more than once. */
  readonly duplicated: number;
  /** Longest way from sent to first arrival; ms. */
  readonly maxDelayMs: number;
  readonly letters: readonly LetterAccount[];
}

export function accountFor(
  letters: readonly LetterLife[],
  arrivals: readonly Arrival[],
  relays: readonly { readonly queued: readonly string[]; readonly bounced: readonly string[] }[],
): Accounting {
  const queued = new Set(relays.flatMap((relay) => relay.queued));
  const bounced = new Set(relays.flatMap((relay) => relay.bounced));
  const byId = Map.groupBy(arrivals, (arrival) => arrival.messageId);
  const accounts = letters.map((letter): LetterAccount => {
    const copies = byId.get(letter.messageId) ?? [];
    const first = copies[0] ?? null;
    return {
      number: letter.number,
      whereabouts: whereaboutsOf(letter, first, queued, bounced),
      sentAt: letter.sentAt,
      deliveredAt: first?.at ?? null,
      hops: first?.hops ?? [],
      attempts: letter.attempts.length,
      copies: copies.length,
    };
  });
  const count = (whereabouts: Whereabouts) =>
    accounts.filter((one) => one.whereabouts === whereabouts).length;
  return {
    sent: accounts.length,
    delivered: count('delivered'),
    bounced: count('bounced'),
    queued: count('queued'),
    lost: count('lost'),
    duplicated: accounts.filter((one) => one.copies > 1).length,
    maxDelayMs: Math.max(0, ...accounts.map((one) => (one.deliveredAt ?? one.sentAt) - one.sentAt)),
    letters: accounts,
  };
}

function whereaboutsOf(
  letter: LetterLife,
  arrival: Arrival | null,
  queued: ReadonlySet<string>,
  bounced: ReadonlySet<string>,
): Whereabouts {
  if (arrival !== null) return 'delivered';
  if (letter.fate === 'bounced' || bounced.has(letter.messageId)) return 'bounced';
  return letter.fate === 'queued' || queued.has(letter.messageId) ? 'queued' : 'lost';
}
