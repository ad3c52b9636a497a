// The resolver against servers that fail, loop and contradict each other, on real sockets.

import dns from 'node:dns';
import { afterEach, describe, expect, test } from 'vitest';
import { makeResponse } from '../../../src/dns/encode.ts';
import { rcodes } from '../../../src/dns/message.ts';
import type { Resolver } from '../../../src/dns/reader.ts';
import { createResolver, type ResolverOptions } from '../../../src/dns/resolver.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { formatRrset, type RrType } from '../../../src/model/rrset.ts';
import type { ServerAddress } from '../../../src/model/route.ts';
import { type Call, type DnsServer, type DnsServerScript, startDnsServer } from '../../support/dns-server.ts';
import { zoneLines } from '../../support/zone-lines.ts';

const soa = 'example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300';
const zone = `
  ${soa}
  example.com. 1800 MX 10 mx1.filter.example.net.
  www.example.com. 60 A 192.0.2.80
`;
const never = new AbortController().signal;

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function serve(script: DnsServerScript = {}): Promise<DnsServer> {
  const server = await startDnsServer({ zone, ...script });
  opened.push(server);
  return server;
}

function resolver(servers: readonly ServerAddress[], options: Partial<ResolverOptions> = {}): Resolver {
  const made = createResolver({
    servers,
    timeoutMs: 20_000,
    attempts: 1,
    clock: { now: () => 0 },
    retryDelayMs: 1,
    ...options,
  });
  opened.push(made);
  return made;
}

const look = (from: Resolver, name: string, type: RrType = 'MX', signal = never) =>
  from.lookup(domainNameOf(name), type, signal);

const refuse =
  (rcode: number) =>
  ({ query, send }: Call) =>
    send(makeResponse(query, { rcode }));

async function closedPort(): Promise<ServerAddress> {
  const server = await startDnsServer();
  await server.close();
  return { address: server.address, port: server.port };
}

describe('a resolver without an answer is passed over', () => {
  test.for<[string, () => Promise<ServerAddress>, number?]>([
    ['dead', closedPort],
    ['silent', () => serve({ behave: () => {} }), 30],
    ['SERVFAIL', () => serve({ behave: refuse(rcodes.SERVFAIL) })],
    ['REFUSED', () => serve({ behave: refuse(rcodes.REFUSED) })],
    [
      'a referral',
      () =>
        serve({
          behave: ({ query, send }) =>
            send(makeResponse(query, { authorities: zoneLines('com. 172800 NS a.gtld-servers.net.') })),
        }),
    ],
  ])('%s', async ([, start, timeoutMs = 20_000]) => {
    const first = await start();
    const second = await serve();
    const from = resolver([first, second], { timeoutMs });
    const got = await look(from, 'example.com');
    expect(got).toMatchObject({ outcome: 'found', reason: null, server: { port: second.port } });
    expect(formatRrset(got.rrset!)).toEqual(['example.com. 1800 IN MX 10 mx1.filter.example.net.']);
  });

  test('and where none has one, the reason names each server, its rcode and its extended error', async () => {
    const bogus = await serve({
      behave: ({ query, send }) =>
        send(
          makeResponse(query, {
            rcode: rcodes.SERVFAIL,
            edns: {
              udpSize: 1232,
              dnssecOk: false,
              extendedErrors: [{ code: 6, text: 'no SEP matching\u001b[2J the DS' }],
            },
          }),
        ),
    });
    const refusing = await serve({ behave: refuse(rcodes.REFUSED) });
    const dead = await closedPort();
    const got = await look(resolver([bogus, refusing, dead], { attempts: 2 }), 'example.com');
    expect(got).toMatchObject({ outcome: 'failed', rrset: null, server: { port: dead.port } });
    expect(got.reason).toBe(
      `SERVFAIL (extended error 6, DNSSEC bogus, "no SEP matching\\u001b[2J the DS") from 127.0.0.1#${bogus.port}; ` +
        `REFUSED from 127.0.0.1#${refusing.port}; ` +
        `127.0.0.1#${dead.port} refused the connection (nothing listens there)`,
    );
    expect(refusing.asked, 'a refusal is not asked for twice').toHaveLength(1);
    expect(bogus.asked).toHaveLength(2);
  });

  test('a hiccup of the only resolver is made up for by the second round', async () => {
    const server = await serve({
      behave: ({ count, query, reply, send }) =>
        send(count === 1 ? makeResponse(query, { rcode: rcodes.SERVFAIL }) : reply),
    });
    expect(await look(resolver([server], { attempts: 2 }), 'example.com')).toMatchObject({
      outcome: 'found',
    });
  });

  test('a dead one is asked last for half a minute, then first again', async () => {
    let now = 1_000_000;
    const first = await serve({ behave: ({ count, reply, send }) => count > 1 && send(reply) });
    const second = await serve();
    const from = resolver([first, second], { timeoutMs: 30, clock: { now: () => now } });
    const ports = [];
    for (const stepMs of [0, 29_999, 1]) {
      now += stepMs;
      ports.push((await look(from, 'example.com')).server.port);
    }
    expect(ports).toEqual([second.port, second.port, first.port]);
  });
});

