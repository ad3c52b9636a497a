// TLSA records against what a server presented (RFC 7672 §3.1).

import { expect, it } from 'vitest';

import { fitsTlsa, type ChainLink, type TlsaRecord } from '../../../src/model/dane.ts';
import { day, noon } from '../../support/worlds.ts';

const digests = (of: string) => ({ sha256: `${of}256`, sha512: `${of}512` });
const link = (of: string, over: Partial<ChainLink> = {}): ChainLink => ({
  cert: digests(`${of} cert `),
  spki: digests(`${of} key `),
  startsAt: noon - day,
  expiresAt: noon + day,
  ...over,
});
const record = (usage: TlsaRecord['usage'], selector: TlsaRecord['selector'], digest: string) => ({
  usage,
  selector,
  hash: 'sha256' as const,
  digest,
});

const whole = [link('leaf'), link('issuer'), link('root')];
const expired = { expiresAt: noon - 1 };

it.each([
  ['3 1 1 of the leaf', record('dane-ee', 'spki', 'leaf key 256'), whole, true, true],
  ['3 0 1 of the leaf', record('dane-ee', 'cert', 'leaf cert 256'), whole, true, true],
  ['3 1 1 of another key', record('dane-ee', 'spki', 'other key 256'), whole, true, false],
  [
    '3 1 1 that holds the digest of the certificate',
    record('dane-ee', 'spki', 'leaf cert 256'),
    whole,
    true,
    false,
  ],
  ['3 1 1 of the issuer', record('dane-ee', 'spki', 'issuer key 256'), whole, true, false],
  ['3 1 1 though the name is wrong', record('dane-ee', 'spki', 'leaf key 256'), whole, false, true],
  [
    '3 1 1 though it has expired',
    record('dane-ee', 'spki', 'leaf key 256'),
    [link('leaf', expired)],
    false,
    true,
  ],
  ['2 1 1 of the issuer', record('dane-ta', 'spki', 'issuer key 256'), whole, true, true],
  ['2 0 1 of the root that was sent', record('dane-ta', 'cert', 'root cert 256'), whole, true, true],
  [
    '2 0 1 of a root that was not sent',
    record('dane-ta', 'cert', 'root cert 256'),
    whole.slice(0, 2),
    true,
    false,
  ],
  ['2 1 1 of the leaf', record('dane-ta', 'spki', 'leaf key 256'), whole, true, false],
  [
    '2 1 1 of an issuer whose key the leaf has too',
    record('dane-ta', 'spki', 'shared key 256'),
    [link('shared'), link('shared')],
    true,
    true,
  ],
  ['2 1 1, wrong name', record('dane-ta', 'spki', 'issuer key 256'), whole, false, false],
  [
    '2 1 1, expired leaf',
    record('dane-ta', 'spki', 'issuer key 256'),
    [link('leaf', expired), link('issuer')],
    true,
    false,
  ],
  [
    '2 1 1, leaf of tomorrow',
    record('dane-ta', 'spki', 'issuer key 256'),
    [link('leaf', { startsAt: noon + 1 }), link('issuer')],
    true,
    false,
  ],
  [
    '2 1 1, expired issuer',
    record('dane-ta', 'spki', 'issuer key 256'),
    [link('leaf'), link('issuer', expired)],
    true,
    false,
  ],
  [
    '2 1 1, dates unreadable',
    record('dane-ta', 'spki', 'issuer key 256'),
    [link('leaf', { expiresAt: null }), link('issuer')],
    true,
    false,
  ],
  [
    '2 1 1, expired above the anchor',
    record('dane-ta', 'spki', 'issuer key 256'),
    [link('leaf'), link('issuer'), link('root', expired)],
    true,
    true,
  ],
  ['no record', null, whole, true, false],
])('%s', (_, one, links, isNamed, fits) => {
  expect(fitsTlsa(one === null ? [] : [one], { isNamed, links }, noon)).toBe(fits);
});

it('one fitting record of several is enough: that is how keys are rolled over', () => {
  const records = ['next', 'leaf', 'previous'].map((of) => record('dane-ee', 'spki', `${of} key 256`));
  expect(fitsTlsa(records, { isNamed: true, links: whole }, noon)).toBe(true);
});

it('compares with the hash the record was made with', () => {
  const sha512: TlsaRecord = { usage: 'dane-ee', selector: 'spki', hash: 'sha512', digest: 'leaf key 512' };
  expect(fitsTlsa([sha512], { isNamed: true, links: whole }, noon)).toBe(true);
  expect(fitsTlsa([{ ...sha512, hash: 'sha256' }], { isNamed: true, links: whole }, noon)).toBe(false);
});
