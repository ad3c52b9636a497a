// Canaries as an HTTPS endpoint tells them:  look --GET, bearer token--> a real TLS server on loopback

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { ConfigError } from '../../../src/errors.ts';
import { openArrival } from '../../../src/probes/canary/arrival/index.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { depsOf, never, now, shown, tokenOf } from './canary-arrival-setup.ts';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates('localhost');
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Scene {
  readonly certificate?: keyof TestCertificates['pairs'];
  readonly trusts?: 'our CA' | 'the usual ones';
  readonly timeoutMs?: number;
}

const list =
  (value: unknown): Answer =>
  (_, response) =>
    response.end(JSON.stringify(value));

async function endpoint(answer: Answer, scene: Scene = {}) {
  const requests: IncomingMessage[] = [];
  const web = createServer(certificates.pairs[scene.certificate ?? 'good'], (request, response) => {
    requests.push(request);
    answer(request, response);
  });
  web.on('tlsClientError', () => {});
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-https-'));
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, certificates.ca);
  onTestFinished(() => {
    web.closeAllConnections();
    web.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const url = `https://localhost:${(web.address() as AddressInfo).port}/canaries?mailbox=1`;
  const trusted = scene.trusts === 'the usual ones' ? null : caFile;
  const source = { kind: 'https', url, token: { env: 'TOKEN' }, caFile: trusted } as const;
  const mailbox = openArrival(source, depsOf('open sesame', { timeoutMs: scene.timeoutMs ?? 5000 }));
  return { mailbox, requests, look: (signal = never) => mailbox.look(now, signal) };
}

const reasonOf = async (answer: Answer, scene: Scene = {}) =>
  shown(await (await endpoint(answer, scene)).look())[0];

describe('an endpoint', () => {
  it('is asked once, with the token and the time, and believed', async () => {
    const { look, requests, mailbox } = await endpoint(
      list({
        letters: [
          {
            token: tokenOf(1).toUpperCase(),
            stored_at: '2026-03-05T11:00:00+01:00',
            spam: true,
            received: [
              'from b.example by c.example with ESMTP; Thu, 5 Mar 2026 09:59:59 +0000',
              'Received: from a.example\r\n by b.example; Thu, 5 Mar 2026 09:59:58 +0000',
            ],
          },
          { token: tokenOf(2) },
          { token: 'a word of a stranger' },
        ],
        bounces: [{ token: tokenOf(3), text: '550 5.1.1 \u001b[2Jno such user' }],
      }),
    );
    const answer = await look();
    expect(shown(answer)).toEqual(['1 spam', '2', 'bounce 3: 550 5.1.1 \\u001b[2Jno such user']);
    expect(answer.outcome === 'read' && answer.letters[0]).toMatchObject({
      storedAt: now,
      trace: [
        { from: 'a.example', by: 'b.example', at: now - 2000 },
        { from: 'b.example', by: 'c.example', at: now - 1000 },
      ],
    });
    expect(requests.map(({ method, url, headers }) => [method, url, headers.authorization])).toEqual([
      ['GET', '/canaries?mailbox=1&since=2026-03-05T08%3A00%3A00.000Z', 'Bearer open sesame'],
    ]);
    expect(await mailbox.remove(new Set([tokenOf(1)]), never)).toBe(false);
  });

  it.each<[string, Answer, string | RegExp]>([
    ['a refused token', (_, response) => response.writeHead(401).end(), /answered HTTP 401: check the token/],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      /answered HTTP 302: redirects are not followed/,
    ],
    ['an error', (_, response) => response.writeHead(500).end(), /answered HTTP 500: see its log/],
    ['a page', (_, response) => response.end('<html>'), /no list of canaries \(not JSON\)/],
    ['nothing', (_, response) => response.end(), /the answer is empty/],
    ['null', list(null), /the answer is no object/],
    ['no letters', list({}), /letters is no list/],
    ['a letter that is a text', list({ letters: ['x'] }), /letters\[0\] is no object/],
    ['a token that is a number', list({ letters: [{ token: 5 }] }), /letters\[0\]\.token is no text/],
    [
      'a time without zone',
      list({ letters: [{ token: tokenOf(1), stored_at: '2026-03-05T10:00:00' }] }),
      /letters\[0\]\.stored_at is no time like/,
    ],
    [
      'a time that cannot be',
      list({ letters: [{ token: tokenOf(1), stored_at: '2026-13-05T10:00:00Z' }] }),
      /letters\[0\]\.stored_at is no time like/,
    ],
    ['spam that is a text', list({ letters: [{ token: tokenOf(1), spam: 'no' }] }), /spam is neither/],
    [
      'a bounce without text',
      list({ letters: [], bounces: [{ token: tokenOf(1) }] }),
      /bounces\[0\]\.text is no/,
    ],
    ['2 MiB', (_, response) => response.end('x'.repeat(2 << 20)), /more than 1 MiB/],
    ['half an answer', (_, response) => response.destroy(), /could not be asked \(socket hang up\)/],
  ])('that answers %s is unreadable', async (_, answer, expected) => {
    const reason = await reasonOf(answer);
    expect(reason).toMatch(expected);
    expect(reason).toMatch(/^https:\/\/localhost:\d+\/canaries /);
    expect(reason).not.toMatch(/sesame|mailbox=1/);
  });

  it.each<[string, Scene, RegExp]>([
    ['is of an unknown CA', { trusts: 'the usual ones' }, /no trusted CA signed.*: let it send/],
    ['has expired', { certificate: 'expired' }, /has expired: renew it there/],
    ['is for another name', { certificate: 'wrong' }, /for another name than localhost/],
    ['signed itself', { certificate: 'selfsigned' }, /it signed itself: name that certificate in ca_file/],
  ])('whose certificate %s is unreadable', async (_, scene, expected) => {
    expect(await reasonOf(list({ letters: [] }), scene)).toMatch(expected);
  });

  it('that never answers is given up after a while', async () => {
    expect(await reasonOf(() => undefined, { timeoutMs: 100 })).toMatch(/gave no answer in time/);
    const drip: Answer = (_, response) => response.writeHead(200).write('{');
    expect(await reasonOf(drip, { timeoutMs: 100 })).toMatch(/gave no answer in time/);
  });

  it('that nobody listens at is told', async () => {
    const closed = createTcpServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const source = { kind: 'https', url: `https://127.0.0.1:${port}/`, token: null, caFile: null } as const;
    expect(shown(await openArrival(source, depsOf()).look(now, never))[0]).toMatch(
      /refused the connection: check/,
    );
  });

  it('takes two thousand letters a look and says that there are more', async () => {
    const letters = Array.from({ length: 2001 }, (_, n) => ({ token: tokenOf(n) }));
    const answer = await (await endpoint(list({ letters }))).look();
    expect(answer.outcome === 'read' && [answer.letters.length, answer.isCut]).toEqual([2000, true]);
  });

  it('is no matter of its own where the CA file is missing', async () => {
    const source = { kind: 'https', url: 'https://localhost:1/', token: null, caFile: '/none.pem' } as const;
    await expect(openArrival(source, depsOf()).look(now, never)).rejects.toThrow(ConfigError);
  });

  it('is left when the caller gives up', async () => {
    const caller = new AbortController();
    const { look } = await endpoint(() => caller.abort(new Error('enough')));
    await expect(look(caller.signal)).rejects.toThrow('enough');
  });
});
