import { describe, expect, test } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import { dnsIdsOf, isNamedBy, judgeCertificate } from '../../../src/smtp/certificate.ts';

const exchange = domainNameOf('mx1.example.com');

test.each([
  ['mx1.example.com', true],
  ['*.example.com', true],
  ['mx2.example.com', false],
  ['example.com', false],
  ['*.com', false],
  ['mx*.example.com', false],
  ['*.mx1.example.com', false],
  ['*', false],
  ['', false],
])('RFC 6125: %s names mx1.example.com: %s', (dnsId, expected) => {
  expect(isNamedBy(dnsId, exchange)).toBe(expected);
});

test.each([
  ['DNS:a.example, DNS:B.example', ['a.example', 'b.example']],
  ['DNS:a.example, IP Address:192.0.2.1, email:x@y', ['a.example']],
  ['DNS:"evil.example, DNS:mx1.example.com", DNS:b.example', ['b.example']],
  ['', []],
])('DNS-IDs of %s', (text, names) => {
  expect(dnsIdsOf(text)).toEqual(names);
});

describe('judgement', () => {
  const shown = {
    protocol: 'TLSv1.3',
    chainFault: null,
    subjectAltName: 'DNS:mx1.example.com',
    expiresAt: 1,
    links: [],
  };

  test('a trusted chain that names the exchange is good', () => {
    expect(judgeCertificate(shown, exchange)).toEqual({
      protocol: 'TLSv1.3',
      isNameGood: true,
      isChainTrusted: true,
      fault: null,
      expiresAt: 1,
      names: ['mx1.example.com'],
      presented: null,
    });
  });

  test.each([
    [{ ...shown, subjectAltName: 'DNS:other.example' }, 'does not name mx1.example.com', true],
    [{ ...shown, chainFault: 'CERT_HAS_EXPIRED' }, 'expired', false],
    [{ ...shown, chainFault: 'SOMETHING_NEW' }, 'SOMETHING_NEW', false],
    [
      { ...shown, chainFault: 'DEPTH_ZERO_SELF_SIGNED_CERT', subjectAltName: '' },
      'self-signed, does not name mx1.example.com',
      false,
    ],
  ])('%o is not good: %s', (one, fault, isChainTrusted) => {
    expect(judgeCertificate(one, exchange)).toMatchObject({ isNameGood: false, fault, isChainTrusted });
  });

  test('a certificate with hundreds of names is judged by all of them and shown by twenty', () => {
    const names = Array.from({ length: 300 }, (_, n) => `DNS:n${n}.example`).concat('DNS:mx1.example.com');
    const facts = judgeCertificate({ ...shown, subjectAltName: names.join(', ') }, exchange);
    expect(facts.isNameGood).toBe(true);
    expect(facts.names).toHaveLength(20);
  });
});
