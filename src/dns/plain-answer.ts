// Answers of the plainest form, looked at without taking them apart: an audit gets a million of them, and thousands of
// domains publish the same. Pure. What is not plain is not judged here but by decode.ts, which believes nothing of a
// message with one bad record. RFC 1035 §4.1; RFC 5452 §9.1 (matching); RFC 6891 §6.1.2 (OPT).

import { numberOf } from './rr-types.ts';

/** RFC 1035 §4.1.1. */
const headerOctets = 12;
/** RFC 1035 §4.1.4: a pointer to the name of the question, which is how servers write the owner of an answer. */
const toQuestion = 0xc000 | headerOctets;
/** Pointer, type, class, TTL and RDLENGTH. */
const recordOctets = 12;
/** RFC 6891 §6.1.2: an OPT without options. */
const optOctets = 11;
const optType = numberOf('OPT');

const u16 = (octets: Uint8Array, at: number): number => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

/**
 * Octet behind the last answer; 0 where the message is not plain. Plain: a whole response without error to the query, which
 * repeats its question octet by octet and has nothing but answers of that name, type and class, and at most an OPT without
 * options. `questionEnd`: of the query. Whose datagram it is, and what stands in RDATA, is not looked at.
 */
export function endOfPlainAnswers(octets: Uint8Array, query: Uint8Array, questionEnd: number): number {
  if (u16(octets, 0) !== u16(query, 0)) return 0;
  // QR, but neither another opcode nor TC; RCODE 0, and Z 0 as it must be (RFC 1035 §4.1.1).
  if (((octets[2] ?? 0) & 0xfa) !== 0x80 || ((octets[3] ?? 0) & 0x4f) !== 0) return 0;
  const [answers, additionals] = [u16(octets, 6), u16(octets, 10)];
  if (u16(octets, 4) !== 1 || answers === 0 || u16(octets, 8) !== 0 || additionals > 1) return 0;
  for (let at = headerOctets; at < questionEnd; at++) if (octets[at] !== query[at]) return 0;
  let end = questionEnd;
  for (let left = answers; left > 0; left--) {
    if (end + recordOctets > octets.length || u16(octets, end) !== toQuestion) return 0;
    if (u16(octets, end + 2) !== u16(query, questionEnd - 4)) return 0;
    if (u16(octets, end + 4) !== u16(query, questionEnd - 2)) return 0;
    end += recordOctets + u16(octets, end + 10);
  }
  if (additionals === 0) return octets.length === end ? end : 0;
  return octets.length === end + optOctets && isPlainOpt(octets, end) ? end : 0;
}

/** Of the root, without extended rcode, of version 0, without options. */
function isPlainOpt(octets: Uint8Array, at: number): boolean {
  const isOpt = octets[at] === 0 && u16(octets, at + 1) === optType;
  return isOpt && u16(octets, at + 5) === 0 && u16(octets, at + 9) === 0;
}

/**
 * From which octet on the question is a part of the exchanges of a plain answer, because a pointer leads there; its end
 * where it is none. Only for a message that decode.ts could read: in it no pointer loops.
 */
export function questionUsedFrom(octets: Uint8Array, questionEnd: number, answersEnd: number): number {
  let usedFrom = questionEnd;
  for (let record = questionEnd; record < answersEnd; record += recordOctets + u16(octets, record + 10)) {
    // RFC 1035 §3.3.9: the exchange stands behind 16 bits of preference.
    let at = record + recordOctets + 2;
    while (at < answersEnd && octets[at] !== 0) {
      const length = octets[at] ?? 0;
      at = length < 0xc0 ? at + length + 1 : u16(octets, at) & 0x3fff;
      // To the end: from within a label of the question a name can lead out of it, and further back into it.
      usedFrom = Math.min(usedFrom, at);
    }
  }
  return usedFrom;
}
