// The MTA-STS policy of a domain as a sender would fetch it: a real TXT record, then HTTPS to a server with a
// certificate of a CA of our own. RFC 8461 §3.3.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { createDnsClient } from '../../../src/dns/client.ts';
import { createResolver } from '../../../src/dns/resolver.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { StsFault, StsReading } from '../../../src/model/sts.ts';
import { createStsReader } from '../../../src/probes/mta-sts/index.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';

const policy = 'version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 604800\n';
const announced = `
  _mta-sts.example.com. 300 TXT "v=STSv1; id=20261122"
  mta-sts.example.com.  300 A   127.0.0.1`;

interface Scene {
  readonly zone?: string;
  /** Instead of the policy. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly certificate?: keyof TestCertificates['pairs'];
  readonly trusts?: 'our CA' | 'the usual ones';
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

let certificates: TestCertificates;
const sockets = createDnsClient();
beforeAll(async () => {
  certificates = await makeCertificates('mta-sts.example.com');
});
afterAll(() => {
  sockets.close();
});

async function readPolicy(
  scene: Scene = {},
): Promise<{ facts: StsReading; requests: string[]; dns: DnsServer }> {
  const requests: string[] = [];
  const pair = certificates.pairs[scene.certificate ?? 'good'];
  const web = createServer(pair, (request, response) => {
    requests.push(`${request.method} https://${request.headers.host}${request.url}`);
    if (scene.answer === undefined) response.end(policy);
    else scene.answer(request, response);
  });
  web.on('tlsClientError', () => {});
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const dns = await startDnsServer({
    zone: scene.zone ?? announced,
    flags: { recursionAvailable: true, isAuthoritative: false },
  });
  onTestFinished(async () => {
    web.closeAllConnections();
    web.close();
    await dns.close();
  });
  const clock = { now: () => 0 };
  const resolver = createResolver({ servers: [dns], timeoutMs: 5000, attempts: 1, clock, client: sockets });
  const read = createStsReader({
    resolver,
    caCertificates: scene.trusts === 'the usual ones' ? [] : [certificates.ca],
    port: (web.address() as AddressInfo).port,
    timeoutMs: scene.timeoutMs ?? 10_000,
  });
  const facts = await read(domainNameOf('example.com'), scene.signal ?? new AbortController().signal);
  return { facts, requests, dns };
}

describe('a policy that is served', () => {
  it('is fetched once, from its one place', async () => {
    const { facts, requests } = await readPolicy();
    expect(facts).toEqual({
      domain: 'example.com',
      mode: 'enforce',
      patterns: ['mx.example.com', '*.example.net'],
      reason: null,
      fault: null,
      id: '20261122',
    });
    expect(requests).toEqual(['GET https://mta-sts.example.com/.well-known/mta-sts.txt']);
  });

  it('is found through an alias of the policy host, judged by the name that was asked for', async () => {
    const { facts } = await readPolicy({
      zone: `
        _mta-sts.example.com. 300 TXT   "v=STSv1; id=1"
        mta-sts.example.com.  300 CNAME policies.example.net.
        policies.example.net. 300 A     127.0.0.1`,
    });
    expect(facts.mode).toBe('enforce');
  });
});

describe('no policy', () => {
  it.each([
    ['no TXT record', 'mta-sts.example.com. 300 A 127.0.0.1', null],
    ['two TXT records', `${announced}\n_mta-sts.example.com. 300 TXT "v=STSv1; id=2"`, 'record'],
    ['one without an id', '_mta-sts.example.com. 300 TXT "v=STSv1;"', 'record'],
    ['one of another version', '_mta-sts.example.com. 300 TXT "v=STSv2; id=1"', null],
  ])('is announced with %s, and nothing is fetched', async (_, zone, fault) => {
    const { facts, requests } = await readPolicy({ zone });
    expect(facts).toMatchObject({ mode: 'absent', patterns: [], reason: 'no policy is announced', fault });
    expect(requests).toEqual([]);
  });

  it('of the parent domain is ever asked for', async () => {
    const { dns } = await readPolicy({ zone: '_mta-sts.com. 300 TXT "v=STSv1; id=1"' });
    expect(dns.asked.map((one) => one.query.questions[0]!.name)).toEqual(['_mta-sts.example.com.']);
  });
});

describe('an announced policy that cannot be had', () => {
  it.each<[string, Scene, RegExp, StsFault | null]>([
    [
      '301',
      { answer: (_, response) => response.writeHead(301, { location: '/policy' }).end() },
      /HTTP 301 instead of 200/,
      'http',
    ],
    [
      '302 to itself',
      { answer: (request, response) => response.writeHead(302, { location: request.url }).end() },
      /HTTP 302/,
      'http',
    ],
    [
      '404',
      { answer: (_, response) => response.writeHead(404).end(policy) },
      /HTTP 404 instead of 200/,
      'http',
    ],
    [
      'a web page',
      { answer: (_, response) => response.end('<!doctype html>') },
      /serves no valid policy/,
      'malformed',
    ],
    [
      'a policy longer than 64 KiB',
      { answer: (_, response) => response.end(policy.padEnd(70_000, '\n')) },
      /longer than 64 KiB/,
      'malformed',
    ],
    [
      'half a policy',
      {
        answer: (_, response) => {
          response.writeHead(200, { 'content-length': '100' });
          response.write('version: STSv1\n', () => response.destroy());
        },
      },
      /aborted|hang up|reset/,
      null,
    ],
    ['the certificate of another name', { certificate: 'wrong' }, /altnames/, 'certificate'],
    ['an expired certificate', { certificate: 'expired' }, /expired/, 'certificate'],
    ['a certificate that it signed itself', { certificate: 'selfsigned' }, /self-signed/, 'certificate'],
    ['a certificate of a CA that nobody knows', { trusts: 'the usual ones' }, /certificate/, 'certificate'],
    ['silence', { answer: () => {}, timeoutMs: 150 }, /no answer in time/, null],
    [
      'silence after half of it',
      { answer: (_, response) => response.write('version: STSv1\n'), timeoutMs: 150 },
      /no answer in time/,
      null,
    ],
    [
      'a host without an address',
      { zone: '_mta-sts.example.com. 300 TXT "v=STSv1; id=1"' },
      /mta-sts\.example\.com has no address/,
      'no-host',
    ],
  ])('for %s is unknown, not absent: a sender may have it cached', async (_, scene, reason, fault) => {
    const { facts } = await readPolicy(scene);
    expect(facts).toMatchObject({ mode: 'unknown', patterns: [], fault });
    expect(facts.reason).toMatch(reason);
  });

  it('is not followed to where a redirect points', async () => {
    const { requests } = await readPolicy({
      answer: (request, response) => {
        if (request.url === '/policy') response.end(policy);
        else response.writeHead(301, { location: '/policy' }).end();
      },
    });
    expect(requests).toHaveLength(1);
  });

  it('is given up where the caller gives up, in the middle of it too', async () => {
    const controller = new AbortController();
    const reading = readPolicy({
      signal: controller.signal,
      answer: (_, response) => {
        response.write('version: STSv1\n', () => {
          controller.abort(new Error('enough'));
        });
      },
    });
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('a resolver that does not answer', () => {
  it('leaves the policy unknown', async () => {
    const dns = await startDnsServer({ behave: ({ reply, send }) => send({ ...reply, rcode: 2 }) });
    onTestFinished(() => dns.close());
    const clock = { now: () => 0 };
    const resolver = createResolver({ servers: [dns], timeoutMs: 5000, attempts: 1, clock, client: sockets });
    const read = createStsReader({ resolver, caCertificates: [] });
    const facts = await read(domainNameOf('example.com'), new AbortController().signal);
    expect(facts.mode).toBe('unknown');
    expect(facts.reason).toMatch(/SERVFAIL/);
  });
});
