// Findings in the MX records themselves, told as zone lines.

import { describe, expect, it } from 'vitest';

import { findingLines } from '../../support/audit-facts.ts';

/** Two exchanges apart from each other, so that nothing else is found. */
const two = `
  example.com. 3600 IN MX 10 mx1.example.net.
  example.com. 3600 IN MX 20 mx2.example.net.`;

describe('what was declared', () => {
  it.each([
    ['exact mx1.example.net mx2.example.net', []],
    [
      'exact mx2.example.net mx1.example.net',
      ['warn preference-order: mx1.example.net (10) is tried before mx2.example.net (20)'],
    ],
    [
      'exact mx1.example.net',
      ['error foreign-exchange mx2.example.net: mx2.example.net is not declared and takes mail beside ours'],
    ],
    [
      'exact mx2.example.net',
      ['error foreign-exchange mx1.example.net: mx1.example.net is not declared and takes mail before ours'],
    ],
    [
      'exact mx9.example.net',
      ['error expectation: publishes 10 mx1.example.net, 20 mx2.example.net, not mx9.example.net'],
    ],
    ['contains mx1.example.net', []],
    ['contains mx2.example.net', []],
    [
      'contains mx1.example.net mx9.example.net',
      ['error expectation: publishes 10 mx1.example.net, 20 mx2.example.net, not mx9.example.net'],
    ],
    ['any mx1.example.net mx2.example.net mx9.example.net', []],
    ['any mx2.example.net mx1.example.net', []],
    [
      'any mx1.example.net',
      ['warn foreign-exchange mx2.example.net: mx2.example.net is not declared and takes mail beside ours'],
    ],
    [
      'any mx8.example.net mx9.example.net',
      [
        'error expectation: publishes 10 mx1.example.net, 20 mx2.example.net, none of mx8.example.net, mx9.example.net',
      ],
    ],
    ['exact', []],
  ])('expect %s: %j', (expected, findings) => {
    expect(findingLines(`; expect ${expected}${two}`)).toEqual(findings);
  });

  it('nothing declared, one of ours: the other is foreign', () => {
    expect(findingLines(`; ours mx1.example.net${two}`)).toEqual([
      'warn foreign-exchange mx2.example.net: mx2.example.net is not declared and takes mail beside ours',
    ]);
    expect(findingLines(`; ours mx1.example.net mx2.example.net${two}`)).toEqual([]);
    expect(findingLines(`; ours mx9.example.net${two}`)).toEqual([]);
  });

  it('level exchanges are in any order', () => {
    expect(
      findingLines(`
        ; expect exact mx2.example.net mx1.example.net
        example.com. 3600 IN MX 10 mx1.example.net.
        example.com. 3600 IN MX 10 mx2.example.net.`),
    ).toEqual([]);
  });
});

describe('backups', () => {
  const declared = '; ours mx1.example.net mx2.example.net spool.example.org\n; backup spool.example.org';

  it.each([
    [
      'none published',
      two,
      ['warn missing-backup: publishes no backup, though spool.example.org is declared as one'],
    ],
    ['published last', `${two}\nexample.com. 3600 IN MX 90 spool.example.org.`, []],
    [
      'published first',
      `${two}\nexample.com. 3600 IN MX 5 spool.example.org.`,
      [
        'warn preference-order spool.example.org: the backup spool.example.org is tried before mx1.example.net',
      ],
    ],
    [
      'level with the first',
      `${two}\nexample.com. 3600 IN MX 10 spool.example.org.`,
      [
        'warn preference-order spool.example.org: the backup spool.example.org is tried level with mx1.example.net',
      ],
    ],
    [
      'somewhere else altogether',
      'example.com. 3600 IN MX 10 a.example.\nexample.com. 3600 IN MX 20 b.example.',
      [],
    ],
  ])('%s', (_, zone, findings) => {
    expect(findingLines(`${declared}\n${zone}`)).toEqual(findings);
  });

  it.each([
    ['192.0.2.1', 1],
    ['192.0.2.1 2001:db8::1', 1],
    ['192.0.2.1 198.51.100.1', 0],
    ['2001:db8::1 2001:db8:1::1', 0],
  ])('one exchange at %s: %i note', (addresses, count) => {
    const records = addresses
      .split(' ')
      .map((one) => `mx1.example.net. 300 IN ${one.includes(':') ? 'AAAA' : 'A'} ${one}`);
    const zone = ['example.com. 3600 IN MX 10 mx1.example.net.', ...records].join('\n');
    const lines = findingLines(zone);
    expect(lines.filter((one) => one.startsWith('note missing-backup'))).toHaveLength(count);
    expect(findingLines(`; expect exact mx1.example.net\n${zone}`)).toEqual([]);
  });
});

