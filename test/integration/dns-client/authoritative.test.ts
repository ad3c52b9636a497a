// Every authoritative server of a zone, each on an address of its own in 127/8 at one port, found through a resolver.

import { afterEach, describe, expect, test } from 'vitest';
import { type AuthorityReaderOptions, createAuthorityReader } from '../../../src/dns/authoritative.ts';
import { createDnsClient } from '../../../src/dns/client.ts';
import { makeResponse } from '../../../src/dns/encode.ts';
import { rcodes } from '../../../src/dns/message.ts';
import type { AuthorityAnswer, AuthorityReader, PublishedView } from '../../../src/dns/reader.ts';
import { createResolver } from '../../../src/dns/resolver.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { formatRrset, type RrType } from '../../../src/model/rrset.ts';
import type { ServerAddress } from '../../../src/model/route.ts';
import { type DnsServer, type DnsServerScript, startDnsServer } from '../../support/dns-server.ts';
import { zoneLines } from '../../support/zone-lines.ts';

const soa = 'example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300';
const before = `${soa}\n example.com. 3600 MX 10 mx1.filter.example.net.`;
const after = `${soa}\n example.com. 60 MX 10 mx.example.com.`;
/** As the resolver knows it: three servers, one of them with two addresses. */
const delegation = `
  example.com. 3600 NS ns2.example.com.
  example.com. 3600 NS ns1.example.com.
  ns1.example.com. 3600 A 127.0.0.1
  ns2.example.com. 3600 A 127.0.0.3
  ns2.example.com. 3600 A 127.0.0.2
`;
const never = new AbortController().signal;

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function serve(script: DnsServerScript): Promise<DnsServer> {
  const server = await startDnsServer(script);
  opened.push(server);
  return server;
}

/** Servers on 127.0.0.1, .2, .3 … at one port. */
async function serveAll(...scripts: DnsServerScript[]): Promise<DnsServer[]> {
  const servers: DnsServer[] = [];
  for (const [index, script] of scripts.entries()) {
    const address = `127.0.0.${index + 1}`;
    servers.push(await serve({ ...script, address, port: servers[0]?.port ?? 0 }));
  }
  return servers;
}

interface World {
  readonly reader: AuthorityReader;
  readonly resolver: DnsServer;
}

async function world(
  known: string,
  servers: readonly DnsServer[],
  options: Partial<AuthorityReaderOptions> = {},
): Promise<World> {
  const resolverServer = await serve({ zone: known });
  const client = createDnsClient({ retryDelayMs: 1 });
  const clock = options.clock ?? { now: () => 0 };
  const resolver = createResolver({
    servers: [resolverServer],
    timeoutMs: 20_000,
    attempts: 1,
    clock,
    client,
  });
  opened.push(client);
  const port = servers[0]?.port ?? 53;
  const reader = createAuthorityReader({
    resolver,
    client,
    clock,
    timeoutMs: 20_000,
    attempts: 1,
    port,
    ...options,
  });
  return { reader, resolver: resolverServer };
}

interface Asked {
  readonly owner?: string;
  readonly type?: RrType;
  readonly authorities?: readonly ServerAddress[];
  readonly signal?: AbortSignal;
}

const read = (reader: AuthorityReader, asked: Asked = {}): Promise<PublishedView> =>
  reader.readPublished(
    {
      zone: domainNameOf('example.com'),
      owner: domainNameOf(asked.owner ?? 'example.com'),
      type: asked.type ?? 'MX',
      authorities: asked.authorities ?? null,
    },
    asked.signal ?? never,
  );

/** `ns1 127.0.0.1 answer 3600 10 mx.` a line. */
const linesOf = (answers: readonly AuthorityAnswer[]) =>
  answers.map(({ server, outcome, rrset, negativeTtl, reason }) =>
    [
      server.name?.split('.')[0] ?? '-',
      server.address,
      outcome,
      ...(rrset === null
        ? []
        : formatRrset(rrset).map((line) => line.split(' ').toSpliced(2, 2).slice(1).join(' '))),
      ...(negativeTtl === null ? [] : [negativeTtl]),
      ...(reason === null ? [] : [reason]),
    ].join(' '),
  );

