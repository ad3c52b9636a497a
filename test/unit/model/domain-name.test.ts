import { describe, expect, it } from 'vitest';

import {
  displayName,
  domainNameOf,
  isHostName,
  isWithin,
  labelOctets,
  labelsOf,
  parentOf,
  parseDomainName,
} from '../../../src/model/domain-name.ts';

const parsed = (text: string) => {
  const result = parseDomainName(text);
  return result.ok ? result.name : result.error;
};
const label63 = 'a'.repeat(63);

describe('a name becomes absolute, lower case and A-label', () => {
  it.each([
    ['mx1.example.com', 'mx1.example.com.'],
    ['mx1.example.com.', 'mx1.example.com.'],
    ['MX1.Example.COM.', 'mx1.example.com.'],
    ['.', '.'],
    ['com', 'com.'],
    ['_mta-sts.example.com', '_mta-sts.example.com.'],
    ['*.example.com', '*.example.com.'],
    ['bücher.example', 'xn--bcher-kva.example.'],
    ['BÜCHER.example', 'xn--bcher-kva.example.'],
    ['１２７.example', '127.example.'],
    ['0x7f.1', '0x7f.1.'],
    ['192.0.2.1', '192.0.2.1.'],
  ])('%s is %s', (text, name) => {
    expect(parsed(text)).toBe(name);
  });
});

describe('escapes keep their octet, whichever way they are written (RFC 1035 §5.1)', () => {
  it.each([
    ['a\\.b.example', 'a\\.b.example.'],
    ['a\\046b.example', 'a\\.b.example.'],
    ['a\\\\b.example', 'a\\\\b.example.'],
    ['a\\092b.example', 'a\\\\b.example.'],
    ['\\097.example', 'a.example.'],
    ['\\065.example', 'a.example.'],
    ['\\a.example', 'a.example.'],
    ['a\\032b.example', 'a\\032b.example.'],
    ['a\\ b.example', 'a\\032b.example.'],
    ['\\000.example', '\\000.example.'],
    ['\\255.example', '\\255.example.'],
    ['\\@.example', '\\064.example.'],
    ['a\\.', 'a\\..'],
    ['a\\\\.', 'a\\\\.'],
    ['a\\\\\\.', 'a\\\\\\..'],
    ['a\\04.6', 'a04.6.'],
  ])('%s is %s', (text, name) => {
    expect(parsed(text)).toBe(name);
  });
});

describe('what is no name is refused with a word', () => {
  it.each([
    ['', 'empty'],
    ['..', 'empty-label'],
    ['a..b', 'empty-label'],
    ['.a', 'empty-label'],
    ['a\\', 'bad-escape'],
    ['a\\256.example', 'bad-escape'],
    ['a\\999.example', 'bad-escape'],
    ['a b.example', 'bad-character'],
    ['a\tb', 'bad-character'],
    ['a\nb', 'bad-character'],
    ['user@example.com', 'bad-character'],
    ['a;b', 'bad-character'],
    ['"a"', 'bad-character'],
    ['$ORIGIN', 'bad-character'],
    [`${label63}a.example`, 'label-too-long'],
    [`${'é'.repeat(63)}.example`, 'label-too-long'],
    // What the URL parser would read as path, user, port, query or an escape of its own.
    ['é/x.example', 'bad-idn'],
    ['user@é', 'bad-idn'],
    ['é:80', 'bad-idn'],
    ['é?x', 'bad-idn'],
    ['é#x', 'bad-idn'],
    ['é%41', 'bad-idn'],
    ['é\\x', 'bad-idn'],
    ['é\n', 'bad-idn'],
    ['a。b', 'bad-idn'],
    ['\u00ad', 'bad-idn'],
    ['xn--é', 'bad-idn'],
  ])('%j: %s', (text, error) => {
    expect(parsed(text)).toBe(error);
  });
});

describe('sizes are those of the wire (RFC 1035 §2.3.4)', () => {
  // 3 × (1 + 63) + (1 + 61) + root = 255.
  const longest = [label63, label63, label63, 'a'.repeat(61)].join('.');

  it('takes 255 octets and refuses 256', () => {
    expect(parsed(longest)).toBe(`${longest}.`);
    expect(parsed(`${longest}a`)).toBe('name-too-long');
  });

  it('counts an escape as the one octet it stands for', () => {
    expect(parsed('\\001'.repeat(63))).toBe(`${'\\001'.repeat(63)}.`);
    expect(parsed('\\001'.repeat(64))).toBe('label-too-long');
  });
});

describe('what stands where in a name', () => {
  it.each([
    ['mx.example.com', 'example.com', true],
    ['example.com', 'example.com', true],
    ['badexample.com', 'example.com', false],
    ['com', 'example.com', false],
    ['a\\.example.com', 'example.com', false],
    ['anything.at.all', '.', true],
    ['.', 'com', false],
  ])('%s within %s: %s', (name, ancestor, isBelow) => {
    expect(isWithin(domainNameOf(name), domainNameOf(ancestor))).toBe(isBelow);
  });

  it('an escaped dot does not end a label', () => {
    expect(labelsOf(domainNameOf('a\\.b.example'))).toEqual(['a\\.b', 'example']);
    expect(parentOf(domainNameOf('a\\.b.example'))).toBe('example.');
  });

  it('the parent of the root and of a top-level name is the root', () => {
    expect(parentOf(domainNameOf('.'))).toBe('.');
    expect(parentOf(domainNameOf('com'))).toBe('.');
    expect(labelsOf(domainNameOf('.'))).toEqual([]);
  });

  it('people read it without the trailing dot, but for the root', () => {
    expect(displayName(domainNameOf('example.com'))).toBe('example.com');
    expect(displayName(domainNameOf('.'))).toBe('.');
  });
});

describe('an MTA connects to host names only (RFC 1123 §2.1)', () => {
  it.each([
    ['mx1.example.com', true],
    ['3com.example', true],
    ['mx_1.example.com', false],
    ['-mx.example', false],
    ['mx-.example', false],
    ['192.0.2.1', false],
    ['*.example.com', false],
    ['.', false],
  ])('%s: %s', (name, isHost) => {
    expect(isHostName(domainNameOf(name))).toBe(isHost);
  });
});

it('a literal that is no name is our own bug', () => {
  expect(() => domainNameOf('a..b')).toThrow(RangeError);
});

it('a label beyond octets has no octets', () => {
  expect(labelOctets('é€')).toBeNull();
  expect(labelOctets('a\\256')).toBeNull();
});
