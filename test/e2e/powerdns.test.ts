//   mxctl's powerdns adapter ==HTTP API==> pdns_server (PowerDNS, SQLite), zones example.com and shop.example
//   the API by hand, dig     ===========> the same: what was there before, what is there after

import { describe, expect, it } from 'vitest';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import { Secret } from '../../src/model/secret.ts';
import { createPowerdnsProvider } from '../../src/providers/powerdns/index.ts';
import { missingCommand, realZones } from '../support/real-primary.ts';
import { realApiKey, startPowerdns } from '../support/real-powerdns.ts';
import { describePowerdnsRefusals } from '../support/powerdns-refusals.ts';
import { describeProviderContract } from '../support/provider-contract.ts';
import type { ProviderWorld } from '../support/provider-world.ts';
import { startUpdateProxy } from '../support/update-proxy.ts';

const missing = missingCommand('pdns_server', 'pdnsutil', 'sqlite3', 'dig');
const [zone, otherZone] = realZones as [(typeof realZones)[0], (typeof realZones)[0]];
const never = new AbortController().signal;

const providerAt = (url: string, apiKey = realApiKey) =>
  createPowerdnsProvider(
    { name: 'pdns', url, apiKey: new Secret(apiKey), serverId: 'localhost', timeoutMs: 5000 },
    { clock: { now: () => 0, sleep: () => Promise.resolve() } },
  );

if (missing !== null)
  describe('powerdns with PowerDNS', () => {
    it.skip(`${missing} is not installed`, () => {});
  });
else {
  const cannot = {
    throttle: 'the API has no rate limit',
    careForClock: 'an API key carries no time',
    seeRaces: 'the API takes no precondition (compareAndSet: none)',
  };
  const makeWorld = async (): Promise<ProviderWorld> => {
    const server = await startPowerdns();
    const proxy = await startUpdateProxy(Number(new URL(server.url).port));
    return {
      ...server,
      provider: providerAt(`http://127.0.0.1:${proxy.port}`),
      zone,
      otherZone,
      unknownZone: domainNameOf('unknown.example.'),
      withWrongCredentials: () => providerAt(server.url, 'else'),
      withClockOff: null,
      withNobodyThere: () => providerAt('http://127.255.255.254:1'),
      faults: proxy.faults,
      close: async () => {
        await proxy.close();
        await server.close();
      },
    };
  };
  describeProviderContract('powerdns with PowerDNS keeps the contract of a provider', makeWorld, cannot);

  describe('PowerDNS itself answers as the fake', () => {
    describePowerdnsRefusals(async () => ({ ...(await startPowerdns()), apiKey: realApiKey }));
  });

  describe('powerdns with PowerDNS', () => {
    it('tells that changes by the API will not raise the serial, and how to mend it', async () => {
      const server = await startPowerdns();
      try {
        const provider = providerAt(server.url);
        expect(await provider.readNotes?.(zone, never)).toEqual([]);
        server.pdnsutil('set-kind', 'example.com', 'primary');
        server.pdnsutil('set-meta', 'example.com', 'SOA-EDIT-API');
        expect(await provider.readNotes?.(zone, never)).toEqual([
          expect.stringContaining('SOA-EDIT-API DEFAULT'),
        ]);
        server.pdnsutil('set-meta', 'example.com', 'SOA-EDIT-API', 'DEFAULT');
        expect(await provider.readNotes?.(zone, never)).toEqual([]);
      } finally {
        await server.close();
      }
    });

    it('takes names as they were typed for the same names', async () => {
      const server = await startPowerdns();
      try {
        const typed = rrsetOf(zone, 'MX', 300, ['10 MX1.Filter.Example.NET.']);
        await server.write(zone, 'MX', typed);
        expect(await providerAt(server.url).readRrset(zone, zone, 'MX', never)).toEqual({
          ...typed,
          rdata: ['10 mx1.filter.example.net.'],
        });
      } finally {
        await server.close();
      }
    });
  });
}