describe('null MX (RFC 7505 §3)', () => {
  it.each([
    ['0 .', '', ['note null-mx: takes no mail: senders return it at once']],
    ['0 .', 'exact mx1.example.net', ['error null-mx: takes no mail: senders return it at once']],
    ['0 .', 'exact .', []],
    [
      '10 .',
      'exact .',
      ['warn null-mx: a null MX of preference 10: some senders look for a host without a name'],
    ],
    ['10 .', '', ['error null-mx: a null MX of preference 10: some senders look for a host without a name']],
  ])('%s, expect %s: %j', (mx, expected, findings) => {
    const directive = expected === '' ? '' : `; expect ${expected}\n`;
    expect(findingLines(`${directive}example.com. 3600 IN MX ${mx}`)).toEqual(findings);
  });

  it('beside others', () => {
    expect(findingLines(`example.com. 3600 IN MX 0 .${two}`)).toEqual([
      'error null-mx-mixed: a null MX beside 2 more: some senders return all mail',
    ]);
    expect(findingLines('example.com. 3600 IN MX 0 .\nexample.com. 3600 IN MX 10 .')).toEqual([
      'error null-mx-mixed: a null MX beside 1 more: some senders return all mail',
    ]);
  });
});

describe('no MX (RFC 5321 §5.1)', () => {
  it.each([
    [
      'example.com. 300 IN A 192.0.2.80',
      '',
      'warn no-mx: publishes no MX: mail goes to the domain itself at 192.0.2.80',
    ],
    ['', '', 'warn no-mx: publishes no MX: and no address, so mail to it is returned'],
    [
      '',
      '; expect exact mx1.example.net',
      'error no-mx: publishes no MX: and no address, so mail to it is returned',
    ],
    [
      '; nxdomain example.com',
      '',
      'error nxdomain: example.com does not exist: mail to it is returned at once',
    ],
  ])('%s %s: %s', (zone, expected, finding) => {
    expect(findingLines(`${zone}\n${expected}`)).toEqual([finding]);
  });
});

describe('records that are none', () => {
  it.each(['10', 'mx1.example.net.', '99999 mx1.example.net.', '10 mx1..example.net.'])('MX %s', (rdata) => {
    expect(findingLines(`${two}\nexample.com. 3600 IN MX ${rdata}`)).toEqual([
      `error malformed-mx ${rdata}: MX ${rdata} cannot be read`,
    ]);
  });

  it('the same exchange twice', () => {
    expect(findingLines(`${two}\nexample.com. 3600 IN MX 30 mx1.example.net.`)).toEqual([
      'warn duplicate-exchange mx1.example.net: mx1.example.net is named more than once, again at preference 30',
    ]);
  });
});

describe('TTL', () => {
  it.each([
    ['; max-ttl 3599', 'warn ttl-too-long: MX may be cached for 3600 s, the recovery budget allows 3599 s'],
    ['; max-ttl 3600', null],
    [
      '; max-ttl 3600\n; server ns1.example.net [192.0.2.53] answers 7200 10 mx1.example.net., 20 mx2.example.net.',
      'warn ttl-too-long: MX may be cached for 7200 s, the recovery budget allows 3600 s',
    ],
  ])('%s', (directives, finding) => {
    expect(findingLines(`${directives}${two}`)).toEqual(finding === null ? [] : [finding]);
  });

  it('of the addresses that a failover moves', () => {
    expect(findingLines(`; max-address-ttl 60\nmx1.example.net. 60 IN A 192.0.2.1\n${two}`)).toEqual([
      'warn ttl-too-long mx2.example.net: addresses of mx2.example.net may be cached for 300 s, the recovery budget allows 60 s',
    ]);
  });
});
