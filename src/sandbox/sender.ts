// A standard sending MTA: numbered letters at an interval, MX looked up anew for each attempt, exchanges walked by
// preference, 4xx and silence kept in a queue, 5xx returned at once. It remembers the whole life of every letter.
// RFC 5321 §4.5.4.1 (queue), §5.1 (MX); what is done at which reply is what Postfix does (smtp_trouble.c).

import { createDnsClient, type DnsClient } from '../dns/client.ts';
import { type DomainName, displayName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { Clock } from '../runtime/clock.ts';
import { deliver, type DeliveryResult, type DeliveryStage } from './delivery.ts';
import type { Letter } from './letter.ts';
import { walkMx } from './mx-walk.ts';
import { type AttemptOutcome, RetryQueue, type RetrySchedule } from './retry-queue.ts';

/** One session with one hop, or a look-up that ended the attempt (exchange null). */
export interface Attempt {
  /** Instant; ms. */
  readonly at: number;
  readonly exchange: DomainName | null;
  readonly address: string | null;
  readonly stage: DeliveryStage | 'dns';
  readonly text: string;
}

/** accepted: some hop said 250 and has it now; whether it arrived only the mailbox knows. */
export type LetterFate = 'queued' | 'accepted' | 'bounced';

export interface LetterLife {
  readonly number: number;
  readonly messageId: string;
  /** Instants; ms. */
  readonly sentAt: number;
  readonly attempts: readonly Attempt[];
  readonly fate: LetterFate;
  readonly settledAt: number | null;
}

interface MutableLife extends LetterLife {
  attempts: Attempt[];
  fate: LetterFate;
  settledAt: number | null;
  isDeferred: boolean;
}

export interface SenderOptions {
  readonly clock: Clock;
  readonly resolver: ServerAddress;
  /** Source address of its connections. */
  readonly localAddress: string;
  /** Port the hops answer on. */
  readonly port: number;
  readonly to: string;
  readonly domain: DomainName;
  readonly intervalMs: number;
  readonly retry: RetrySchedule;
  /** Bound of every SMTP stage; ms. */
  readonly timeoutMs: number;
  /** 0..1: order among equal preferences. */
  readonly random: () => number;
}

const stagesThatBounce: readonly DeliveryStage[] = ['mail', 'rcpt', 'data', 'end-of-data'];

/** What a sender does with a letter after one session: next = another address, and the queue after the last. */
export function verdictOf(result: DeliveryResult): 'delivered' | 'bounced' | 'next' {
  const { stage, code } = result;
  if (code === null) return 'next';
  if (stage === 'end-of-data' && code >= 200 && code < 300) return 'delivered';
  // A 5xx greeting goes to the next exchange and is deferred at the last (Postfix, smtp_skip_5xx_greeting=yes).
  return code >= 500 && stagesThatBounce.includes(stage) ? 'bounced' : 'next';
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #lives: MutableLife[] = [];
  readonly #queue: RetryQueue<MutableLife>;
  readonly #client: DnsClient = createDnsClient();
  #stop: AbortController | null = null;
  #ticking: Promise<void> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#queue = new RetryQueue({
      attempt: async (life, signal) => {
        const outcome = await this.#attempt(life, signal);
        life.isDeferred = outcome === 'deferred';
        return outcome;
      },
      giveUp: (life) => this.#settle(life, 'bounced'),
      schedule: options.retry,
      clock: options.clock,
    });
  }

  /** Every letter ever sent, by number. */
  get letters(): readonly LetterLife[] {
    return this.#lives;
  }

  /** Letters that no hop has taken yet, those on their first way included. */
  get queued(): number {
    return this.#queue.items.length;
  }

  /** Letters that nobody would take so far: what an operator sees in a mail queue. */
  get deferred(): number {
    return this.#queue.items.filter((life) => life.isDeferred).length;
  }

  /** Sends one letter now and another each interval, until stop. */
  start(): void {
    if (this.#stop !== null) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#ticking = this.#tick(stop.signal);
  }

  /** No new letters; the queue goes on. */
  async stop(): Promise<void> {
    this.#stop?.abort();
    this.#stop = null;
    await this.#ticking;
  }

  /** Sends one letter; its number. */
  send(): number {
    const number = this.#lives.length + 1;
    const life: MutableLife = {
      number,
      messageId: `<${number}.${this.#options.clock.now()}@sender.sandbox.example>`,
      sentAt: this.#options.clock.now(),
      attempts: [],
      fate: 'queued',
      settledAt: null,
      isDeferred: false,
    };
    this.#lives.push(life);
    this.#queue.add(life);
    return number;
  }

  /** Tries everything in the queue now. */
  flush(): void {
    this.#queue.flush();
  }

  /** Resolves when the queue is empty. */
  async drained(): Promise<void> {
    await this.#queue.drained();
  }

  async close(): Promise<void> {
    await this.stop();
    this.#client.close();
    await this.#queue.close();
  }

  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.send();
      await this.#options.clock.sleep(this.#options.intervalMs, signal).catch(() => {});
    }
  }

  async #attempt(life: MutableLife, signal: AbortSignal): Promise<AttemptOutcome> {
    const { clock, resolver, domain, random } = this.#options;
    const walk = await walkMx({ client: this.#client, resolver }, domain, random);
    if (walk.kind !== 'stops') {
      life.attempts.push({ at: clock.now(), exchange: null, address: null, stage: 'dns', text: walk.reason });
      return walk.kind === 'defer' ? 'deferred' : this.#settle(life, 'bounced');
    }
    for (const { exchange, address } of walk.stops) {
      if (signal.aborted) break;
      const at = clock.now();
      const result = await deliver(this.#letter(life), this.#target(address), signal);
      life.attempts.push({ at, exchange, address, stage: result.stage, text: result.text });
      const verdict = verdictOf(result);
      if (verdict === 'delivered') return this.#settle(life, 'accepted');
      if (verdict === 'bounced') return this.#settle(life, 'bounced');
    }
    return 'deferred';
  }

  #settle(life: MutableLife, fate: 'accepted' | 'bounced'): AttemptOutcome {
    life.fate = fate;
    life.settledAt = this.#options.clock.now();
    return fate === 'accepted' ? 'delivered' : 'bounced';
  }

  #target(address: string) {
    const { port, localAddress, timeoutMs } = this.#options;
    return { address, port, localAddress, timeoutMs, ehloName: 'sender.sandbox.example' };
  }

  #letter(life: MutableLife): Letter {
    const from = 'alice@sender.sandbox.example';
    const date = new Date(life.sentAt).toUTCString().replace('GMT', '+0000');
    const lines = [
      `From: <${from}>`,
      `To: <${this.#options.to}>`,
      `Subject: letter ${life.number}`,
      `Date: ${date}`,
      `Message-ID: ${life.messageId}`,
      `X-Sandbox-Number: ${life.number}`,
      '',
      `Letter ${life.number} to ${displayName(this.#options.domain)}.`,
      '',
    ];
    return { from, to: [this.#options.to], text: lines.join('\r\n') };
  }
}
