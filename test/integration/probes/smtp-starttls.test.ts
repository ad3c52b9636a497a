// STARTTLS as hops in the field do it, good and bad.
import { createHash, createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generate } from 'selfsigned';
import { beforeAll, describe, expect, test } from 'vitest';

import { ConfigError } from '../../../src/errors.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { policy, probeScript, stagesOf, upTo } from './setup.ts';

let made: TestCertificates;
beforeAll(async () => {
  made = await makeCertificates('mx.example.com');
});

const probeTls = (script: string, probePolicy = upTo('starttls')) =>
  probeScript(script, probePolicy, {
    certificates: made.pairs,
    deps: { caCertificates: [made.ca] },
  });

const upToStarttls = `
  S: 220 mx.example.com ESMTP
  C: EHLO probe.example
  S: 250-mx.example.com
  S: 250 STARTTLS
  C: STARTTLS
`;
const quit = `
  C: QUIT
  S: 221 2.0.0 Bye
  (close)
`;
const wholeWith = (certificate: string) => `${upToStarttls}
  S: 220 2.0.0 go ahead
  (tls ${certificate})
  C: EHLO probe.example
  S: 250 mx.example.com
  ${quit}`;

test('a good certificate: EHLO again inside TLS, and QUIT', async () => {
  const { observation, said, asked, deviations } = await probeTls(wholeWith('good'));
  expect(deviations).toEqual([]);
  // RFC 8461 §4.2: SNI is the exchange.
  expect(asked).toEqual(['mx.example.com']);
  expect(said).toEqual(['EHLO probe.example', 'STARTTLS', 'EHLO probe.example', 'QUIT']);
  expect(observation).toMatchObject({
    verdict: 'pass',
    fate: 'accepted',
    stage: 'ehlo2',
    offersStarttls: true,
    summary: '250 at EHLO after TLS',
    tls: {
      protocol: 'TLSv1.3',
      isNameGood: true,
      isChainTrusted: true,
      fault: null,
      names: ['mx.example.com'],
    },
  });
  expect((observation.tls!.expiresAt! - Date.now()) / 86_400_000).toBeCloseTo(64, 0);
  expect(stagesOf(observation)).toBe('connect banner ehlo starttls tls ehlo2 quit');
});

describe('what was presented, for TLSA records to be compared with', () => {
  const [first, second] = ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'];
  /** Digests as `openssl x509 -outform DER | sha256sum` would give them: of the octets between the PEM lines. */
  const certificateDigest = (pem: string) =>
    createHash('sha256')
      .update(Buffer.from(pem.split(first)[1]?.split(second)[0] ?? '', 'base64'))
      .digest('hex');
  const presentedWith = async (leaf: 'good' | 'wrong' | 'expired' | 'selfsigned', ...beside: string[]) => {
    const { key, cert } = made.pairs[leaf];
    const certificates = { shown: { key, cert: [cert, ...beside].join('\n') } };
    const { observation } = await probeScript(wholeWith('shown'), upTo('starttls'), {
      certificates,
      deps: { caCertificates: [made.ca] },
    });
    return observation.tls!.presented!;
  };
  const shown = async (...args: Parameters<typeof presentedWith>) =>
    (await presentedWith(...args)).links.map((link) => link.cert.sha256);

  test('the leaf alone: a CA that only we know is not added', async () => {
    expect(await shown('good')).toEqual([certificateDigest(made.pairs.good.cert)]);
  });

  test('the leaf and its issuer, whatever stands between them', async () => {
    const expected = [made.pairs.good.cert, made.ca].map(certificateDigest);
    expect(await shown('good', made.ca)).toEqual(expected);
    expect(await shown('good', made.pairs.wrong.cert, made.ca, made.pairs.selfsigned.cert)).toEqual(expected);
  });

  test('a CA of the same name that did not sign is no issuer', async () => {
    const twin = await makeCertificates('mx.example.com');
    expect(await shown('good', twin.ca)).toEqual([certificateDigest(made.pairs.good.cert)]);
  });

  test('a certificate that is no CA issues nothing', async () => {
    const { key, cert } = made.pairs.good;
    const forged = await generate([{ name: 'commonName', value: 'mx.example.com' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { key, cert },
    });
    const certificates = { shown: { key: forged.private, cert: `${forged.cert}\n${cert}\n${made.ca}` } };
    const { observation } = await probeScript(wholeWith('shown'), upTo('starttls'), { certificates });
    const links = observation.tls?.presented?.links.map((link) => link.cert.sha256);
    expect(links).toEqual([certificateDigest(forged.cert)]);
  });

  test('dates, keys and whether it names the exchange', async () => {
    const now = Date.now();
    const good = await presentedWith('good', made.ca);
    expect(good.isNamed).toBe(true);
    expect((good.links[0]!.expiresAt! - now) / 86_400_000).toBeCloseTo(64, 0);
    expect((good.links[0]!.startsAt! - now) / 86_400_000).toBeCloseTo(-90, 0);
    expect((good.links[1]!.expiresAt! - now) / 86_400_000).toBeCloseTo(365, 0);
    const spki = createPublicKey(made.pairs.good.key).export({ type: 'spki', format: 'der' });
    expect(good.links[0]!.spki).toEqual({
      sha256: createHash('sha256').update(spki).digest('hex'),
      sha512: createHash('sha512').update(spki).digest('hex'),
    });
    expect((await presentedWith('wrong')).isNamed).toBe(false);
    // Named all the same: that nobody trusts it is another question.
    expect((await presentedWith('expired')).isNamed).toBe(true);
  });
});

test.each([
  ['expired', false, 'expired'],
  ['wrong', true, 'does not name mx.example.com'],
  ['selfsigned', false, 'self-signed'],
])(
  'a certificate that is %s passes, because opportunistic senders do not look; the facts tell',
  async (certificate, isChainTrusted, fault) => {
    const { observation, deviations } = await probeTls(wholeWith(certificate));
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'pass',
      fate: 'accepted',
      tls: { isNameGood: false, isChainTrusted, fault },
      summary: `250 at EHLO after TLS; certificate ${fault}; senders that check it defer`,
    });
  },
);

