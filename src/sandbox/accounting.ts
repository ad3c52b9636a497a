// What became of every letter: the sender's own books against the mailbox, the queues of the relaying hops and what each
// hop said 250 to. Canaries are letters of the controller: counted apart. Pure.

import type { CustodyRecord } from './custody.ts';
import type { Arrival } from './mailbox.ts';
import type { LetterLife } from './sender.ts';

/**
 * delivered  in the mailbox, however late
 * bounced    returned to its author
 * queued     waits in a queue that tries again
 * held       a hop said 250 and keeps it
 * swallowed  a hop said 250 and it is gone: to be sent again by whoever still has it
 * lost       accepted by some hop, and nothing explains where it is
 */
export type Whereabouts = 'delivered' | 'bounced' | 'queued' | 'held' | 'swallowed' | 'lost';

/** What one hop has said 250 to. */
export interface HopBooks {
  /** Short name of the hop. */
  readonly hop: string;
  /** null for a hop of no path. */
  readonly path: string | null;
  readonly taken: readonly CustodyRecord[];
}

/** Where a letter stopped or was kept for a while: the hop, and its name for the letter. */
export interface Stay {
  readonly hop: string;
  readonly path: string | null;
  readonly queueId: string;
  /** When that hop took it; ms. */
  readonly at: number;
}

export interface LetterAccount {
  readonly number: number;
  readonly messageId: string;
  readonly whereabouts: Whereabouts;
  /** Instant; ms. */
  readonly sentAt: number;
  readonly deliveredAt: number | null;
  /** Exchanges of the first arrival. */
  readonly hops: readonly string[];
  readonly attempts: number;
  readonly copies: number;
  /** The hop that holds, held or swallowed it; null where none did. */
  readonly stay: Stay | null;
}

/** A letter that a hop answered 250 to and that is gone: what a replay must bring back. */
export interface Swallowed extends Stay {
  readonly kind: 'letter' | 'canary';
  /** Message-ID of a letter, token of a canary. */
  readonly id: string;
}

/** Canaries that some hop answered 250 to. */
export interface CanaryCounts {
  readonly sent: number;
  readonly arrived: number;
  /** Taken and not in the mailbox: held, swallowed, or on the way. */
  readonly missing: number;
}

export interface Accounting {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly queued: number;
  readonly held: number;
  readonly swallowed: number;
  readonly lost: number;
  /** Letters that arrived more than once. */
  readonly duplicated: number;
  /** Longest way from sent to first arrival; ms. */
  readonly maxDelayMs: number;
  readonly letters: readonly LetterAccount[];
  readonly canaries: CanaryCounts;
  /** Letters and canaries, in the order in which they were taken. */
  readonly toReplay: readonly Swallowed[];
}

type Taken = CustodyRecord & Stay;

export interface Books {
  readonly letters: readonly LetterLife[];
  readonly arrivals: readonly Arrival[];
  readonly relays: readonly { readonly queued: readonly string[]; readonly bounced: readonly string[] }[];
  readonly hops: readonly HopBooks[];
}

export function accountFor(books: Books): Accounting {
  const taken = takenBy(books.hops);
  const accounts = accountLetters(books, taken);
  const canaries = accountCanaries(books.arrivals, taken);
  const count = (whereabouts: Whereabouts) =>
    accounts.filter((one) => one.whereabouts === whereabouts).length;
  return {
    sent: accounts.length,
    delivered: count('delivered'),
    bounced: count('bounced'),
    queued: count('queued'),
    held: count('held'),
    swallowed: count('swallowed'),
    lost: count('lost'),
    duplicated: accounts.filter((one) => one.copies > 1).length,
    maxDelayMs: Math.max(0, ...accounts.map((one) => (one.deliveredAt ?? one.sentAt) - one.sentAt)),
    letters: accounts,
    canaries: canaries.counts,
    toReplay: [...swallowedLetters(accounts), ...canaries.swallowed].sort((a, b) => a.at - b.at),
  };
}

const takenBy = (hops: readonly HopBooks[]): Taken[] =>
  hops.flatMap(({ hop, path, taken }) => taken.map((record) => ({ ...record, hop, path })));

function accountLetters({ letters, arrivals, relays }: Books, taken: readonly Taken[]): LetterAccount[] {
  const queued = new Set(relays.flatMap((relay) => relay.queued));
  const bounced = new Set(relays.flatMap((relay) => relay.bounced));
  for (const one of taken) if (one.fate === 'returned') bounced.add(one.messageId);
  const arrivalsOf = Map.groupBy(arrivals, (arrival) => arrival.messageId);
  const takenOf = Map.groupBy(taken, (one) => one.messageId);
  return letters.map((letter): LetterAccount => {
    const copies = arrivalsOf.get(letter.messageId) ?? [];
    const first = copies[0] ?? null;
    const stays = takenOf.get(letter.messageId) ?? [];
    return {
      number: letter.number,
      messageId: letter.messageId,
      whereabouts: whereaboutsOf(letter, { arrival: first, stays, queued, bounced }),
      sentAt: letter.sentAt,
      deliveredAt: first?.at ?? null,
      hops: first?.hops ?? [],
      attempts: letter.attempts.length,
      copies: copies.length,
      stay: stayAmong(stays),
    };
  });
}

function whereaboutsOf(
  letter: LetterLife,
  known: {
    readonly arrival: Arrival | null;
    readonly stays: readonly Taken[];
    readonly queued: ReadonlySet<string>;
    readonly bounced: ReadonlySet<string>;
  },
): Whereabouts {
  if (known.arrival !== null) return 'delivered';
  if (letter.fate === 'bounced' || known.bounced.has(letter.messageId)) return 'bounced';
  if (letter.fate === 'queued' || known.queued.has(letter.messageId)) return 'queued';
  if (known.stays.some((one) => one.fate === 'held')) return 'held';
  return known.stays.some((one) => one.fate === 'discarded') ? 'swallowed' : 'lost';
}

function stayAmong(taken: readonly Taken[]): Stay | null {
  const where =
    taken.find((one) => one.fate === 'discarded') ??
    taken.find((one) => one.fate === 'held' || one.fate === 'released');
  if (where === undefined) return null;
  const { hop, path, queueId, at } = where;
  return { hop, path, queueId, at };
}

function swallowedLetters(accounts: readonly LetterAccount[]): Swallowed[] {
  return accounts.flatMap(({ whereabouts, stay, messageId }) =>
    whereabouts === 'swallowed' && stay !== null ? [{ kind: 'letter', id: messageId, ...stay }] : [],
  );
}

/** Nobody's books but the hops' tell of canaries that were sent. */
function accountCanaries(
  arrivals: readonly Arrival[],
  taken: readonly Taken[],
): { counts: CanaryCounts; swallowed: Swallowed[] } {
  const arrived = new Set(arrivals.map((one) => one.token));
  const byToken = Map.groupBy(
    taken.filter((one) => one.token !== null),
    (one) => one.token ?? '',
  );
  const missing = [...byToken].filter(([token]) => !arrived.has(token));
  return {
    counts: {
      sent: byToken.size,
      arrived: byToken.size - missing.length,
      missing: missing.length,
    },
    swallowed: missing.flatMap(([token, stays]) => {
      const gone = stayAmong(stays.filter((one) => one.fate === 'discarded'));
      return gone === null ? [] : [{ kind: 'canary', id: token, ...gone }];
    }),
  };
}
