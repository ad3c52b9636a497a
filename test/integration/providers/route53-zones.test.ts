import { beforeEach, describe, expect, it } from 'vitest';

import { domainNameOf, type DomainName } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import type { ZoneChange } from '../../../src/providers/provider.ts';
import { failureOf, never, statesOf } from '../../support/provider-world.ts';
import { providerAt, useRoute53 } from '../../support/route53-world.ts';

const zone = domainNameOf('example.com.');

describe('route53, of zones and of many names', () => {
  const bench = useRoute53();
  const { proxy, direct, hold, replace, calls } = bench;
  let { fake, endpoint, home } = bench;
  beforeEach(() => {
    ({ fake, endpoint, home } = bench);
  });

  describe('the zone', () => {
    it('is the one of exactly that name, though the search goes on from it', async () => {
      fake.addZone('example.com.evil.example');
      fake.addZone('aexample.com');
      fake.zones.reverse();
      hold();
      expect(await replace()).toEqual([{ state: 'applied' }]);
      const other = await failureOf(
        providerAt(endpoint).readRrset(domainNameOf('ample.com.'), domainNameOf('ample.com.'), 'MX', never),
      );
      expect(other).toMatchObject({ code: 'zone-unknown', exitCode: 78 });
    });

    it('is public: a private one of the same name is passed over', async () => {
      fake.zones.length = 0;
      fake.addZone('example.com', { id: 'Z0PRIVATE', isPrivate: true });
      expect(await failureOf(replace())).toMatchObject({ code: 'zone-unknown' });
      bench.home = fake.addZone('example.com', { id: 'Z1PUBLIC' });
      hold();
      expect(await replace()).toEqual([{ state: 'applied' }]);
    });

    it('of several with one name is the one the world is sent to', async () => {
      fake.addZone('example.com', { id: 'Z9', nameServers: ['ns-9.awsdns-9.org'] });
      hold();
      const delegatedTo = (...names: string[]) =>
        providerAt(endpoint, {}, { lookupNs: () => Promise.resolve(names.map(domainNameOf)) });
      expect(await replace(delegatedTo('ns-2.awsdns-0.com.', 'NS-1.awsdns-0.org.'))).toEqual([
        { state: 'applied' },
      ]);
      expect(calls('GetHostedZone')).toHaveLength(2);
      const elsewhere = await failureOf(replace(delegatedTo('ns.example.net.')));
      expect(elsewhere).toMatchObject({ code: 'zone-unknown', exitCode: 78 });
      expect(elsewhere.message).toContain('2 public hosted zones are called example.com (Z0000FAKE, Z9)');
      expect(elsewhere.hint).toContain('hosted_zones: {example.com: Z0000FAKE}');
      expect((await failureOf(replace())).message).toContain('DNS does not say');
      fake.addZone('example.com', { id: 'ZZ', nameServers: ['ns-9.awsdns-9.org'] });
      expect((await failureOf(replace(delegatedTo('ns-9.awsdns-9.org.')))).message).toContain('(Z9, ZZ)');
    });

    it('of several with one name is found over pages of the listing', async () => {
      fake.addZone('example.com', { id: 'Z9', nameServers: ['ns-9.awsdns-9.org'] });
      fake.zonesPerPage = 1;
      const error = await failureOf(replace());
      expect(error.message).toContain('2 public hosted zones');
    });

    it('given by its id is checked by one look, and may share its name', async () => {
      fake.addZone('example.com', { id: 'Z9' });
      hold();
      const hosted = (id: string) => providerAt(endpoint, { hostedZones: { [zone]: id } });
      expect(await replace(hosted('Z0000FAKE'))).toEqual([{ state: 'applied' }]);
      expect(calls('ListHostedZonesByName')).toEqual([]);
      fake.addZone('shop.example', { id: 'Z7' });
      fake.addZone('example.com', { id: 'Z8', isPrivate: true });
      expect((await failureOf(replace(hosted('Z7')))).message).toContain(
        'Z7, given for example.com, is called shop.example.',
      );
      expect((await failureOf(replace(hosted('Z8')))).message).toContain('is private');
      expect(await failureOf(replace(hosted('Z404')))).toMatchObject({ code: 'zone-unknown', exitCode: 78 });
    });

    it('is the longest that holds the name: one below it is not written past', async () => {
      fake.addZone('in.example.com');
      fake.addZone('private.example.com', { isPrivate: true });
      const owner = domainNameOf('mail.in.example.com.');
      const provider = providerAt(endpoint);
      const error = await failureOf(provider.readRrset(zone, owner, 'MX', never));
      expect(error).toMatchObject({ code: 'name-outside-zone', exitCode: 78 });
      expect(error.message).toBe('mail.in.example.com is in hosted zone in.example.com, not in example.com');
      expect(await provider.readRrset(zone, domainNameOf('x.private.example.com.'), 'MX', never)).toBeNull();
      expect(await provider.readRrset(zone, zone, 'MX', never)).toBeNull();
    });

    it('that does not exist is told with the one above it', async () => {
      const inner = domainNameOf('mail.eu.example.com.');
      const error = await failureOf(providerAt(endpoint).readRrset(inner, inner, 'MX', never));
      expect(error).toMatchObject({ code: 'zone-unknown' });
      expect(error.hint).toContain('There is example.com');
    });

    it('is found once, and again after it was gone', async () => {
      const provider = providerAt(endpoint);
      await provider.readRrset(zone, zone, 'MX', never);
      await provider.readRrset(zone, zone, 'MX', never);
      expect(calls('ListHostedZonesByName')).toHaveLength(1);
      fake.zones.length = 0;
      expect(await failureOf(provider.readRrset(zone, zone, 'MX', never))).toMatchObject({
        code: 'zone-unknown',
      });
      fake.addZone('example.com', { id: 'ZNEW' });
      expect(await provider.readRrset(zone, zone, 'MX', never)).toBeNull();
    });
  });

  describe('many names', () => {
    const names = (count: number) =>
      Array.from({ length: count }, (_, n) => domainNameOf(`c${n}.example.com.`));
    const changesOf = (owners: readonly DomainName[], expected: typeof proxy | null, desired = direct) =>
      owners.map((owner): ZoneChange => ({
        owner,
        type: 'MX',
        expected: expected === null ? null : { ...expected, owner },
        desired: { ...desired, owner },
      }));

    it('are read in no more pages than hold them, in the order asked', async () => {
      const owners = names(700);
      for (const name of owners) home.put({ name, type: 'MX', ttl: 60, values: direct.rdata });
      const asked = [...owners, domainNameOf('nowhere.example.com.'), zone].reverse();
      const live = await providerAt(endpoint).readRrsets(
        zone,
        asked.map((owner) => ({ owner, type: 'MX' })),
        never,
      );
      expect(live).toEqual(asked.map((owner) => (owner.startsWith('c') ? { ...direct, owner } : null)));
      // 702 record sets in the zone, 300 a page.
      expect(calls('ListResourceRecordSets')).toHaveLength(3);
    });

    it('that lie far apart are looked up without what is between', async () => {
      for (const name of names(2000)) home.put({ name, type: 'MX', ttl: 60, values: direct.rdata });
      const asked = ['c1.example.com.', 'c999.example.com.'].map(domainNameOf);
      const live = await providerAt(endpoint).readRrsets(
        zone,
        asked.map((owner) => ({ owner, type: 'MX' })),
        never,
      );
      expect(live).toEqual(asked.map((owner) => ({ ...direct, owner })));
      expect(calls('ListResourceRecordSets')).toHaveLength(2);
    });

    it.each([1, 2, 3, 7])('come out the same on pages of %i', async (pageSize) => {
      fake.pageSize = pageSize;
      const texts = ['*', 'a', 'a-b', 'a.b', 'a\\032', 'a!', 'aa', 'b\\.c', 'z', 'x.a', 'x-', 'x~'];
      const owners = texts.map((text) => domainNameOf(`${text}.example.com.`));
      const provider = providerAt(endpoint);
      await replace(provider, changesOf(owners, null));
      for (const owner of owners)
        home.put({
          name: domainNameOf('a.example.com.'),
          type: 'TXT',
          ttl: 1,
          values: [`"${owner.length}"`],
        });
      const asked = [
        ...owners,
        ...['0', 'a.a', 'm', 'zz', 'x.x'].map((text) => domainNameOf(`${text}.example.com.`)),
      ];
      const live = await provider.readRrsets(
        zone,
        asked.map((owner) => ({ owner, type: 'MX' })),
        never,
      );
      expect(live).toEqual(asked.map((owner) => (owners.includes(owner) ? { ...direct, owner } : null)));
    });

    it('go in batches of at most 1,000 values, each waiting for the one before', async () => {
      const owners = names(700);
      for (const name of owners) home.put({ name, type: 'MX', ttl: 3600, values: proxy.rdata });
      const provider = providerAt(endpoint);
      const outcomes = await replace(provider, changesOf(owners, proxy));
      expect(new Set(statesOf(outcomes))).toEqual(new Set(['applied']));
      // Two values out and one in: 333 names a batch.
      expect(calls('ChangeResourceRecordSets')).toHaveLength(3);
      expect(fake.largest.elements).toBe(999);
      expect(calls('GetChange').every((line) => line === 'GetChange C000000000003')).toBe(true);
    });

    it('go in batches of at most 32,000 characters', async () => {
      const hundred = `10 ${'x'.repeat(48)}.${'y'.repeat(47)}.`;
      const wanted = rrsetOf(zone, 'MX', 60, [hundred]);
      const outcomes = await replace(providerAt(endpoint), changesOf(names(640), null, wanted));
      expect(new Set(statesOf(outcomes))).toEqual(new Set(['applied']));
      expect(calls('ChangeResourceRecordSets')).toHaveLength(2);
      expect(fake.largest.characters).toBe(32_000);
    });

    it('of which one is too large for any batch are refused before anything is sent', async () => {
      const many = Array.from({ length: 1001 }, (_, n) => `${n} mx.example.org.`);
      const error = await failureOf(
        replace(providerAt(endpoint), changesOf(names(2), null, rrsetOf(zone, 'MX', 60, many))),
      );
      expect(error).toMatchObject({ code: 'provider-refused' });
      expect(calls('ChangeResourceRecordSets')).toEqual([]);
    });

    it('whose second batch fails are told one by one: applied, conflict, skipped', async () => {
      const owners = names(1100);
      let batch = 0;
      fake.beforeChange = () => {
        if (++batch === 2) home.put({ name: owners[600]!, type: 'MX', ttl: 1, values: ['1 else.example.'] });
      };
      const outcomes = await replace(providerAt(endpoint), changesOf(owners, null, { ...proxy }));
      expect(statesOf(outcomes.slice(0, 500))).toEqual(Array(500).fill('applied'));
      expect(outcomes[600]).toMatchObject({ state: 'conflict', live: { ttl: 1 } });
      expect(new Set(statesOf([...outcomes.slice(500, 600), ...outcomes.slice(601)]))).toEqual(
        new Set(['skipped']),
      );
      expect(outcomes[1099]).toMatchObject({ reason: 'an earlier batch of the zone was not applied' });
      expect(home.find(owners[500]!, 'MX')).toBeUndefined();
    });

    it('whose second batch is refused outright keep what the first did', async () => {
      const owners = names(600);
      let batch = 0;
      fake.beforeChange = () => {
        if (++batch === 1) fake.denied.add('route53:ChangeResourceRecordSets');
      };
      const outcomes = await replace(providerAt(endpoint), changesOf(owners, null, proxy));
      expect(outcomes[0]).toEqual({ state: 'applied' });
      expect(outcomes[599]).toMatchObject({ state: 'skipped' });
      expect(outcomes[599]).toHaveProperty(
        'reason',
        expect.stringContaining('route53:ChangeResourceRecordSets'),
      );
    });

    it('cancelled half way keep what was done, and say what was not', async () => {
      const owners = names(1100);
      const abort = new AbortController();
      let batch = 0;
      fake.beforeChange = () => {
        if (++batch === 2) abort.abort(new Error('Ctrl-C'));
      };
      const outcomes = await replace(providerAt(endpoint), changesOf(owners, null, proxy), abort.signal);
      expect(statesOf([outcomes[0]!, outcomes[999]!, outcomes[1000]!])).toEqual([
        'applied',
        'applied',
        'skipped',
      ]);
      expect(calls('ChangeResourceRecordSets')).toHaveLength(2);
    });

    it('whose second reply is lost stop there, with its fate told', async () => {
      const owners = names(1600);
      let batch = 0;
      fake.beforeChange = () => {
        if (++batch === 1) fake.faults.push('lose-after');
      };
      const outcomes = await replace(providerAt(endpoint), changesOf(owners, null, proxy));
      expect(new Set(statesOf(outcomes))).toEqual(new Set(['applied']));
    });
  });
});