describe('aliases', () => {
  const chain = (length: number) =>
    Array.from({ length }, (_, at) => `c${at}.example.com. 60 CNAME c${at + 1}.example.com.`).join('\n');
  const wwwChain = `${soa}\n c0.example.com. 60 CNAME c1.example.com.\n c1.example.com. 60 CNAME c2.example.com.\n c2.example.com. 60 A 192.0.2.80`;
  const firstOnly: DnsServerScript['behave'] = ({ reply, send }) =>
    send({ ...reply, answers: reply.answers.slice(0, 1), authorities: [] });

  test.for<[string, DnsServerScript]>([
    ['in one answer', { zone: wwwChain }],
    ['over several answers', { zone: wwwChain, behave: firstOnly }],
  ])('are followed %s', async ([, script]) => {
    const got = await look(resolver([await serve(script)]), 'c0.example.com', 'A');
    expect(got.aliases).toEqual(['c1.example.com.', 'c2.example.com.']);
    expect(formatRrset(got.rrset!)).toEqual(['c2.example.com. 60 IN A 192.0.2.80']);
  });

  test.for<[string, DnsServerScript, RegExp]>([
    ['a loop in one answer', {}, /^CNAME loop, at .* from 127/],
    ['a loop over several answers', { behave: firstOnly }, /^CNAME loop, at a.example.com., from 127/],
  ])('%s fails', async ([, script, reason]) => {
    const server = await serve({
      zone: 'a.example.com. 60 CNAME b.example.com.\n b.example.com. 60 CNAME a.example.com.',
      ...script,
    });
    const got = await look(resolver([server]), 'a.example.com');
    expect(got.outcome).toBe('failed');
    expect(got.reason).toMatch(reason);
  });

  test('an alias of itself fails', async () => {
    const server = await serve({ zone: 'a.example.com. 60 CNAME a.example.com.' });
    expect((await look(resolver([server]), 'a.example.com')).reason).toMatch(/^CNAME loop/);
  });

  test.for<[number, string, DnsServerScript, string]>([
    [8, 'one answer', {}, 'found'],
    [9, 'one answer', {}, 'failed'],
    [8, 'an answer each', { behave: firstOnly }, 'found'],
    [9, 'an answer each', { behave: firstOnly }, 'failed'],
  ])('a chain of %i in %s', async ([length, , script, outcome]) => {
    const server = await serve({
      zone: `${chain(length)}\n c${length}.example.com. 60 A 192.0.2.80`,
      ...script,
    });
    const got = await look(resolver([server]), 'c0.example.com', 'A');
    expect(got.outcome).toBe(outcome);
    expect(got.aliases).toHaveLength(8);
  });

  test('a chain that ends in nothing says what its end is', async () => {
    const server = await serve({ zone: `${soa}\n a.example.com. 60 CNAME gone.example.com.` });
    expect(await look(resolver([server]), 'a.example.com')).toMatchObject({
      outcome: 'nxdomain',
      aliases: ['gone.example.com.'],
      negativeTtl: 300,
    });
  });
});

