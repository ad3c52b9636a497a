import {
  decode as decodeByDnsPacket,
  encode as encodeByDnsPacket,
  type Packet as DnsPacket,
} from 'dns-packet';
import dns2 from 'dns2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/dns/decode.ts';
import { encodeMessage, makeMessage, makeQuery } from '../../../src/dns/encode.ts';
import type { Message, ResourceRecord } from '../../../src/dns/message.ts';
import { encodeQuery } from '../../../src/dns/question.ts';
import { parseDomainName } from '../../../src/model/domain-name.ts';
import type { RrType } from '../../../src/model/rrset.ts';
import { anyMessage, anyName, hostName, recordWith } from '../../support/dns-messages.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

function decoded(octets: Uint8Array): Message {
  const result = decodeMessage(octets);
  if (!result.ok) throw new Error(`${result.fault} at ${result.offset}`);
  return result.message;
}

describe('the wire codec', () => {
  it('reads back every message that it wrote', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decoded(encodeMessage(message))).toEqual(message);
      }),
      { numRuns },
    );
  });

  it('writes a query in one go as it would write it part by part', () => {
    const types = fc.constantFrom<RrType[]>('MX', 'A', 'AAAA', 'TXT', 'TLSA', 'TYPE65280');
    fc.assert(
      fc.property(anyName, types, fc.boolean(), fc.boolean(), fc.nat({ max: 65_535 }), (...given) => {
        const [name, type, recursionDesired, hasEdns, id] = given;
        const options = { recursionDesired, timeoutMs: 1, attempts: 1 };
        const edns = hasEdns ? {} : { edns: null };
        const byParts = {
          ...makeQuery({ id, name, type, recursionDesired, ...edns }),
          authenticData: recursionDesired,
        };
        const octets = encodeQuery({ question: { name, type }, options, hasEdns }, id);
        expect([...octets]).toEqual([...encodeMessage(byParts)]);
      }),
      { numRuns },
    );
  });

  it('writes names in the form that parseDomainName gives', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(parseDomainName(name)).toEqual({ ok: true, name });
      }),
      { numRuns },
    );
  });

  it('gives a value for any octets, and what it takes it can write and read again', () => {
    const survives = (octets: Uint8Array) => {
      const result = decodeMessage(octets);
      if (result.ok) expect(decoded(encodeMessage(result.message))).toEqual(result.message);
      else expect(result.offset).toBeLessThanOrEqual(octets.length);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), survives), { numRuns });
    // A header that promises little, so that chance gets as far as the records.
    const counts = fc.tuple(...Array.from({ length: 4 }, () => fc.nat({ max: 2 })));
    const plausible = fc
      .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), counts, fc.uint8Array({ maxLength: 300 }))
      .map(([flags, four, rest]) =>
        Uint8Array.from([...flags, ...four.flatMap((count) => [0, count]), ...rest]),
      );
    fc.assert(fc.property(plausible, survives), { numRuns });
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    const damaged = fc.tuple(anyMessage, edits, fc.nat()).map(([message, changes, cut]) => {
      const octets = encodeMessage(message);
      for (const [at, octet] of changes) octets[at % octets.length] = octet;
      return cut % 3 === 0 ? octets.subarray(0, cut % octets.length) : octets;
    });
    fc.assert(fc.property(damaged, survives), { numRuns });
  });
});

/** Types that both libraries know, in their words. */
const sharedTypes = ['A', 'AAAA', 'NS', 'CNAME', 'MX', 'SOA', 'TXT'];
const records = fc.array(recordWith(hostName, sharedTypes), { maxLength: 8 });
const bare = (name: string) => name.slice(0, -1);
const byteStrings = (rdata: string) =>
  [...rdata.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, body = '']) =>
    Buffer.from(
      [...body.matchAll(/\\(\d{3})|\\(.)|(.)/gs)].map(([, decimal, escaped, plain]) =>
        decimal === undefined ? (escaped ?? plain ?? '').charCodeAt(0) : Number(decimal),
      ),
    ),
  );
/** Enough for the oracles: eight zero-compressed groups as sixteen octets. */
const groupsOf = (address: string) => {
  const [head = '', tail] = address.split('::');
  const [before, after] = [head, tail ?? ''].map((half) => (half === '' ? [] : half.split(':'))) as [
    string[],
    string[],
  ];
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
};

/** Our record, field by field, as one text that both sides can be brought to. */
function ours(record: ResourceRecord): string {
  const rdata = record.rdata ?? '';
  const text =
    record.type === 'TXT'
      ? byteStrings(rdata)
          .map((one) => one.toString('hex'))
          .join(' ')
      : record.type === 'AAAA'
        ? groupsOf(rdata).join(' ')
        : rdata.replaceAll(/\.(?= |$)/g, '');
  return `${bare(record.owner)} ${record.ttl} ${record.type} ${record.type === 'A' ? rdata : text}`;
}

