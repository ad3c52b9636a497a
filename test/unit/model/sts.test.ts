// Which hosts an MTA-STS policy lists.

import { describe, expect, it } from 'vitest';

import { matchesStsPattern, unlistedBy } from '../../../src/model/sts.ts';

describe('a pattern (RFC 8461 §4.1)', () => {
  it.each([
    ['mx.example.com.', 'mx.example.com', true],
    ['mx.example.com.', 'MX.Example.COM.', true],
    ['mx.example.com.', '*.example.com', true],
    ['example.com.', '*.example.com', false],
    ['a.mx.example.com.', '*.example.com', false],
    ['mxexample.com.', '*.example.com', false],
    ['mx.example.com.', '*.com', false],
    ['mx.example.com.', '', false],
    ['mx.example.com.', '*', false],
  ])('%s matches %s: %s', (host, pattern, isMatch) => {
    expect(matchesStsPattern(host, pattern)).toBe(isMatch);
  });
});

it('the hosts that no pattern lists are told in their order', () => {
  const policy = { patterns: ['mx.example.com', '*.filter.example.net'] };
  const hosts = [
    'spool.example.org.',
    'mx.example.com.',
    'mx1.filter.example.net.',
    'a.b.filter.example.net.',
  ];
  expect(unlistedBy(policy, hosts)).toEqual(['spool.example.org.', 'a.b.filter.example.net.']);
});
