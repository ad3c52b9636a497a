// DANE from the wire: a resolver that sets AD, a hop that presents a certificate, and the guard's word on both.

import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';

import { createResolver } from '../../../src/dns/resolver.ts';
import { rcodes } from '../../../src/dns/message.ts';
import { fitsTlsa } from '../../../src/model/dane.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { createDaneReader } from '../../../src/probes/dane/index.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { startDnsServer, type Call, type DnsServer } from '../../support/dns-server.ts';
import type { KeyAndCertificate } from '../../support/smtp-script.ts';
import { exchange, probeScript, upTo } from './setup.ts';

const signal = AbortSignal.timeout(20_000);
const soa = 'example.com 300 SOA ns.example.com. hostmaster.example.com. 1 2 3 4 300';
const address = 'mx.example.com 300 A 192.0.2.1';
const digest = 'ab'.repeat(32);
const tlsa = (data: string, host = 'mx.example.com', port = 25) => `_${port}._tcp.${host} 300 TLSA ${data}`;

let server: DnsServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** What `behave` lays over honest answers, all of them authenticated. */
async function read(
  lines: readonly string[],
  over: (call: Call) => Partial<Call['reply']> | null = () => ({}),
  port = 25,
) {
  const zone = [soa, ...lines].join('\n');
  server = await startDnsServer({
    zone,
    behave: (call) => {
      const patch = over(call);
      if (patch !== null) call.send({ ...call.reply, authenticData: true, ...patch });
    },
  });
  const resolver = createResolver({
    servers: [server],
    timeoutMs: 300,
    attempts: 1,
    clock: { now: () => 0 },
  });
  try {
    return await createDaneReader({ resolver })(exchange, port, signal);
  } finally {
    resolver.close();
  }
}

const questions = () =>
  (server?.asked ?? []).flatMap(({ query }) => query.questions.map((one) => `${one.name} ${one.type}`));
const typeOf = ({ query }: Call) => query.questions[0]?.type;
const plain = { authenticData: false };

describe('what senders make of the answers (RFC 7672 §2.2.2)', () => {
  test('validated addresses and records: usable', async () => {
    expect(await read([address, tlsa(`3 1 1 ${digest}`)])).toEqual({
      exchange,
      port: 25,
      outcome: 'usable',
      records: [{ usage: 'dane-ee', selector: 'spki', hash: 'sha256', digest }],
      reason: null,
    });
    // Without AD in the query a resolver need not say it in the answer (RFC 6840 §5.7).
    expect(server?.asked.every(({ query }) => query.authenticData)).toBe(true);
  });

  test('validated addresses, no records: none', async () => {
    expect(await read([address])).toMatchObject({ outcome: 'none', records: [] });
  });

  test('addresses nobody vouches for: no TLSA is asked for, as it may never be answered', async () => {
    expect(await read([address, tlsa(`3 1 1 ${digest}`)], () => plain)).toMatchObject({
      outcome: 'insecure',
      records: [],
    });
    expect(questions().sort()).toEqual(['mx.example.com. A', 'mx.example.com. AAAA']);
  });

  test.each([
    ['records', [tlsa(`3 1 1 ${digest}`)]],
    ['absence', []],
  ])('TLSA %s nobody vouches for: insecure', async (_, lines) => {
    const facts = await read([address, ...lines], (call) => (typeOf(call) === 'TLSA' ? plain : {}));
    expect(facts.outcome).toBe('insecure');
  });

  test('a validated name without addresses is asked for all the same: a move may give it some', async () => {
    expect(await read(['mx.example.com 300 TXT "x"', tlsa(`3 1 1 ${digest}`)])).toMatchObject({
      outcome: 'usable',
    });
  });

  test('PKIX usages alone: unusable', async () => {
    expect(await read([address, tlsa(`0 0 1 ${digest}`), tlsa(`1 1 1 ${digest}`)])).toMatchObject({
      outcome: 'unusable',
      records: [],
    });
  });

  test('TLSA ends in SERVFAIL, as bogus data do: failed', async () => {
    const servfail = (call: Call) =>
      typeOf(call) === 'TLSA' ? { rcode: rcodes.SERVFAIL, answers: [], authenticData: false } : {};
    const facts = await read([address], servfail);
    expect(facts).toMatchObject({ outcome: 'failed' });
    expect(facts.reason).toMatch(/^SERVFAIL from 127\.0\.0\.1/);
  });

  test('TLSA is not answered: failed', async () => {
    const facts = await read([address], (call) => (typeOf(call) === 'TLSA' ? null : {}));
    expect(facts).toMatchObject({ outcome: 'failed' });
    expect(facts.reason).toMatch(/^no answer from 127\.0\.0\.1/);
  });

  test('not even addresses are answered: unknown', async () => {
    const facts = await read([address], () => ({ rcode: rcodes.SERVFAIL, answers: [] }));
    expect(facts).toMatchObject({ outcome: 'unknown', records: [] });
    expect(facts.reason).toMatch(/SERVFAIL/);
  });

  test('the label is the port of the hop', async () => {
    expect((await read([address, tlsa(`3 1 1 ${digest}`)], () => ({}), 2525)).outcome).toBe('none');
    await server?.close();
    const facts = await read([address, tlsa(`3 1 1 ${digest}`, 'mx.example.com', 2525)], () => ({}), 2525);
    expect(facts).toMatchObject({ outcome: 'usable', port: 2525 });
  });
});

