// One question as octets, and whether octets that came are its answer. Pure. RFC 1035 §4.1; RFC 5452 §9.1.

import type { DomainName } from '../model/domain-name.ts';
import { decodeMessage } from './decode.ts';
import { encodeMessage, makeQuery } from './encode.ts';
import type { Verdict } from './exchange.ts';
import { classes, type Message, opcodes, rcodes, type WireType } from './message.ts';

/** Class is always IN. */
export interface DnsQuestion {
  readonly name: DomainName;
  readonly type: WireType;
}

export interface AskOptions {
  /** RD; with it AD is set too, which asks for the server's word on DNSSEC (RFC 6840 §5.7). */
  readonly recursionDesired: boolean;
  /** Per try, and again for TCP after a truncated answer; ms. Waiting for one's turn does not count. */
  readonly timeoutMs: number;
  /** Tries in all, at least 1. */
  readonly attempts: number;
}

export interface Query {
  readonly question: DnsQuestion;
  readonly options: AskOptions;
  readonly hasEdns: boolean;
}

export function encodeQuery({ question, options, hasEdns }: Query, id: number): Uint8Array {
  const { recursionDesired } = options;
  const query = makeQuery({ id, ...question, recursionDesired, ...(hasEdns ? {} : { edns: null }) });
  return encodeMessage({ ...query, authenticData: recursionDesired });
}

/** RFC 5452 §9.1: id, QR and the whole question must be ours. Source and port the kernel has checked. */
export function judgeAnswer(octets: Uint8Array, id: number, asked: DnsQuestion): Verdict<Message> {
  const decoded = decodeMessage(octets);
  if (!decoded.ok) return { ok: false, why: `malformed (${decoded.fault})` };
  const { message } = decoded;
  if (message.id !== id) return { ok: false, why: 'wrong id' };
  if (!message.isResponse || message.opcode !== opcodes.query)
    return { ok: false, why: 'not a response to a query' };
  const [question, ...more] = message.questions;
  // A server that cannot parse the query cannot repeat the question (RFC 6891 §7 has such servers).
  if (question === undefined && (message.rcode === rcodes.FORMERR || message.rcode === rcodes.NOTIMP)) {
    return { ok: true, answer: message };
  }
  const isOurs =
    question?.name === asked.name &&
    question.type === asked.type &&
    question.class === classes.in &&
    more.length === 0;
  return isOurs ? { ok: true, answer: message } : { ok: false, why: 'wrong question' };
}
