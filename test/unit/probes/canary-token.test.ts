import { createHmac } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { ConfigError } from '../../../src/errors.ts';
import { Secret } from '../../../src/model/secret.ts';
import { createTokenMint, findTokens } from '../../../src/probes/canary/token.ts';

const key = 'correct horse battery staple';
const id = '01KM3Z6Q8V5T7WXYZ0123456AB';
const mint = createTokenMint(new Secret(key));
const token = mint.tokenOf(id);
const [, idPart = '', macPart = ''] = token.split('-');

test('is the id and 128 bits of the HMAC over it, in lower-case base32', () => {
  expect(token).toMatch(/^mxc-[0-9a-z]{26}-[a-z2-7]{26}$/);
  expect(idPart.toUpperCase()).toBe(id);
  const bits = Array.from(macPart, (one) =>
    'abcdefghijklmnopqrstuvwxyz234567'.indexOf(one).toString(2).padStart(5, '0'),
  );
  const octets = bits
    .join('')
    .slice(0, 128)
    .match(/.{8}/g)!
    .map((one) => parseInt(one, 2));
  const expected = createHmac('sha256', key).update(id).digest().subarray(0, 16);
  expect(Buffer.from(octets)).toEqual(expected);
});

test('gives its id back, in whatever case it arrives', () => {
  for (const arrived of [
    token,
    token.toUpperCase(),
    `${token.slice(0, 30).toUpperCase()}${token.slice(30)}`,
  ]) {
    expect(mint.idOf(arrived)).toBe(id);
  }
});

const twin = createTokenMint(new Secret('another key of good length'));
const other = mint.tokenOf('01KM3Z6Q8V5T7WXYZ0123456AC');
test.each([
  ['made with another key', twin.tokenOf(id)],
  ['the MAC of another id of ours', `mxc-${idPart}-${other.split('-')[2] ?? ''}`],
  ['another id under our MAC', `mxc-01km3z6q8v5t7wxyz0123456ac-${macPart}`],
  ['no MAC', `mxc-${idPart}-`],
  ['a MAC of nothing', `mxc-${idPart}-${'a'.repeat(26)}`],
  ['one digit short', token.slice(0, -1)],
  ['one digit long', `${token}a`],
  ['with a spare bit set', `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`],
  ['white space around', ` ${token} `],
  ['a line end behind', `${token}\n`],
  ['another prefix', token.replace('mxc', 'mxd')],
  ['an id past the end of time', `mxc-8${idPart.slice(1)}-${macPart}`],
  ['digits of Unicode that fold to ASCII', token.replace('k', '\u212a')],
  ['the id alone', id],
  ['nothing', ''],
  ['very long', 'mxc-'.repeat(100_000)],
])('does not count where forged: %s', (_title, forged) => {
  expect(forged).not.toBe(token);
  expect(mint.idOf(forged)).toBeNull();
});

test.each(['', id.toLowerCase(), `${id}0`, id.slice(1), `I${id.slice(1)}`, `${id}\r\n`])(
  'is not made for %j, which is no id',
  (bad) => {
    expect(() => mint.tokenOf(bad)).toThrow(RangeError);
  },
);

test('is not made with a key short enough to be guessed', () => {
  expect(() => createTokenMint(new Secret('0123456789abcde'))).toThrow(ConfigError);
  expect(() => createTokenMint(new Secret('0123456789abcdef'))).not.toThrow();
});

describe('found in a text', () => {
  test.each<[string, string, string[]]>([
    ['subject', `[SPAM] Re: mxctl canary ${token}`, [token]],
    ['Message-ID', `<${token}@ops.example>`, [token]],
    ['upper case', `X-Mxctl-Canary: ${token.toUpperCase()}`, [token]],
    ['twice is once', `${token} ${token.toUpperCase()}`, [token]],
    ['two, in order', `${other}\r\n${token}`, [other, token]],
    ['inside a longer word', `x${token} ${token}x`, []],
    ['folded in two', `${token.slice(0, 20)}\r\n ${token.slice(20)}`, []],
    ['none', 'Subject: Hello', []],
  ])('%s', (_title, text, expected) => {
    expect(findTokens(text)).toEqual(expected);
  });

  test('no more than asked for, and not beyond 256 KiB', () => {
    const many = Array.from({ length: 40 }, (_, n) =>
      mint.tokenOf(`${id.slice(0, -2)}${String(n).padStart(2, '0')}`),
    );
    expect(findTokens(many.join(' '))).toEqual(many.slice(0, 16));
    expect(findTokens(many.join(' '), 1)).toEqual(many.slice(0, 1));
    expect(findTokens(`${' '.repeat(256 * 1024)}${token}`)).toEqual([]);
  });
});