test('an exchange without STARTTLS passes and the summary says so', async () => {
  const { observation, deviations } = await probeTls(`
    S: 220 mx.example.com
    C: EHLO *
    S: 250-mx.example.com
    S: 250 X-STARTTLS
    ${quit}`);
  expect(deviations).toEqual([]);
  expect(observation).toMatchObject({
    verdict: 'pass',
    offersStarttls: false,
    tls: null,
    summary: '250 at EHLO; STARTTLS not offered',
  });
});

test('MAIL and RCPT go through TLS where STARTTLS is asked for too', async () => {
  const { observation, deviations } = await probeTls(
    `${upToStarttls}
     S: 220 2.0.0 go ahead
     (tls good)
     C: EHLO probe.example
     S: 250 mx.example.com
     C: MAIL FROM:<probe@ops.example>
     S: 250 2.1.0 Ok
     C: RCPT TO:<canary@example.com>
     S: 550 5.7.1 relay denied
     ${quit}`,
    upTo('starttls', 'rcpt'),
  );
  expect(deviations).toEqual([]);
  expect(observation).toMatchObject({ fate: 'bounced', takesCanary: false, tls: { isNameGood: true } });
});

describe('broken STARTTLS', () => {
  const consequence = '; senders that require TLS defer, others send in clear text';

  test.each([
    [
      'refused for now',
      `S: 454 4.7.0 TLS not available\n${quit}`,
      `454 4.7.0 TLS not available at STARTTLS${consequence}`,
    ],
    [
      'refused for good',
      `S: 502 5.5.1 not implemented\n${quit}`,
      `502 5.5.1 not implemented at STARTTLS${consequence}`,
    ],
    ['answered with 421', 'S: 421 4.3.2 closing\n(close)', `421 4.3.2 closing at STARTTLS${consequence}`],
    [
      'followed by clear text instead of a handshake',
      'S: 220 go\n(until the clock has 5 sleepers started)\nS: 250 what\n(stall)',
      `TLS handshake failed: wrong version number${consequence}`,
    ],
    [
      'followed by silence',
      'S: 220 go\n(until the clock has 5 sleepers started)\n(30 s later)\n(stall)',
      `TLS handshake not finished in 30 s${consequence}`,
    ],
    [
      'followed by the end',
      'S: 220 go\n(until the clock has 5 sleepers started)\n(close)',
      `TLS handshake failed: connection reset${consequence}`,
    ],
    ['followed by a reset', 'S: 220 go\n(reset)', `TLS handshake failed: connection reset${consequence}`],
    [
      'with a command injected before TLS (CVE-2011-0411)',
      'S: 220 go\nS: 250 injected\n(stall)',
      `bytes in clear text after the STARTTLS reply at TLS handshake${consequence}`,
    ],
    [
      'with half a reply injected before TLS',
      'S: 220 go\nS raw: "25"\n(stall)',
      `bytes in clear text after the STARTTLS reply at TLS handshake${consequence}`,
    ],
  ])('%s fails, and the summary says what senders do', async (_title, script, summary) => {
    const { observation, deviations } = await probeTls(`${upToStarttls}${script}`);
    expect(deviations.filter((one) => !one.startsWith('unexpected: \x16'))).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'fail',
      fate: 'deferred',
      offersStarttls: true,
      tls: null,
      summary,
    });
  });

  test('a hop that breaks off after the handshake is judged at EHLO', async () => {
    const { observation } = await probeTls(`${upToStarttls}
      S: 220 go
      (tls good)
      C: EHLO *
      (reset)`);
    expect(observation).toMatchObject({ verdict: 'fail', fate: 'deferred', stage: 'ehlo2' });
    expect(observation.summary).toMatch(/^connection (reset|closed) at EHLO after TLS$/);
  });

  test('421 inside TLS is deferred', async () => {
    const { observation, deviations } = await probeTls(`${upToStarttls}
      S: 220 go
      (tls good)
      C: EHLO *
      S: 421 4.3.2 busy
      (close)`);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ fate: 'deferred', summary: '421 4.3.2 busy at EHLO after TLS' });
  });
});

describe('the CA file of a policy', () => {
  test('is trusted beside the others', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mxctl-ca-'));
    try {
      const caFile = join(directory, 'ca.pem');
      writeFileSync(caFile, made.ca);
      const withFile = { ...policy, stages: ['starttls'], caFile } as const;
      const { observation } = await probeScript(wholeWith('good'), withFile, { certificates: made.pairs });
      expect(observation.tls).toMatchObject({ isNameGood: true });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('is what makes the difference', async () => {
    const { observation } = await probeScript(wholeWith('good'), upTo('starttls'), {
      certificates: made.pairs,
    });
    expect(observation.tls).toMatchObject({
      isChainTrusted: false,
      fault: 'chain incomplete or CA unknown',
    });
  });

  test('must be readable', async () => {
    const probing = probeScript(
      `${upToStarttls}\nS: 220 go\n(stall)`,
      { ...upTo('starttls'), caFile: '/nonexistent/ca.pem' },
      { certificates: made.pairs },
    );
    await expect(probing).rejects.toThrow(ConfigError);
    await expect(probing).rejects.toThrow(/cannot use the CA file \/nonexistent\/ca.pem/);
  });
});
