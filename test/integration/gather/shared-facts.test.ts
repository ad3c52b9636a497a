// Domains that publish the same: their exchanges are looked at once, and facts of them are the very same; but not what is
// unknown, which may be known a moment later.

import { expect, it, onTestFinished } from 'vitest';
import { rcodes } from '../../../src/dns/message.ts';
import { createGatherer } from '../../../src/gather/create.ts';
import type { Gatherer, GatherWants } from '../../../src/gather/gather.ts';
import type { DomainFacts } from '../../../src/model/audit.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { startDnsServer } from '../../support/dns-server.ts';

const zone = `
  com. 60 SOA ns.com. root.com. 1 2 3 4 60
  one.com. 300 MX 10 mx.host.com.
  two.com. 60 MX 10 mx.host.com.
  three.com. 60 MX 10 lost.host.com.
  four.com. 60 MX 10 lost.host.com.
  mx.host.com. 300 A 192.0.2.1`;
const only: GatherWants = {
  ...{ sts: false, dane: false, tlsRpt: false, spf: false, authorities: false, deep: false },
};

async function open(): Promise<Gatherer> {
  const dns = await startDnsServer({
    zone,
    behave: ({ query, reply, send }) => {
      const isLost = query.questions[0]?.name.startsWith('lost.') === true;
      send(isLost ? { ...reply, rcode: rcodes.SERVFAIL, answers: [] } : reply);
    },
  });
  const gatherer = createGatherer({
    ...{ resolvers: [dns], qps: null, concurrency: null, readSts: null, readDane: null, probe: null },
    ...{ threads: 0, clock: { now: () => Date.now() }, timeoutMs: 20_000 },
  });
  onTestFinished(async () => {
    await gatherer.close();
    await dns.close();
  });
  return gatherer;
}

const factsFor = (gatherer: Gatherer, name: string, wants = only) =>
  new Promise<DomainFacts>((take, fail) => {
    gatherer.gatherFor(domainNameOf(name), wants, { take, fail });
  });

it('facts of exchanges are the same objects, and each domain has its own TTL', async () => {
  const gatherer = await open();
  const one = await factsFor(gatherer, 'one.com');
  const two = await factsFor(gatherer, 'two.com');
  expect(two.exchanges).toBe(one.exchanges);
  expect([one, two].map(({ domain, mx }) => `${domain} ${mx.ttl}`)).toEqual(['one.com. 300', 'two.com. 60']);
  expect(gatherer.counters).toMatchObject({ domains: 2, exchanges: 1 });
});

it('what else is asked for is not left out because the exchanges are known', async () => {
  const gatherer = await open();
  await factsFor(gatherer, 'one.com');
  expect((await factsFor(gatherer, 'two.com')).tlsRpt).toBeNull();
  const more = await factsFor(gatherer, 'two.com', { ...only, tlsRpt: true });
  expect(more.tlsRpt?.outcome).toBe('nxdomain');
  const others = await factsFor(gatherer, 'two.com', {
    ...only,
    failoverHosts: () => [domainNameOf('mx.host.com'), domainNameOf('spool.host.com')],
  });
  expect(others.failover.map(({ exchange }) => exchange)).toEqual(['spool.host.com.']);
});

it('an exchange of which nothing is known is not held to be known', async () => {
  const gatherer = await open();
  const three = await factsFor(gatherer, 'three.com');
  const four = await factsFor(gatherer, 'four.com');
  expect(three.exchanges[0]?.addresses.outcome).toBe('unknown');
  expect(four.exchanges).toEqual(three.exchanges);
  expect(four.exchanges).not.toBe(three.exchanges);
});

it('a gatherer that is closed says so to whoever waits', async () => {
  const gatherer = await open();
  await gatherer.close();
  await expect(factsFor(gatherer, 'one.com')).rejects.toThrow();
});
