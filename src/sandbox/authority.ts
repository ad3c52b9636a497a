// An authoritative server on dns2, UDP and TCP: answers from the shared zone data, or from what it is held at. It can
// lag, be held at a moment (a secondary that no longer follows) or fall silent. Never takes an UPDATE: that is
// update-port.ts. RFC 1034 §4.3.2, RFC 9499 (primary, secondary).

import { Packet } from 'dns2';
import type { Clock } from '../runtime/clock.ts';
import { answerQuestion } from './answer.ts';
import { type DnsListener, listenDns } from './dns-listener.ts';
import { questionOf, respondTo } from './packets.ts';
import type { ZoneData, ZoneSet } from './zone.ts';

export class Authority {
  readonly #data: ZoneData;
  readonly #clock: Clock;
  #listener: DnsListener | null = null;
  #held: ZoneSet | null = null;
  /** True = it takes questions and says nothing. */
  isSilent = false;
  /** It serves the zones as they stood so long ago; ms. */
  lagMs = 0;
  /** Questions that reached it. */
  questionCount = 0;

  constructor(data: ZoneData, clock: Clock) {
    this.#data = data;
    this.#clock = clock;
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Keeps serving what it serves now, whatever changes: a stale secondary. */
  hold(): void {
    this.#held = this.zones();
  }

  release(): void {
    this.#held = null;
  }

  zones(): ZoneSet {
    if (this.#held !== null) return this.#held;
    return this.lagMs > 0 ? this.#data.asOf(this.#clock.now() - this.lagMs) : this.#data.current;
  }

  async open(address: string, port: number): Promise<void> {
    this.#listener = await listenDns({ address, port, handle: (request) => this.#answer(request) });
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #answer(request: Packet): Packet | null {
    this.questionCount++;
    if (this.isSilent) return null;
    const question = questionOf(request);
    if ('rcode' in question) return respondTo(request, question.rcode);
    const answer = answerQuestion(this.zones(), question.name, question.type);
    return respondTo(request, Packet.RCODE[answer.rcode], {
      answers: answer.answers,
      authorities: answer.authorities,
      aa: answer.isAuthoritative,
    });
  }
}

export async function startAuthority(options: {
  data: ZoneData;
  clock: Clock;
  address: string;
  /** 0 = a free one. */
  port: number;
}): Promise<Authority> {
  const authority = new Authority(options.data, options.clock);
  await authority.open(options.address, options.port);
  return authority;
}
