import { describe, expect, it } from 'vitest';
import { canonicalRdata } from '../../../src/dns/canonical.ts';
import type { RrType } from '../../../src/model/rrset.ts';

describe('canonicalRdata', () => {
  it.each<[RrType, string, string | null]>([
    ['MX', '10 MX1.Filter.Example.NET.', '10 mx1.filter.example.net.'],
    ['MX', '010  mx.example.', '10 mx.example.'],
    ['MX', '10 mx.example', '10 mx.example.'],
    ['MX', '70000 mx.example.', null],
    ['MX', 'mx.example.', null],
    ['A', '192.0.2.1', '192.0.2.1'],
    ['A', '192.0.2.256', null],
    ['AAAA', '2001:DB8:0:0::1', '2001:db8::1'],
    ['TXT', 'v=spf1', '"v=spf1"'],
    ['TXT', '"a" "b"', '"a" "b"'],
    ['TYPE65280', '\\# 2 ABCD', '\\# 2 abcd'],
  ])('%s %s is %s', (type, text, canonical) => {
    expect(canonicalRdata(type, text)).toBe(canonical);
  });
});
