// Which TLSA records a sender would use (RFC 6698 §2.1, §4.1; RFC 7671 §9; RFC 7672 §3.1).

import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { usableTlsa } from '../../../src/probes/dane/tlsa.ts';

const sha256 = 'ab'.repeat(32);
const sha512 = 'cd'.repeat(64);

/** As a sender would say it. */
const used = (...rdata: string[]) =>
  usableTlsa(rdata).map((one) => `${one.usage} ${one.selector} ${one.hash} ${one.digest.slice(0, 4)}`);

it.each([
  [`3 1 1 ${sha256}`, 'dane-ee spki sha256 abab'],
  [`3 1 1 ${sha256.toUpperCase()}`, 'dane-ee spki sha256 abab'],
  [`3 0 1 ${sha256}`, 'dane-ee cert sha256 abab'],
  [`2 0 1 ${sha256}`, 'dane-ta cert sha256 abab'],
  [`2 1 2 ${sha512}`, 'dane-ta spki sha512 cdcd'],
])('%s', (text, expected) => {
  expect(used(text)).toEqual([expected]);
});

it.each([
  ['PKIX-TA', `0 0 1 ${sha256}`],
  ['PKIX-EE', `1 1 1 ${sha256}`],
  ['private usage', `255 1 1 ${sha256}`],
  ['unknown selector', `3 2 1 ${sha256}`],
  ['unknown matching type', `3 1 3 ${sha256}`],
  ['a digest cut short', `3 1 1 ${sha256.slice(2)}`],
  ['a digest too long', `3 1 1 ${sha256}00`],
  ['SHA-512 called SHA-256', `3 1 1 ${sha512}`],
  ['SHA-256 called SHA-512', `3 1 2 ${sha256}`],
  ['half an octet', `3 1 1 ${sha256}0`],
  ['no digest', '3 1 1 '],
  ['no numbers', sha256],
  ['something behind it', `3 1 1 ${sha256} 00`],
  ['generic text (RFC 3597)', `\\# 35 030101${sha256}`],
  ['a whole certificate that is none', '3 0 0 3000'],
  ['a whole key that is none', '3 1 0 3000'],
  ['a prefix', `-3 1 1 ${sha256}`],
  ['nothing', ''],
])('%s is unusable', (_, text) => {
  expect(used(text)).toEqual([]);
  // One bad record does not spoil a good one.
  expect(used(text, `3 1 1 ${sha256}`)).toEqual(['dane-ee spki sha256 abab']);
});

describe('of several digests only the strongest is believed', () => {
  it('for one usage and selector', () => {
    expect(used(`3 1 1 ${sha256}`, `3 1 2 ${sha512}`)).toEqual(['dane-ee spki sha512 cdcd']);
  });

  it('but not across usages or selectors', () => {
    expect(used(`3 1 1 ${sha256}`, `3 0 2 ${sha512}`, `2 1 2 ${sha512}`)).toHaveLength(3);
  });

  it('nor over a whole key, which is no digest', () => {
    const key = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    const digest = createHash('sha256').update(key).digest('hex');
    const whole = { usage: 'dane-ee', selector: 'spki', hash: 'sha256', digest };
    expect(usableTlsa([`3 1 0 ${key.toString('hex')}`, `3 1 2 ${sha512}`])).toContainEqual(whole);
  });

  it('and never over an unusable one', () => {
    expect(used(`3 1 1 ${sha256}`, `3 1 2 ${sha256}`)).toEqual(['dane-ee spki sha256 abab']);
  });
});
