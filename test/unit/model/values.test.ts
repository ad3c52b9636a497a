import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { isByPerson, isFlip, isUnsettled, personNamed, type Action } from '../../../src/model/change.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { isPoison } from '../../../src/model/fate.ts';
import { hopKey } from '../../../src/model/hop.ts';
import { byPreference, formatMx, isNullMx, nullMx, parseMx } from '../../../src/model/mx.ts';
import { ownersOf, pathOf } from '../../../src/model/route.ts';
import { formatRrset, hasSameRdata, isSameRrset, rrsetOf } from '../../../src/model/rrset.ts';
import { Secret } from '../../../src/model/secret.ts';
import { sanitise } from '../../../src/model/text.ts';
import { noon, supportRoute } from '../../support/worlds.ts';

describe('an MX value', () => {
  it.each([
    ['10 MX1.Example.COM', '10 mx1.example.com.'],
    ['010 mx1.example.com.', '10 mx1.example.com.'],
    ['65535 a.', '65535 a.'],
    ['0 .', '0 .'],
    ['10\tmx1', '10 mx1.'],
  ])('%j reads as %s', (text, canonical) => {
    const mx = parseMx(text);
    expect(mx === null ? null : formatMx(mx)).toBe(canonical);
  });

  it.each([
    '65536 a.',
    '-1 a.',
    '10',
    '10 ',
    'mx1.example.com.',
    '10 a. b.',
    '1e1 a.',
    '10 a..b',
    '',
    '999999 a.',
  ])('%j is none', (text) => {
    expect(parseMx(text)).toBeNull();
  });

  it('with the root as exchange is null MX at any preference (RFC 7505 §3; Postfix takes 10 . too)', () => {
    expect(isNullMx(nullMx)).toBe(true);
    expect(isNullMx(parseMx('10 .')!)).toBe(true);
    expect(isNullMx(parseMx('0 a.')!)).toBe(false);
  });

  it('sorts by preference and keeps the order of equals', () => {
    const values = ['20 a.', '10 z.', '10 b.'].map((one) => parseMx(one)!);
    expect(values.sort(byPreference).map(formatMx)).toEqual(['10 z.', '10 b.', '20 a.']);
  });
});

describe('an RRset', () => {
  const owner = domainNameOf('example.com');
  const one = rrsetOf(owner, 'MX', 60, ['20 b.', '10 a.', '20 b.']);

  it('is one value: sorted, without duplicates', () => {
    expect(one.rdata).toEqual(['10 a.', '20 b.']);
    expect(formatRrset(one)).toEqual(['example.com. 60 IN MX 10 a.', 'example.com. 60 IN MX 20 b.']);
  });

  it('has the same values whatever its TTL, and is the same only with its TTL', () => {
    const slower = { ...one, ttl: 3600 };
    expect(hasSameRdata(one, slower)).toBe(true);
    expect(isSameRrset(one, slower)).toBe(false);
    expect(isSameRrset(one, rrsetOf(owner, 'MX', 60, ['10 a.', '20 b.']))).toBe(true);
  });

  it.each([
    ['another owner', rrsetOf(domainNameOf('in.example.com'), 'MX', 60, one.rdata)],
    ['another type', rrsetOf(owner, 'TXT', 60, one.rdata)],
    ['a value less', rrsetOf(owner, 'MX', 60, ['10 a.'])],
    ['absence', null],
  ])('is not the same as %s', (_, other) => {
    expect(hasSameRdata(one, other)).toBe(false);
    expect(isSameRrset(other, one)).toBe(false);
  });

  it('absence equals absence', () => {
    expect(isSameRrset(null, null)).toBe(true);
  });
});

describe('text from strangers', () => {
  it.each([
    ['220 hello', '220 hello'],
    ['a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['\u001b[2J', '\\u001b[2J'],
    ['\u009b31m', '\\u009b31m'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['a\u2028b', 'a\\u2028b'],
    ['\ud800', '\\ud800'],
    ['\udc00x', '\\udc00x'],
    ['grüße 📬', 'grüße 📬'],
    ['', ''],
  ])('%j shows as %s', (text, shown) => {
    expect(sanitise(text)).toBe(shown);
  });

  it('is bounded, after escaping', () => {
    expect(sanitise('\n'.repeat(1000), 20)).toHaveLength(20);
    expect(sanitise('a'.repeat(20), 20)).toBe('a'.repeat(20));
    expect(sanitise('a'.repeat(21), 20)).toBe(`${'a'.repeat(17)}...`);
  });

  it('is never cut within a surrogate pair', () => {
    for (let length = 4; length < 30; length++) {
      const shown = sanitise('📬'.repeat(40), length);
      expect(shown).toSatisfy((text: string) => text.isWellFormed());
      expect(shown.length).toBeLessThanOrEqual(length);
    }
  });
});

it('a secret shows itself to reveal only', () => {
  const secret = new Secret('hunter2');
  expect(secret.reveal()).toBe('hunter2');
  expect(
    [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })].join(),
  ).not.toContain('hunter2');
});

it('fates that no hop behind can absorb are bounced and swallowed', () => {
  const fates = ['accepted', 'delayed', 'deferred', 'bounced', 'swallowed', 'unknown'] as const;
  expect(fates.filter(isPoison)).toEqual(['bounced', 'swallowed']);
});

it('hops differ by exchange, address and port', () => {
  const exchange = domainNameOf('mx1.example.com');
  expect(hopKey({ exchange, address: '2001:db8::1', port: 25 })).toBe('mx1.example.com.[2001:db8::1]:25');
  expect(hopKey({ exchange, address: null, port: 2525 })).toBe('mx1.example.com.[]:2525');
});

it('a route lists its owners in config order and finds its paths by name', () => {
  const route = supportRoute();
  expect(ownersOf(route)).toEqual(['example.com.', 'in.example.com.']);
  expect(pathOf(route, 'direct')?.name).toBe('direct');
  expect(pathOf(route, 'nowhere')).toBeUndefined();
});

describe('what the journal counts as a flip', () => {
  const action = (
    state: Action['state'],
    appliedAt: number | null,
    kind: Action['plan']['kind'] = 'failover',
  ) => ({ state, appliedAt, plan: { kind } }) as Action;

  it.each([
    ['intended', null, true],
    ['applied', noon, true],
    ['confirmed', noon, true],
    ['cleared', noon, true],
    ['partial', null, true],
    ['conflict', null, false],
    ['failed', null, false],
  ] as const)('%s: %#', (state, appliedAt, counts) => {
    expect(isFlip(action(state, appliedAt))).toBe(counts);
  });

  it('the end of a probation is none: no mail moved', () => {
    expect(isFlip(action('confirmed', noon, 'raise-ttl'))).toBe(false);
  });

  it('is unsettled until it is confirmed or given up', () => {
    const states = ['intended', 'applied', 'confirmed', 'cleared', 'conflict', 'failed', 'partial'] as const;
    expect(states.filter(isUnsettled)).toEqual(['intended', 'applied']);
  });

  it('a person is told from auto by name', () => {
    expect(isByPerson({ by: personNamed('ann@ops') } as Action)).toBe(true);
    expect(isByPerson({ by: 'auto@fra' } as Action)).toBe(false);
  });
});
