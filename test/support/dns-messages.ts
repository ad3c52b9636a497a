// Arbitrary DNS messages for property tests, in the canonical form that decodeMessage gives back.

import fc from 'fast-check';

import { formatIpv6 } from '../../src/dns/addresses.ts';
import { makeMessage } from '../../src/dns/encode.ts';
import { classes, type Message, type ResourceRecord } from '../../src/dns/message.ts';
import { type DomainName, formatLabel, root } from '../../src/model/domain-name.ts';

const u8 = fc.nat({ max: 0xff });
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffffffff });
const bit = fc.boolean();
const octetsUpTo = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });

const nameOf = (labels: string[]) => (labels.length === 0 ? root : (`${labels.join('.')}.` as DomainName));

/** Any octets in any label. Three labels of 63 and the root are 193 octets: always a legal name. */
export const anyName: fc.Arbitrary<DomainName> = fc
  .array(octetsUpTo(63, 1), { maxLength: 3 })
  .map((labels) => nameOf(labels.map(formatLabel)));

const hostLabel = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);

/** Letters, digits and hyphens: what other libraries agree with us about. A few suffixes recur, to be compressed. */
export const hostName: fc.Arbitrary<DomainName> = fc
  .tuple(fc.array(hostLabel, { maxLength: 3 }), fc.constantFrom('example.com.', 'example.net.', 'test.'))
  .map(([labels, suffix]) => [...labels, suffix].join('.') as DomainName);

function quote(octets: Uint8Array): string {
  const chars = [...octets].map((octet) => {
    if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
    const isPlain = octet >= 0x20 && octet < 0x7f;
    return isPlain ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`;
  });
  return `"${chars.join('')}"`;
}

const hexOf = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

const rdataWith = (name: fc.Arbitrary<DomainName>) => ({
  A: fc.tuple(u8, u8, u8, u8).map((octets) => octets.join('.')),
  AAAA: octetsUpTo(16, 16).map(formatIpv6),
  NS: name,
  CNAME: name,
  MX: fc.tuple(u16, name).map((fields) => fields.join(' ')),
  SOA: fc.tuple(name, name, u32, u32, u32, u32, u32).map((fields) => fields.join(' ')),
  TXT: fc.array(octetsUpTo(255), { minLength: 1, maxLength: 3 }).map((texts) => texts.map(quote).join(' ')),
  TLSA: fc.tuple(u8, u8, u8, octetsUpTo(64, 1)).map(([a, b, c, data]) => `${a} ${b} ${c} ${hexOf(data)}`),
  TYPE65280: octetsUpTo(40).map((octets) =>
    octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${hexOf(octets)}`,
  ),
});

export function recordWith(
  name: fc.Arbitrary<DomainName>,
  types = Object.keys(rdataWith(name)),
): fc.Arbitrary<ResourceRecord> {
  const rdata = rdataWith(name);
  const ttl = fc.nat({ max: 2 ** 31 - 1 });
  return fc.constantFrom(...(types as (keyof typeof rdata)[])).chain((type) =>
    fc.record({
      owner: name,
      type: fc.constant(type),
      class: fc.constant(classes.in),
      ttl,
      rdata: rdata[type],
    }),
  );
}

/** What only an UPDATE has: class ANY or NONE without RDATA. */
const emptyRecord: fc.Arbitrary<ResourceRecord> = fc.record({
  owner: anyName,
  type: fc.constantFrom('MX', 'A', 'ANY', 'TYPE65280' as const),
  class: fc.constantFrom(classes.any, classes.none),
  ttl: fc.constant(0),
  rdata: fc.constant(null),
});

const section = fc.array(fc.oneof({ weight: 4, arbitrary: recordWith(anyName) }, emptyRecord), {
  maxLength: 6,
});

export const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    id: u16,
    isResponse: bit,
    opcode: fc.nat({ max: 15 }),
    isAuthoritative: bit,
    isTruncated: bit,
    recursionDesired: bit,
    recursionAvailable: bit,
    authenticData: bit,
    checkingDisabled: bit,
    rcode: fc.nat({ max: 15 }),
    questions: fc.array(
      fc.record({
        name: anyName,
        type: fc.constantFrom('MX', 'ANY', 'AXFR', 'SOA', 'TYPE999' as const),
        class: u16,
      }),
      { maxLength: 2 },
    ),
    answers: section,
    authorities: section,
    additionals: section,
    edns: fc.option(
      fc.record({
        udpSize: u16,
        dnssecOk: bit,
        extendedErrors: fc.array(fc.record({ code: u16, text: fc.stringMatching(/^[ -~]{0,80}$/) }), {
          maxLength: 2,
        }),
      }),
    ),
    tsig: fc.option(
      fc.record({
        keyName: anyName,
        algorithm: anyName,
        timeSigned: fc.nat({ max: 2 ** 48 - 1 }),
        fudge: u16,
        mac: octetsUpTo(64),
        originalId: u16,
        error: u16,
        otherData: octetsUpTo(6),
      }),
    ),
  })
  .map(makeMessage);