describe('an exchange that is an alias (RFC 7672 §2.2.2)', () => {
  const alias = ['mx.example.com 300 CNAME host.example.com.', 'host.example.com 300 A 192.0.2.1'];
  const other = 'cd'.repeat(32);

  test('the records of the name it leads to come first', async () => {
    const lines = [...alias, tlsa(`3 1 1 ${digest}`), tlsa(`3 1 1 ${other}`, 'host.example.com')];
    expect((await read(lines)).records).toMatchObject([{ digest: other }]);
  });

  test('then those of its own name', async () => {
    expect((await read([...alias, tlsa(`3 1 1 ${digest}`)])).records).toMatchObject([{ digest }]);
  });

  test('a signed alias into an unsigned zone: those of its own name', async () => {
    const isBeyond = (call: Call) =>
      call.reply.answers.some((one) => one.type === 'A' || one.type === 'AAAA');
    const lines = [...alias, 'host.example.com 300 AAAA 2001:db8::1', tlsa(`3 1 1 ${digest}`)];
    const facts = await read(lines, (call) => (isBeyond(call) ? plain : {}));
    expect(facts).toMatchObject({ outcome: 'usable', records: [{ digest }] });
    expect(questions()).not.toContain('_25._tcp.host.example.com. TLSA');
  });
});

describe('records as published, against a hop that presents its chain', () => {
  let made: TestCertificates;
  beforeAll(async () => {
    made = await makeCertificates('mx.example.com');
  });

  const script = `
    S: 220 mx.example.com ESMTP
    C: EHLO *
    S: 250-mx.example.com
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 2.0.0 go ahead
    (tls shown)
    C: EHLO *
    S: 250 mx.example.com
    C: QUIT
    S: 221 2.0.0 Bye
    (close)`;
  const der = (pem: string) => Buffer.from(new X509Certificate(pem).raw);
  const key = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'der' });
  const sha = (octets: Buffer, bits: 256 | 512 = 256) =>
    createHash(`sha${bits}`).update(octets).digest('hex');

  async function fits(lines: readonly string[], shown: KeyAndCertificate): Promise<boolean> {
    const { records } = await read([address, ...lines]);
    const { observation } = await probeScript(script, upTo('starttls'), { certificates: { shown } });
    return fitsTlsa(records, observation.tls!.presented!, Date.now());
  }

  test.each([
    ['3 1 1', () => [`3 1 1 ${sha(key(made.pairs.good.cert))}`], true],
    ['3 1 2', () => [`3 1 2 ${sha(key(made.pairs.good.cert), 512)}`], true],
    ['3 1 0', () => [`3 1 0 ${key(made.pairs.good.cert).toString('hex')}`], true],
    ['3 0 1', () => [`3 0 1 ${sha(der(made.pairs.good.cert))}`], true],
    ['3 0 0', () => [`3 0 0 ${der(made.pairs.good.cert).toString('hex')}`], true],
    ['2 0 1', () => [`2 0 1 ${sha(der(made.ca))}`], true],
    ['2 1 1', () => [`2 1 1 ${sha(key(made.ca))}`], true],
    ['2 0 0', () => [`2 0 0 ${der(made.ca).toString('hex')}`], true],
    ['3 1 1 of another key', () => [`3 1 1 ${sha(key(made.pairs.wrong.cert))}`], false],
    ['3 0 0 of another certificate', () => [`3 0 0 ${der(made.pairs.wrong.cert).toString('hex')}`], false],
    ['2 0 1 of the leaf', () => [`2 0 1 ${sha(der(made.pairs.good.cert))}`], false],
    [
      'the next key beside the present one',
      () => [`3 1 1 ${sha(key(made.pairs.wrong.cert))}`, `3 1 1 ${sha(key(made.pairs.good.cert))}`],
      true,
    ],
  ])('%s: %s', async (_, lines, expected) => {
    const { key: secret, cert } = made.pairs.good;
    const shown = { key: secret, cert: `${cert}\n${made.ca}` };
    expect(
      await fits(
        lines().map((one) => tlsa(one)),
        shown,
      ),
    ).toBe(expected);
  });

  test('2 0 1 where the anchor is not sent', async () => {
    expect(await fits([tlsa(`2 0 1 ${sha(der(made.ca))}`)], made.pairs.good)).toBe(false);
  });

  test.each([
    ['expired', 3, true],
    ['expired', 2, false],
    ['wrong', 3, true],
    ['wrong', 2, false],
  ] as const)('a certificate that is %s, usage %i: %s', async (which, usage, expected) => {
    const { key: secret, cert } = made.pairs[which];
    const line = usage === 3 ? `3 1 1 ${sha(key(cert))}` : `2 1 1 ${sha(key(made.ca))}`;
    expect(await fits([tlsa(line)], { key: secret, cert: `${cert}\n${made.ca}` })).toBe(expected);
  });
});

test('a name too long for the labels has no records, and is not asked for', async () => {
  const long = domainNameOf([...Array<string>(3).fill('a'.repeat(63)), 'b'.repeat(59)].join('.'));
  server = await startDnsServer({ flags: { authenticData: true } });
  const resolver = createResolver({
    servers: [server],
    timeoutMs: 300,
    attempts: 1,
    clock: { now: () => 0 },
  });
  expect(await createDaneReader({ resolver })(long, 25, signal)).toMatchObject({ records: [] });
  expect(questions().some((one) => one.endsWith('TLSA'))).toBe(false);
  resolver.close();
});
