// Plain answers are what decode.ts reads, and those that are taken for equal are equal. Questions and answers by chance,
// with pointers wherever a server, or a liar, could put them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { endOfPlainAnswers, questionUsedFrom } from '../../../src/dns/plain-answer.ts';
import { encodeQuery, judgeAnswer } from '../../../src/dns/question.ts';
import { readAnswer } from '../../../src/dns/answer.ts';
import type { DomainName } from '../../../src/model/domain-name.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

const options = { recursionDesired: true, timeoutMs: 1, attempts: 1 };
const label = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const wire = (labels: readonly string[]) =>
  labels.map((one) => String.fromCharCode(one.length) + one).join('');
const u16 = (value: number) => String.fromCharCode(value >> 8, value & 0xff);

/** Rest of an exchange: the root, or a pointer to an octet of the message. */
const tail = fc.oneof(
  fc.constant('\0'),
  fc.nat({ max: 60 }).map((to) => u16(0xc000 | (to + 12))),
);
const exchange = fc.tuple(fc.array(label, { maxLength: 2 }), tail).map(([labels, end]) => wire(labels) + end);
const record = fc
  .tuple(fc.nat({ max: 100_000 }), fc.nat({ max: 0xffff }), exchange)
  .map(([ttl, preference, name]) => {
    const rdata = u16(preference) + name;
    return `\xc0\x0c\0\x0f\0\x01${u16(ttl >> 16)}${u16(ttl & 0xffff)}${u16(rdata.length)}${rdata}`;
  });

interface Exchange {
  readonly name: DomainName;
  readonly query: Uint8Array;
  readonly questionEnd: number;
  readonly answers: string;
  readonly octets: Buffer;
}

function exchangeOf(
  labels: readonly string[],
  answers: readonly string[],
  flags: number,
  hasOpt: boolean,
): Exchange {
  const name = labels.map((one) => `${one}.`).join('') as DomainName;
  const query = encodeQuery({ question: { name, type: 'MX' }, options, hasEdns: true }, 7);
  const questionEnd = 12 + name.length + 1 + 4;
  const counts = [1, answers.length, 0, hasOpt ? 1 : 0].map(u16).join('');
  const question = `${wire(labels)}\0\0\x0f\0\x01`;
  const opt = hasOpt ? '\0\0\x29\x04\xd0\0\0\0\0\0\0' : '';
  const text = u16(7) + u16(0x8100 | flags) + counts + question + answers.join('') + opt;
  return { name, query, questionEnd, answers: answers.join(''), octets: Buffer.from(text, 'latin1') };
}

const plain = fc
  .tuple(
    fc.array(label, { minLength: 1, maxLength: 3 }),
    fc.array(record, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(0, 0x20, 0x80, 0xa0, 0x400),
    fc.boolean(),
  )
  .map((parts) => exchangeOf(...parts));

/** What is made of it; null where it is not believed. */
function read({ octets, name }: Exchange) {
  const judged = judgeAnswer(octets, 7, { name, type: 'MX' });
  return judged.ok ? readAnswer(judged.answer, name, 'MX') : null;
}

describe('a plain answer', () => {
  it('is taken for one, and has nothing but MX of the name that was asked for', () => {
    let found = 0;
    fc.assert(
      fc.property(plain, (one) => {
        const end = endOfPlainAnswers(one.octets, one.query, one.questionEnd);
        expect(end).toBe(one.questionEnd + one.answers.length);
        const reading = read(one);
        if (reading === null) return;
        expect(reading.kind).toBe('found');
        found += 1;
      }),
      { numRuns },
    );
    expect(found).toBeGreaterThan(numRuns / 4);
  });

  const saysTheSame = fc.property(plain, fc.stringMatching(/^[a-z0-9]{20}$/), (one, letters) => {
    const reading = read(one);
    if (reading?.kind !== 'found') return;
    const end = one.questionEnd + one.answers.length;
    const usedFrom = questionUsedFrom(one.octets, one.questionEnd, end);
    const octets = Buffer.from(one.octets);
    // Other letters in the part that no pointer leads to.
    for (let at = 13; at < Math.min(usedFrom, one.questionEnd - 5); at++) {
      if ((octets[at] ?? 0) >= 0x30) octets[at] = letters.charCodeAt(at % letters.length);
    }
    const labels: string[] = [];
    for (let at = 12; octets[at] !== 0; at += 1 + (octets[at] ?? 0))
      labels.push(octets.toString('latin1', at + 1, at + 1 + (octets[at] ?? 0)));
    const name = labels.map((text) => `${text}.`).join('') as DomainName;
    const other = read({ ...one, octets, name });
    expect(other).toEqual({ ...reading, rrset: { ...reading.rrset, owner: name } });
  });

  it('says the same to another question of that length which shares what pointers lead to', () => {
    fc.assert(saysTheSame, { numRuns });
  });

  it('says the same where a name leads out of the question and back further', () => {
    // Found among 100,000: a pointer into a label, whose letters are lengths then.
    fc.assert(saysTheSame, { seed: -2041451257, path: '1935', numRuns: 1, endOnFailure: true });
  });

  it('that was damaged is taken for plain only where it says the same', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(plain, damage, fc.nat({ max: 3 }), (one, edits, cut) => {
        const octets = Buffer.from(one.octets.subarray(0, one.octets.length - cut));
        for (const [at, octet] of edits) octets[at % octets.length] = octet;
        const end = endOfPlainAnswers(octets, one.query, one.questionEnd);
        expect(end).toBeLessThanOrEqual(octets.length);
        const reading = end === 0 ? null : read({ ...one, octets });
        // Not an error, not truncated, no other name or type: whatever its exchanges are.
        if (reading !== null) expect(reading.kind).toBe('found');
      }),
      { numRuns },
    );
  });
});
