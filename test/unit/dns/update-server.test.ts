import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/dns/decode.ts';
import { encodeMessage, makeMessage } from '../../../src/dns/encode.ts';
import { classes, opcodes, rcodes, type WireType } from '../../../src/dns/message.ts';
import { applyUpdate } from '../../../src/dns/update-server.ts';
import { makeUpdate } from '../../../src/dns/update.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import { formatZoneLines, updateLines, zoneLines } from '../../support/zone-lines.ts';

const zone = domainNameOf('example.com.');
const records = zoneLines(`
  example.com.       3600 SOA   ns1.example.com. admin.example.com. 7 3600 600 86400 300
  example.com.       3600 NS    ns1.example.com.
  example.com.       3600 MX    10 mx1.filter.example.net.
  example.com.       3600 MX    20 mx2.filter.example.net.
  mx.example.com.     300 A     192.0.2.10
  www.example.com.    300 CNAME example.com.
`);

/** The rcode's name, then what was taken away and what was added, serial apart. */
function outcome(lines: string, section: { type?: WireType; name?: string } = {}): string[] {
  const parts = updateLines(lines);
  const update = makeMessage({
    opcode: opcodes.update,
    questions: [{ name: domainNameOf(section.name ?? zone), type: section.type ?? 'SOA', class: classes.in }],
    ...parts,
  });
  const decoded = decodeMessage(encodeMessage(update));
  if (!decoded.ok) throw new Error(decoded.fault);
  const applied = applyUpdate(zone, records, decoded.message);
  const before = formatZoneLines(records);
  const after = formatZoneLines(applied.records);
  const rcode = Object.entries(rcodes).find(([, number]) => number === applied.rcode)?.[0] ?? '?';
  const isBumped = after.some((line) => line.includes('SOA') && line.includes(' 8 3600 '));
  return [
    isBumped ? `${rcode} bumped` : rcode,
    ...before.filter((line) => !after.includes(line) && !line.includes('SOA')).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line) && !line.includes('SOA')).map((line) => `+ ${line}`),
  ];
}

describe('prerequisites', () => {
  const add = 'add new.example.com. 60 A 192.0.2.99';
  const added = '+ new.example.com. 60 A 192.0.2.99';
  it.each([
    ['prereq yxrrset example.com. MX', ['NOERROR bumped', added]],
    ['prereq yxrrset example.com. AAAA', ['NXRRSET']],
    ['prereq nxrrset example.com. AAAA', ['NOERROR bumped', added]],
    ['prereq nxrrset example.com. MX', ['YXRRSET']],
    ['prereq yxdomain mx.example.com.', ['NOERROR bumped', added]],
    ['prereq yxdomain nope.example.com.', ['NXDOMAIN']],
    ['prereq nxdomain nope.example.com.', ['NOERROR bumped', added]],
    ['prereq nxdomain mx.example.com.', ['YXDOMAIN']],
    ['prereq yxrrset example.org. MX', ['NOTZONE']],
    ['prereq yxrrset mx.example.com. A 192.0.2.10', ['NOERROR bumped', added]],
    ['prereq yxrrset MX.EXAMPLE.com. A 192.0.2.10', ['NOERROR bumped', added]],
    ['prereq yxrrset mx.example.com. A 192.0.2.11', ['NXRRSET']],
    ['prereq yxrrset example.com. MX 10 mx1.filter.example.net.', ['NXRRSET']],
    [
      'prereq yxrrset example.com. MX 20 MX2.filter.example.net.\nprereq yxrrset example.com. MX 10 mx1.filter.example.net.',
      ['NOERROR bumped', added],
    ],
    [
      'prereq yxrrset example.com. MX 10 mx1.filter.example.net.\nprereq yxrrset example.com. MX 20 mx2.filter.example.net.\nprereq yxrrset example.com. MX 30 mx3.filter.example.net.',
      ['NXRRSET'],
    ],
    ['prereq yxrrset example.com. MX\nprereq yxrrset example.com. AAAA', ['NXRRSET']],
  ])('%s', (lines, expected) => {
    expect(outcome(`${lines}\n${add}`)).toEqual(expected);
  });

  it('with a TTL are a format error', () => {
    const { answers, authorities } = updateLines(
      'prereq yxrrset example.com. MX\nadd a.example.com. 1 A 192.0.2.1',
    );
    const update = makeMessage({
      opcode: opcodes.update,
      questions: [{ name: zone, type: 'SOA', class: classes.in }],
      answers: answers.map((one) => ({ ...one, ttl: 1 })),
      authorities,
    });
    expect(applyUpdate(zone, records, update)).toEqual({ rcode: rcodes.FORMERR, records });
  });
});

