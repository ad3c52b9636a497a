// One question as octets, and whether octets that came are its answer. Pure. RFC 1035 §4.1; RFC 5452 §9.1.

import { type DomainName, root } from '../model/domain-name.ts';
import { decodeMessage } from './decode.ts';
import { ednsUdpSize, encodeMessage, makeQuery } from './encode.ts';
import type { Verdict } from './exchange.ts';
import { classes, type Message, opcodes, rcodes, type WireType } from './message.ts';
import { numberOf } from './rr-types.ts';

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

/** RFC 1035 §4.1.1. */
const headerOctets = 12;
/** RFC 6891 §6.1.2: an OPT without options. */
const optOctets = 11;

/** A whole message. Throws RangeError where the name is none. */
export function encodeQuery(query: Query, id: number): Uint8Array {
  return encodePlain(query, id) ?? encodeByParts(query, id);
}

function encodeByParts({ question, options, hasEdns }: Query, id: number): Uint8Array {
  const { recursionDesired } = options;
  const query = makeQuery({ id, ...question, recursionDesired, ...(hasEdns ? {} : { edns: null }) });
  return encodeMessage({ ...query, authenticData: recursionDesired });
}

/** The same octets in one go, where no label has escapes; null where one has. An audit asks a million questions. */
function encodePlain({ question, options, hasEdns }: Query, id: number): Uint8Array | null {
  const { name } = question;
  if (name === root || name.includes('\\')) return null;
  const behindName = headerOctets + name.length + 1;
  const octets = Buffer.allocUnsafe(behindName + 4 + (hasEdns ? optOctets : 0));
  // RD, with AD beside it; one question, no records but the OPT.
  const flags = options.recursionDesired ? 0x0120 : 0;
  writeU16s(octets, 0, [id, flags, 1, 0, 0, hasEdns ? 1 : 0]);
  // Each dot stands where the length of the label behind it belongs, the last one where the root's does.
  octets.write(name, headerOctets + 1, 'latin1');
  let lengthAt = headerOctets;
  for (let at = headerOctets + 1; at < behindName; at++) {
    if (octets[at] !== 0x2e) continue;
    const length = at - lengthAt - 1;
    if (length === 0 || length > 63) return null;
    octets[lengthAt] = length;
    lengthAt = at;
  }
  if (lengthAt !== behindName - 1) return null;
  octets[lengthAt] = 0;
  writeU16s(octets, behindName, [numberOf(question.type), classes.in]);
  // RFC 6891 §6.1.2: root, type, size, extended rcode and flags, no options.
  if (hasEdns) {
    octets[behindName + 4] = 0;
    writeU16s(octets, behindName + 5, [numberOf('OPT'), ednsUdpSize, 0, 0, 0]);
  }
  return octets;
}

function writeU16s(octets: Uint8Array, start: number, values: readonly number[]): void {
  let at = start;
  for (const value of values) {
    octets[at] = value >> 8;
    octets[at + 1] = value & 0xff;
    at += 2;
  }
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
