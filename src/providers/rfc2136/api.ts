// What is said to the server and what of its answers is believed: TSIG-signed messages over TCP (RFC 8945), queries
// without recursion, and UPDATE (RFC 2136). With a key, nothing unsigned is believed but a refusal.

import { randomInt } from 'node:crypto';

import { decodeMessage } from '../../dns/decode.ts';
import { encodeMessage, makeQuery } from '../../dns/encode.ts';
import { type Message, opcodes, rcodes } from '../../dns/message.ts';
import { signMessage, type TsigKey, verifyTsig } from '../../dns/tsig.ts';
import type { ServerAddress } from '../../model/route.ts';
import type { RrsetQuestion } from '../provider.ts';
import { Link } from './link.ts';

export interface Answer {
  readonly kind: 'answer';
  readonly message: Message;
  /** False for a refusal without a signature where we have a key. */
  readonly isVerified: boolean;
}

export interface NoAnswer {
  /** not-sent: nothing left this machine; lost: no reply; disbelieved: a reply that does not count. */
  readonly kind: 'not-sent' | 'lost' | 'disbelieved';
  readonly reason: string;
}

export type Asked = Answer | NoAnswer;

/** What a server says without a signature when it could not, or would not, check ours (RFC 8945 §5.3.2). */
const unsignedRefusals = new Set<number>([
  rcodes.FORMERR,
  rcodes.SERVFAIL,
  rcodes.NOTIMP,
  rcodes.REFUSED,
  rcodes.NOTAUTH,
]);

/** Questions signed ahead of being sent: few enough that no signature is minutes old when its turn comes. */
const questionsSigned = 256;

const unasked: NoAnswer = { kind: 'lost', reason: 'not asked' };

/** Unlike those in `taken`, and added to them: answers that come out of order are told apart by it. */
function freshId(taken: Set<number>): number {
  for (;;) {
    const id = randomInt(0x10000);
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

export interface ConversationOptions {
  readonly server: ServerAddress;
  readonly key: TsigKey | null;
  readonly timeoutMs: number;
  /** Seconds since the epoch. */
  readonly nowSeconds: () => number;
}

/** Talks to the server for the length of one call of the provider. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #link: Link;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#link = new Link(options.server, options.timeoutMs);
  }

  /** One answer per question, in order. RD=0, no EDNS: over TCP there is no size to tell, and old servers choke on less. */
  async query(questions: readonly RrsetQuestion[], signal: AbortSignal): Promise<Asked[]> {
    const answers: Asked[] = [];
    for (let from = 0; from < questions.length; from += questionsSigned) {
      const ids = new Set<number>();
      const asked = questions.slice(from, from + questionsSigned).map(({ owner, type }) => {
        const query = makeQuery({ id: freshId(ids), name: owner, type, edns: null });
        return { query, ...this.#sign(query) };
      });
      const carried = await this.#link.read(
        asked.map((one) => one.octets),
        signal,
      );
      for (const [at, { query, mac }] of asked.entries()) {
        const one = carried[at] ?? unasked;
        answers.push(one.kind === 'reply' ? this.#judge(query, mac, one.octets) : one);
      }
    }
    return answers;
  }

  /** After it was sent an abort no longer rejects: the answer says what became of it. */
  async update(update: Message, signal: AbortSignal): Promise<Asked> {
    const message = { ...update, id: freshId(new Set()) };
    const { octets, mac } = this.#sign(message);
    const carried = await this.#link.write(octets, signal);
    return carried.kind === 'reply' ? this.#judge(message, mac, carried.octets) : carried;
  }

  close(): void {
    this.#link.close();
  }

  #sign(message: Message): { readonly octets: Uint8Array; readonly mac: Uint8Array | null } {
    const { key, nowSeconds } = this.#options;
    return key === null
      ? { octets: encodeMessage(message), mac: null }
      : signMessage(message, key, nowSeconds());
  }

  #judge(asked: Message, requestMac: Uint8Array | null, octets: Uint8Array): Asked {
    const decoded = decodeMessage(octets);
    const disbelieve = (reason: string): Asked => ({ kind: 'disbelieved', reason });
    if (!decoded.ok) return disbelieve(`the reply is malformed (${decoded.fault})`);
    const { message } = decoded;
    if (!isReplyTo(asked, message)) return disbelieve('the reply answers something else');
    const { key, nowSeconds } = this.#options;
    if (key === null) return { kind: 'answer', message, isVerified: true };
    const verdict = verifyTsig(octets, decoded, key, { requestMac, nowSeconds: nowSeconds() });
    if (verdict.ok) return { kind: 'answer', message, isVerified: true };
    if (verdict.fault === 'unsigned' && unsignedRefusals.has(message.rcode))
      return { kind: 'answer', message, isVerified: false };
    return disbelieve(
      verdict.fault === 'unsigned'
        ? 'the reply is not signed'
        : `the reply's TSIG does not verify (${verdict.fault})`,
    );
  }
}

/** RFC 2136 §3.8 lets the answer to an UPDATE leave all sections empty; a query's must repeat the question. */
function isReplyTo(asked: Message, reply: Message): boolean {
  if (reply.id !== asked.id || !reply.isResponse || reply.opcode !== asked.opcode || reply.isTruncated)
    return false;
  const [wanted] = asked.questions;
  const [got, ...more] = reply.questions;
  if (got === undefined) return asked.opcode === opcodes.update || unsignedRefusals.has(reply.rcode);
  return (
    more.length === 0 && got.name === wanted?.name && got.type === wanted.type && got.class === wanted.class
  );
}