describe('what the answer says is kept', () => {
  test('the TTL, the lowest where siblings differ', async () => {
    const server = await serve({
      zone: 'example.com. 3600 MX 20 mx2.example.net.\n example.com. 60 MX 10 mx1.example.net.',
    });
    const got = await look(resolver([server]), 'example.com');
    expect(formatRrset(got.rrset!)).toEqual([
      'example.com. 60 IN MX 10 mx1.example.net.',
      'example.com. 60 IN MX 20 mx2.example.net.',
    ]);
  });

  test('AD, which the question asks for', async () => {
    const plain = await serve();
    const validating = await serve({
      behave: ({ query, reply, send }) => send({ ...reply, authenticData: query.authenticData }),
    });
    expect((await look(resolver([plain]), 'example.com')).isAuthenticated).toBe(false);
    expect((await look(resolver([validating]), 'example.com')).isAuthenticated).toBe(true);
    expect(validating.asked[0]?.query).toMatchObject({ recursionDesired: true, authenticData: true });
  });

  test('no AD where one answer of a chain lacks it', async () => {
    const server = await serve({
      zone: 'a.example.com. 60 CNAME b.example.com.\n b.example.com. 60 A 192.0.2.80',
      behave: ({ count, reply, send }) =>
        send({ ...reply, answers: reply.answers.slice(0, 1), authenticData: count === 2 }),
    });
    const got = await look(resolver([server]), 'a.example.com', 'A');
    expect(got).toMatchObject({ outcome: 'found', isAuthenticated: false });
    expect(server.asked).toHaveLength(2);
  });

  test('records of other names in the answer are not', async () => {
    const server = await serve({
      behave: ({ reply, send }) =>
        send({ ...reply, answers: [...zoneLines('example.org. 1 MX 1 evil.example.'), ...reply.answers] }),
    });
    expect((await look(resolver([server]), 'example.com')).rrset?.rdata).toEqual([
      '10 mx1.filter.example.net.',
    ]);
  });

  const absences: [string, string, RrType, string, number | null][] = [
    [soa, 'www.example.com', 'MX', 'absent', 300],
    [soa, 'gone.example.com', 'MX', 'nxdomain', 300],
    [soa.replace('3600', '60'), 'gone.example.com', 'MX', 'nxdomain', 60],
    ['', 'www.example.com', 'MX', 'absent', null],
    ['', 'gone.example.com', 'MX', 'nxdomain', null],
  ];
  test.for(absences)('SOA `%s`, %s %s: %s for %s s', async ([line, name, type, outcome, negativeTtl]) => {
    const server = await serve({ zone: `${line}\n www.example.com. 60 A 192.0.2.80` });
    const got = await look(resolver([server]), name, type);
    expect(got).toMatchObject({ outcome, negativeTtl, rrset: null, reason: null });
  });

  test('the SOA of another zone bounds nothing', async () => {
    const server = await serve({
      behave: ({ query, send }) =>
        send(
          makeResponse(query, {
            rcode: rcodes.NXDOMAIN,
            authorities: zoneLines(soa.replace('.com', '.org')),
          }),
        ),
    });
    expect(await look(resolver([server]), 'gone.example.com')).toMatchObject({ negativeTtl: null });
  });
});

test('the same look-up by many at once is one question, and one who leaves does not spoil it', async () => {
  const abort = new AbortController();
  const server = await serve({
    behave: ({ reply, send }) => {
      abort.abort(new Error('Ctrl-C'));
      send(reply);
    },
  });
  const from = resolver([server]);
  const leaving = look(from, 'example.com', 'MX', abort.signal);
  const staying = Array.from({ length: 50 }, () => look(from, 'example.com'));
  await expect(leaving).rejects.toThrow('Ctrl-C');
  expect((await Promise.all(staying)).map((one) => one.outcome)).toEqual(Array(50).fill('found'));
  expect(server.asked).toHaveLength(1);
});

test('an abort ends the look-up, also between two rounds', async () => {
  const abort = new AbortController();
  const server = await serve({
    behave: ({ query, send }) => {
      send(makeResponse(query, { rcode: rcodes.SERVFAIL }));
      setImmediate(() => {
        abort.abort(new Error('Ctrl-C'));
      });
    },
  });
  const from = resolver([server], { attempts: 2, retryDelayMs: 600_000 });
  await expect(look(from, 'example.com', 'MX', abort.signal)).rejects.toThrow('Ctrl-C');
});

test('one server is asked by itself, each time anew', async () => {
  const other = await serve();
  const server = await serve();
  const from = resolver([other]);
  const asked = await Promise.all(
    [1, 2, 3].map(() => from.lookupAt(server, domainNameOf('example.com'), 'MX', never)),
  );
  expect(asked.map((one) => [one.outcome, one.server.port])).toEqual(Array(3).fill(['found', server.port]));
  expect([server.asked.length, other.asked.length]).toEqual([3, 0]);
});

test('without servers the system’s are asked', async () => {
  const server = await serve();
  const before = dns.getServers();
  dns.setServers([`127.0.0.1:${server.port}`]);
  try {
    expect(await look(resolver([]), 'example.com')).toMatchObject({ outcome: 'found' });
  } finally {
    dns.setServers(before);
  }
});
