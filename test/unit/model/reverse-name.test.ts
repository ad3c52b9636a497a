import { describe, expect, it } from 'vitest';
import { reverseNameOf } from '../../../src/model/reverse-name.ts';

describe('the name of an address the other way round', () => {
  it.each([
    ['192.0.2.10', '10.2.0.192.in-addr.arpa.'],
    // RFC 3596 §2.5 has this one.
    ['4321:0:1:2:3:4:567:89ab', 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.'],
    ['2001:db8::25', `5.2.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.ip6.arpa.`],
    ['::1', `1.${'0.'.repeat(31)}ip6.arpa.`],
    ['::', `${'0.'.repeat(32)}ip6.arpa.`],
  ])('of %s is %s', (address, name) => {
    expect(reverseNameOf(address)).toBe(name);
  });

  it.each([
    '',
    'mx.example.com',
    '1.2.3',
    '1::2::3',
    '1:2:3',
    '1:2:3:4:5:6:7:8::',
    'fe80::1%eth0',
    '::ffff:1.2.3.4',
  ])('is none for %j', (text) => {
    expect(reverseNameOf(text)).toBeNull();
  });
});