describe('updates', () => {
  it.each([
    [
      'a new value takes the whole set to its TTL',
      'add mx.example.com. 60 A 192.0.2.11',
      [
        'NOERROR bumped',
        '- mx.example.com. 300 A 192.0.2.10',
        '+ mx.example.com. 60 A 192.0.2.10',
        '+ mx.example.com. 60 A 192.0.2.11',
      ],
    ],
    [
      'the same value with another TTL changes the TTL',
      'add mx.example.com. 60 A 192.0.2.10',
      ['NOERROR bumped', '- mx.example.com. 300 A 192.0.2.10', '+ mx.example.com. 60 A 192.0.2.10'],
    ],
    [
      'deleting a set and putting it back changes nothing',
      'delete mx.example.com. A\nadd mx.example.com. 300 A 192.0.2.10',
      ['NOERROR'],
    ],
    [
      'one value is deleted',
      'delete example.com. MX 20 mx2.filter.example.net.',
      ['NOERROR bumped', '- example.com. 3600 MX 20 mx2.filter.example.net.'],
    ],
    [
      'a value that is not there is no error',
      'delete example.com. MX 30 mx2.filter.example.net.',
      ['NOERROR'],
    ],
    ['a name is deleted', 'delete mx.example.com.', ['NOERROR bumped', '- mx.example.com. 300 A 192.0.2.10']],
    [
      'the apex keeps SOA and NS',
      'delete example.com.',
      [
        'NOERROR bumped',
        '- example.com. 3600 MX 10 mx1.filter.example.net.',
        '- example.com. 3600 MX 20 mx2.filter.example.net.',
      ],
    ],
    ['the apex keeps its NS set', 'delete example.com. NS', ['NOERROR']],
    ['the apex keeps its last NS', 'delete example.com. NS ns1.example.com.', ['NOERROR']],
    ['a CNAME never joins other data', 'add mx.example.com. 60 CNAME a.example.', ['NOERROR']],
    ['nothing joins a CNAME', 'add www.example.com. 60 A 192.0.2.1', ['NOERROR']],
    [
      'a CNAME replaces a CNAME',
      'add www.example.com. 60 CNAME b.example.',
      [
        'NOERROR bumped',
        '- www.example.com. 300 CNAME example.com.',
        '+ www.example.com. 60 CNAME b.example.',
      ],
    ],
    [
      'an older SOA is ignored',
      'add example.com. 3600 SOA ns1.example.com. admin.example.com. 6 1 1 1 1',
      ['NOERROR'],
    ],
    [
      'a name outside the zone spoils the whole message',
      'delete mx.example.com. A\nadd mx.example.org. 60 A 192.0.2.1',
      ['NOTZONE'],
    ],
    [
      'a query type spoils the whole message',
      'delete mx.example.com. A\nadd mx.example.com. 60 ANY \\# 0',
      ['FORMERR'],
    ],
  ])('%s', (_, lines, expected) => {
    expect(outcome(lines)).toEqual(expected);
  });

  it('of a zone that is not this one is NOTAUTH, and without SOA in the zone section FORMERR', () => {
    expect(outcome('delete mx.example.com. A', { name: 'example.org' })).toEqual(['NOTAUTH']);
    expect(outcome('delete mx.example.com. A', { type: 'MX' })).toEqual(['FORMERR']);
  });

  it('take the serial round its end past zero', () => {
    const late = records.map((one) => ({ ...one, rdata: one.rdata?.replace(' 7 ', ' 4294967295 ') ?? null }));
    const update = makeUpdate({
      id: 1,
      zone,
      changes: [{ owner: zone, type: 'TXT', expected: null, desired: rrsetOf(zone, 'TXT', 60, ['"x"']) }],
    });
    expect(applyUpdate(zone, late, update).records[0]?.rdata).toContain(' 1 3600 ');
  });
});

describe('makeUpdate', () => {
  const live = rrsetOf(zone, 'MX', 3600, ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.']);
  const direct = rrsetOf(zone, 'MX', 60, ['10 mx.example.com.']);

  it('requires every expected value with TTL 0, deletes the set and adds the desired one whole', () => {
    const soa = rrsetOf(zone, 'SOA', 3600, ['ns1.example.com. admin.example.com. 7 3600 600 86400 300']);
    const change = { owner: zone, type: 'MX', expected: live, desired: direct } as const;
    const update = makeUpdate({ id: 5, zone, changes: [change], also: [soa] });
    expect(update.answers.map((one) => `${one.class} ${one.ttl} ${one.type} ${one.rdata}`)).toEqual([
      '1 0 SOA ns1.example.com. admin.example.com. 7 3600 600 86400 300',
      '1 0 MX 10 mx1.filter.example.net.',
      '1 0 MX 20 mx2.filter.example.net.',
    ]);
    expect(update.authorities.map((one) => `${one.class} ${one.ttl} ${one.type} ${one.rdata}`)).toEqual([
      '255 0 MX null',
      '1 60 MX 10 mx.example.com.',
    ]);
    const applied = applyUpdate(zone, records, update);
    expect(formatZoneLines(applied.records.filter((one) => one.type === 'MX'))).toEqual([
      'example.com. 60 MX 10 mx.example.com.',
    ]);
    expect(applyUpdate(zone, applied.records, update).rcode).toBe(rcodes.NXRRSET);
  });

  it('requires absence, and removes without adding', () => {
    const create = makeUpdate({
      id: 5,
      zone,
      changes: [{ owner: zone, type: 'MX', expected: null, desired: direct }],
    });
    expect(applyUpdate(zone, records, create).rcode).toBe(rcodes.YXRRSET);
    const drop = makeUpdate({
      id: 5,
      zone,
      changes: [{ owner: zone, type: 'MX', expected: live, desired: null }],
    });
    expect(applyUpdate(zone, records, drop).records.some((one) => one.type === 'MX')).toBe(false);
  });
});
