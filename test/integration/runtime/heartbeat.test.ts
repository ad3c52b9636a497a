import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { Secret } from '../../../src/model/secret.ts';
import { Heartbeat } from '../../../src/runtime/heartbeat.ts';

const token = '/7d6e3a52-uuid';
let server: Server;
let asked: string[];
let told: string[];
let answer: { status: number; location?: string } | 'never';

beforeEach(async () => {
  [asked, told, answer] = [[], [], { status: 200 }];
  server = createServer(({ method, url }, response) => {
    asked.push(`${method ?? ''} ${url ?? ''}`);
    if (answer === 'never') return;
    response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
    response.end('OK');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const port = () => (server.address() as AddressInfo).port;

async function freePort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port: free } = other.address() as AddressInfo;
  other.close();
  await once(other, 'close');
  return free;
}

function heartbeatTo(url = `http://127.0.0.1:${port()}${token}`, timeoutMs = 5000): Heartbeat {
  return new Heartbeat({
    readUrl: () => Promise.resolve(new Secret(url)),
    timeoutMs,
    logger: { warn: (text) => void told.push(text) },
  });
}

describe('a heartbeat', () => {
  it('tells that a run begins, then its exit code, in that order', async () => {
    const heartbeat = heartbeatTo();
    heartbeat.begin();
    heartbeat.end(0);
    await heartbeat.settle();
    expect(asked).toEqual([`GET ${token}/start`, `GET ${token}/0`]);
    expect(told).toEqual([]);
  });

  it('keeps the query of its URL, and takes one that ends with a slash', async () => {
    const heartbeat = heartbeatTo(`http://127.0.0.1:${port()}${token}/?create=1`);
    heartbeat.begin();
    heartbeat.end(8);
    await heartbeat.settle();
    expect(asked).toEqual([`GET ${token}/start?create=1`, `GET ${token}/8?create=1`]);
  });

  it('tells of rounds that follow each other within seconds only what differs', async () => {
    const heartbeat = heartbeatTo();
    for (const code of [0, 0, 0, 2, 2, 0]) {
      heartbeat.begin();
      heartbeat.end(code);
      await new Promise((resolve) => setImmediate(resolve));
      await heartbeat.settle();
    }
    expect(asked.map((one) => one.split('/').at(-1))).toEqual(['start', '0', '2', '0']);
  });

  it.each([
    ['answers 404', { status: 404 }, 'it answered 404'],
    ['leads elsewhere, where a secret must not go', { status: 302, location: '/other' }, 'it answered 302'],
  ])('says once that a service %s, without the URL', async (_, given, fault) => {
    answer = given;
    const heartbeat = heartbeatTo();
    heartbeat.begin();
    heartbeat.end(0);
    await heartbeat.settle();
    expect(told).toEqual([`the heartbeat was not told: ${fault}`]);
    expect(asked).toHaveLength(2);
  });

  it('waits no longer than its timeout where nobody answers, and tells that once', async () => {
    answer = 'never';
    const heartbeat = heartbeatTo(undefined, 300);
    const startedAt = performance.now();
    heartbeat.begin();
    heartbeat.end(0);
    expect(performance.now() - startedAt).toBeLessThan(100);
    await heartbeat.settle();
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(told).toEqual(['the heartbeat was not told: no answer in time']);
  });

  it('takes a service that is not there, a URL that is none and a secret that cannot be read for no reason to fail', async () => {
    const gone = heartbeatTo(`http://127.0.0.1:${await freePort()}/secret-token`);
    const wrong = heartbeatTo('ftp://secret-token/');
    const unreadable = new Heartbeat({
      readUrl: () =>
        Promise.reject(new ConfigError('secret-unreadable', 'cannot read secret file /run/hb: gone')),
      timeoutMs: 1000,
      logger: { warn: (text) => void told.push(text) },
    });
    for (const one of [gone, wrong, unreadable]) {
      one.begin();
      one.end(0);
      await one.settle();
    }
    expect(told).toEqual([
      'the heartbeat was not told: ECONNREFUSED',
      'the heartbeat was not told: its secret is no http or https URL',
      'the heartbeat was not told: cannot read secret file /run/hb: gone',
    ]);
  });
});