describe('dns-packet', () => {
  type Answer = NonNullable<DnsPacket['answers']>[number];

  const theirs = (answer: Answer): string => {
    const head = `${answer.name} ${'ttl' in answer ? answer.ttl : ''} ${answer.type} `;
    switch (answer.type) {
      case 'A':
      case 'NS':
      case 'CNAME':
        return head + answer.data;
      case 'AAAA':
        return head + groupsOf(answer.data).join(' ');
      case 'MX':
        return `${head}${answer.data.preference ?? 0} ${answer.data.exchange}`;
      case 'SOA': {
        const { mname, rname, serial, refresh, retry, expire, minimum } = answer.data;
        return head + [mname, rname, serial, refresh, retry, expire, minimum].join(' ');
      }
      case 'TXT':
        return head + (answer.data as Buffer[]).map((one) => one.toString('hex')).join(' ');
      default:
        throw new Error(answer.type);
    }
  };

  const toTheirs = (record: ResourceRecord): Answer => {
    const rdata = record.rdata ?? '';
    const fields = rdata.split(' ');
    const numbers = fields.map(Number);
    const data =
      record.type === 'MX'
        ? { preference: numbers[0], exchange: bare(fields[1] ?? '') }
        : record.type === 'SOA'
          ? {
              mname: bare(fields[0] ?? ''),
              rname: bare(fields[1] ?? ''),
              serial: numbers[2],
              refresh: numbers[3],
              retry: numbers[4],
              expire: numbers[5],
              minimum: numbers[6],
            }
          : record.type === 'TXT'
            ? byteStrings(rdata)
            : record.type === 'NS' || record.type === 'CNAME'
              ? bare(rdata)
              : rdata;
    return { type: record.type, name: bare(record.owner), class: 'IN', ttl: record.ttl, data } as Answer;
  };

  it('reads what we write', () => {
    fc.assert(
      fc.property(records, (answers) => {
        const packet = decodeByDnsPacket(
          Buffer.from(encodeMessage(makeMessage({ id: 7, isResponse: true, answers }))),
        );
        expect(packet.answers?.map(theirs)).toEqual(answers.map(ours));
      }),
      { numRuns },
    );
  });

  it('writes what we read', () => {
    fc.assert(
      fc.property(records, (answers) => {
        const octets = encodeByDnsPacket({ type: 'response', id: 7, answers: answers.map(toTheirs) });
        expect(decoded(octets).answers.map(ours)).toEqual(answers.map(ours));
      }),
      { numRuns },
    );
  });
});

describe('dns2', () => {
  const { Packet } = dns2;
  const names = new Map<number, string>(Object.entries(Packet.TYPE).map(([name, number]) => [number, name]));

  /** dns2 keeps the fields of each type under names of its own. */
  const theirs = (answer: InstanceType<typeof Packet>['answers'][number]): string => {
    const type = names.get(answer.type) ?? '';
    const head = `${answer.name} ${answer.ttl} ${type} `;
    const field = (name: string) => String((answer as unknown as Record<string, unknown>)[name]);
    const fields: Readonly<Record<string, readonly string[]>> = {
      A: ['address'],
      NS: ['ns'],
      CNAME: ['domain'],
      MX: ['priority', 'exchange'],
      SOA: ['primary', 'admin', 'serial', 'refresh', 'retry', 'expiration', 'minimum'],
    };
    if (type === 'AAAA') return head + groupsOf(field('address')).join(' ');
    return head + (fields[type] ?? []).map(field).join(' ');
  };

  // Its TXT is text, not octets: nothing to compare.
  const comparable = fc.array(
    recordWith(
      hostName,
      sharedTypes.filter((type) => type !== 'TXT'),
    ),
    { maxLength: 8 },
  );

  it('reads what we write', () => {
    fc.assert(
      fc.property(comparable, (answers) => {
        const packet = Packet.parse(
          Buffer.from(encodeMessage(makeMessage({ id: 7, isResponse: true, answers }))),
        );
        expect(packet.answers.map(theirs)).toEqual(answers.map(ours));
      }),
      { numRuns },
    );
  });

  // It caps an SOA's MINIMUM at 31 bits when it writes, as if it were a TTL.
  const writable = comparable.filter((all) =>
    all.every((one) => one.type !== 'SOA' || Number(one.rdata?.split(' ').at(-1)) < 2 ** 31),
  );

  it('writes what we read', () => {
    fc.assert(
      fc.property(writable, (answers) => {
        const parsed = Packet.parse(
          Buffer.from(encodeMessage(makeMessage({ id: 7, isResponse: true, answers }))),
        );
        expect(decoded(parsed.toBuffer()).answers.map(ours)).toEqual(answers.map(ours));
      }),
      { numRuns },
    );
  });
});
