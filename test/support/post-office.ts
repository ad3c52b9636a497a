// Canaries without SMTP and IMAP: a probe whose paths deliver, hold, discard or refuse as a test says, and the mailbox
// at their end. Time is the world's.

import type { Canary, TraceHop } from '../../src/model/canary.ts';
import type {
  ArrivalMailbox,
  CanaryOrder,
  CanaryProbe,
  FoundLetter,
  HandOver,
} from '../../src/probes/canary.ts';

/** `ms` until it arrives; hold: at `release()`; discard: never; the rest as hand-overs end. */
export type PathMood =
  number | 'hold' | 'discard' | 'defer' | 'refuse' | 'unreachable' | 'lost-taken' | 'lost' | 'bounce';

interface Posted extends FoundLetter {
  readonly path: string;
  readonly sentAt: number;
  /** Null while it is held. */
  arrivesAt: number | null;
}

export class PostOffice {
  readonly #now: () => number;
  readonly #moods = new Map<string, PathMood>();
  #letters: Posted[] = [];
  #bounces: { readonly token: string; readonly text: string }[] = [];
  /** Every hand-over, in order: `path token mood`. */
  readonly handed: { readonly path: string; readonly token: string; readonly sentAt: number }[] = [];
  /** Called before a hand-over is answered; may throw as an abort does. */
  onHandOver: (order: CanaryOrder) => Promise<void> = () => Promise.resolve();
  /** Why the mailbox cannot be read; null where it can. */
  fault: string | null = null;
  /** How far its clock is ahead; ms. */
  skewMs = 0;
  mayRemove = true;
  /** A look shows no more than so many. */
  mostLetters = Infinity;
  copies = 1;
  isSpam = false;
  isBySubject = false;
  looks = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  set(path: string, mood: PathMood): void {
    this.#moods.set(path, mood);
  }

  /** What the path held goes out at once. */
  release(path: string): void {
    for (const one of this.#letters) if (one.path === path) one.arrivesAt ??= this.#now();
  }

  /** A letter that nobody handed over. */
  forge(token: string): void {
    this.#post({ path: '', token, sentAt: this.#now() }, this.#now());
  }

  /** Tokens in the mailbox now. */
  get inMailbox(): string[] {
    return this.#here().map((one) => one.token);
  }

  #here(): Posted[] {
    return this.#letters.filter((one) => one.arrivesAt !== null && one.arrivesAt <= this.#now());
  }

  #post(order: { path: string; token: string; sentAt: number }, arrivesAt: number | null): void {
    const trace: TraceHop[] = [];
    for (let copy = 0; copy < this.copies; copy++) {
      const { path, token, sentAt } = order;
      const { isSpam, isBySubject } = this;
      this.#letters.push({
        path,
        token,
        sentAt,
        arrivesAt,
        storedAt: null,
        isSpam,
        isBySubject,
        trace,
      });
    }
  }

  readonly probe: CanaryProbe = {
    mailboxKey: 'post-office',
    tokenOf: (id) => `mxc-${id}-ours`,
    idOf: (token) => /^mxc-(.+)-ours$/.exec(token)?.[1] ?? null,
    handOver: async (order) => {
      await this.onHandOver(order);
      this.handed.push({ path: order.path, token: order.token, sentAt: order.sentAt });
      return this.#settle(order, this.#moods.get(order.path) ?? 3000);
    },
    openMailbox: () => this.#mailbox,
  };

  #settle(order: CanaryOrder, mood: PathMood): HandOver {
    const at = this.#now();
    const end = (outcome: HandOver['outcome'], summary: string): HandOver => {
      return { outcome, at, reply: null, queueId: null, summary };
    };
    if (mood === 'defer') return end('deferred', '450 4.2.0 greylisted at rcpt');
    if (mood === 'refuse') return end('refused', '554 5.7.1 no at data');
    if (mood === 'unreachable') return end('unreachable', 'connection refused');
    if (mood === 'lost') return end('unknown', 'connection lost after DATA');
    if (mood === 'bounce') this.#bounces.push({ token: order.token, text: '5.1.1 user unknown' });
    else if (mood !== 'discard')
      this.#post(order, typeof mood === 'number' ? at + mood : mood === 'hold' ? null : at);
    if (mood === 'lost-taken') return end('unknown', 'connection lost after DATA');
    const queueId = `Q${this.handed.length}`;
    return { ...end('handed', `250 2.0.0 Ok: queued as ${queueId}`), queueId };
  }

  readonly #mailbox: ArrivalMailbox = {
    look: () => {
      this.looks++;
      if (this.fault !== null) return Promise.resolve({ outcome: 'unreadable', reason: this.fault });
      const letters = this.#here().map((one) => ({ ...one, storedAt: (one.arrivesAt ?? 0) + this.skewMs }));
      const isCut = letters.length > this.mostLetters;
      const shown = letters.slice(0, this.mostLetters);
      return Promise.resolve({ outcome: 'read', letters: shown, bounces: this.#bounces, isCut });
    },
    remove: (tokens) => {
      if (!this.mayRemove) return Promise.resolve(false);
      const here = new Set<FoundLetter>(this.#here());
      this.#letters = this.#letters.filter((one) => !(here.has(one) && tokens.has(one.token)));
      this.#bounces = this.#bounces.filter((one) => !tokens.has(one.token));
      return Promise.resolve(true);
    },
    changed: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** `path state latency` of each, for reading. */
export function wordsOf(canaries: readonly Canary[]): string[] {
  return canaries.map((one) => {
    const latency =
      one.arrivedAt === null || one.handedAt === null ? '' : ` ${(one.arrivedAt - one.handedAt) / 1000}s`;
    return `${one.path} ${one.state}${latency}`;
  });
}