describe('all servers of the zone are asked, each directly', () => {
  test('and a stale secondary is seen, in the order of names and addresses', async () => {
    let now = 1_000_000;
    const servers = await serveAll({ zone: after }, { zone: after }, { zone: before });
    const { reader } = await world(delegation, servers, { clock: { now: () => now++ } });
    for (let time = 0; time < 3; time++) {
      const view = await read(reader);
      expect(linesOf(view.answers)).toEqual([
        'ns1 127.0.0.1 answer 60 10 mx.example.com.',
        'ns2 127.0.0.2 answer 60 10 mx.example.com.',
        'ns2 127.0.0.3 answer 3600 10 mx1.filter.example.net.',
      ]);
      expect(view).toMatchObject({ zone: 'example.com.', owner: 'example.com.', type: 'MX', fault: null });
      expect(view.answers.every((one) => one.at >= 1_000_000 && one.at < now)).toBe(true);
    }
    expect(servers.every((server) => server.asked.every((one) => !one.query.recursionDesired))).toBe(true);
  });

  test('one that is dead, lame, stuck or not there hides no other', async () => {
    const zone = `${delegation}
      example.com. 3600 NS ns3.example.com.
      example.com. 3600 NS ns4.example.com.
      example.com. 3600 NS ns5.example.com.
      ns3.example.com. 3600 A 127.0.0.9
      ns4.example.com. 3600 TXT "no address"
      other.example.com. 60 A 127.0.0.1`;
    const servers = await serveAll(
      { zone: before },
      { zone: before, flags: { isAuthoritative: false } },
      { behave: ({ query, send }) => send(makeResponse(query, { rcode: rcodes.SERVFAIL })) },
    );
    const { reader } = await world(zone, servers);
    const port = servers[0]!.port;
    expect(linesOf((await read(reader)).answers)).toEqual([
      'ns1 127.0.0.1 answer 3600 10 mx1.filter.example.net.',
      `ns2 127.0.0.2 lame 127.0.0.2#${port} does not answer for the zone: no AA bit`,
      `ns2 127.0.0.3 failed SERVFAIL from 127.0.0.3#${port}`,
      `ns3 127.0.0.9 failed 127.0.0.9#${port} refused the connection (nothing listens there)`,
      'ns4 unresolved failed name server ns4.example.com has no address',
      'ns5 unresolved failed name server ns5.example.com does not exist',
    ]);
  });

  test('a truncated answer is read over TCP', async () => {
    const [server] = await serveAll({
      zone: before,
      behave: ({ via, reply, send }) =>
        send(via === 'tcp' ? reply : { ...reply, isTruncated: true, answers: [] }),
    });
    const { reader } = await world('', []);
    expect(linesOf((await read(reader, { authorities: [server!] })).answers)).toEqual([
      '- 127.0.0.1 answer 3600 10 mx1.filter.example.net.',
    ]);
  });

  test('IPv6 that this machine cannot reach is told apart from a dead server', async () => {
    const servers = await serveAll({ zone: before });
    const { reader } = await world(
      `example.com. 60 NS ns1.example.com.
       ns1.example.com. 60 A 127.0.0.1
       ns1.example.com. 60 AAAA fe80::1`,
      servers,
    );
    const { answers } = await read(reader);
    expect(answers.map((one) => [one.server.address, one.outcome])).toEqual([
      ['127.0.0.1', 'answer'],
      ['fe80::1', 'failed'],
    ]);
    expect(answers[1]?.reason).toMatch(/^no route from here to fe80::1#/);
  });
});

describe('what a server says', () => {
  const says: [string, DnsServerScript, Asked, string][] = [
    ['NODATA', { zone: soa }, {}, 'absent 300'],
    ['NXDOMAIN', { zone: soa }, { owner: 'in.example.com' }, 'absent 300'],
    [
      'NXDOMAIN without AA',
      { zone: soa, flags: { isAuthoritative: false } },
      { owner: 'in.example.com' },
      'lame 127.0.0.1#PORT does not answer for the zone: no AA bit',
    ],
    [
      'REFUSED',
      { behave: ({ query, send }) => send(makeResponse(query, { rcode: rcodes.REFUSED })) },
      {},
      'lame REFUSED from 127.0.0.1#PORT',
    ],
    [
      'a referral to a zone below',
      {
        behave: ({ query, send }) =>
          send(makeResponse(query, { authorities: zoneLines('in.example.com. 60 NS ns.example.org.') })),
      },
      { owner: 'in.example.com' },
      'lame 127.0.0.1#PORT does not answer for the zone: it refers to in.example.com.',
    ],
    [
      'an alias, which is neither an answer nor an absence',
      { zone: `${soa}\n in.example.com. 60 CNAME example.com.\n example.com. 60 MX 10 mx.example.com.` },
      { owner: 'in.example.com' },
      'failed in.example.com: 127.0.0.1#PORT says it is an alias (CNAME) of example.com',
    ],
    [
      'an alias of a name that is not there',
      { zone: `${soa}\n in.example.com. 60 CNAME gone.example.com.` },
      { owner: 'in.example.com' },
      'failed in.example.com: 127.0.0.1#PORT says it is an alias (CNAME) of gone.example.com',
    ],
    [
      'siblings with two TTLs: the lower holds',
      { zone: 'example.com. 3600 MX 10 a.example.\n example.com. 60 MX 20 b.example.' },
      {},
      'answer 60 10 a.example. 60 20 b.example.',
    ],
  ];
  test.for(says)('%s', async ([, script, asked, line]) => {
    const [server] = await serveAll(script);
    const { reader } = await world('', []);
    const { answers, fault } = await read(reader, { ...asked, authorities: [server!] });
    expect(fault).toBeNull();
    expect(linesOf(answers)).toEqual([`- 127.0.0.1 ${line.replace('PORT', String(server!.port))}`]);
  });
});

describe('without a list of servers there is a fault', () => {
  const faults: [string, string, Asked, RegExp][] = [
    ['the zone does not exist', 'example.org. 60 A 192.0.2.1', {}, /^example\.com does not exist in DNS$/],
    [
      'the name is no apex',
      'example.com. 60 A 192.0.2.1',
      {},
      /^example\.com has no NS records, so it is not the apex of a zone$/,
    ],
    [
      'the name is an alias',
      'example.com. 60 CNAME example.org.\n example.org. 60 NS ns1.example.org.',
      {},
      /^example\.com is an alias \(CNAME\), so it is no zone$/,
    ],
    [
      'the owner is elsewhere',
      delegation,
      { owner: 'example.org' },
      /^example\.org is not in zone example\.com$/,
    ],
    [
      'there are too many to be true',
      Array.from({ length: 33 }, (_, at) => `example.com. 60 NS ns${at}.example.com.`).join('\n'),
      {},
      /^example\.com has 33 name servers, more than the 32 read$/,
    ],
  ];
  test.for(faults)('%s', async ([, known, asked, fault]) => {
    const { reader } = await world(known, []);
    const view = await read(reader, asked);
    expect(view.answers).toEqual([]);
    expect(view.fault).toMatch(fault);
  });

  test('the resolver has no answer', async () => {
    const { reader, resolver } = await world('', []);
    await resolver.close();
    const view = await read(reader);
    expect(view.fault).toBe(
      `cannot find the name servers of example.com: 127.0.0.1#${resolver.port} refused the connection (nothing listens there)`,
    );
    opened.splice(opened.indexOf(resolver), 1);
  });
});

describe('what need not be asked again is not', () => {
  test('the list of servers, for as long as its TTL', async () => {
    let now = 0;
    const servers = await serveAll({ zone: before }, { zone: before }, { zone: before });
    const known = delegation.replaceAll('3600', '600').replace('600 A 127.0.0.1', '60 A 127.0.0.1');
    const { reader, resolver } = await world(known, servers, { clock: { now: () => now } });
    const owners = Array.from({ length: 20 }, (_, at) => `d${at}.example.com`);
    await Promise.all(owners.map((owner) => read(reader, { owner })));
    expect(resolver.asked.length, 'NS, and A and AAAA of both names').toBe(5);
    now = 59_999;
    await read(reader);
    expect(resolver.asked).toHaveLength(5);
    now = 60_000;
    await read(reader);
    expect(resolver.asked).toHaveLength(10);
    expect(
      servers.map((server) => server.asked.length),
      'the RRset itself is always asked for',
    ).toEqual([22, 22, 22]);
  });

  test('the same question at the same time', async () => {
    const servers = await serveAll({ zone: before }, { zone: before }, { zone: before });
    const { reader } = await world(delegation, servers);
    const views = await Promise.all(Array.from({ length: 10 }, () => read(reader)));
    expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(1);
    expect(servers.map((server) => server.asked.length)).toEqual([1, 1, 1]);
    await read(reader);
    expect(
      servers.map((server) => server.asked.length),
      'and later anew',
    ).toEqual([2, 2, 2]);
  });

  test('the resolver, where the authorities are given', async () => {
    const servers = await serveAll({ zone: before }, { zone: after });
    const { reader, resolver } = await world(delegation, servers);
    const { answers } = await read(reader, { authorities: [servers[1]!, servers[0]!] });
    expect(linesOf(answers)).toEqual([
      '- 127.0.0.2 answer 60 10 mx.example.com.',
      '- 127.0.0.1 answer 3600 10 mx1.filter.example.net.',
    ]);
    expect(resolver.asked).toEqual([]);
  });
});

test('an abort ends the read at once, whatever is still out', async () => {
  const abort = new AbortController();
  const servers = await serveAll(
    { zone: before },
    {
      behave: () => {
        abort.abort(new Error('Ctrl-C'));
      },
    },
    { behave: () => {} },
  );
  const { reader } = await world(delegation, servers);
  await expect(read(reader, { signal: abort.signal })).rejects.toThrow('Ctrl-C');
});
