// The suite that every real primary must pass: the provider contract, and what only its answers can show.

import { describe, expect, it } from 'vitest';

import { domainNameOf } from '../../src/model/domain-name.ts';
import type { ServerAddress } from '../../src/model/route.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import { Secret } from '../../src/model/secret.ts';
import { createRfc2136Provider } from '../../src/providers/rfc2136/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { describeProviderContract } from './provider-contract.ts';
import type { ProviderWorld } from './provider-world.ts';
import { type RealPrimary, realKey, realZones } from './real-primary.ts';
import { startUpdateProxy } from './update-proxy.ts';

function providerAt(
  server: ServerAddress,
  parts: { secret?: string; name?: string; isSigned?: boolean; clockOff?: number } = {},
): Provider {
  const { secret = realKey.secret, name = realKey.name, isSigned = true, clockOff = 0 } = parts;
  const tsig = { name: domainNameOf(name), algorithm: realKey.algorithm, secret: new Secret(secret) };
  return createRfc2136Provider(
    { name: 'real', server, tsig: isSigned ? tsig : null, timeoutMs: 5000 },
    { clock: { now: () => Date.now() + clockOff * 1000, sleep: () => Promise.resolve() } },
  );
}

export interface RealPrimaryTraits {
  /** What it says to an UPDATE whose MX leads to a name of the zone without address. */
  readonly danglingTarget: 'refused' | 'taken';
}

export function describeRealPrimary(
  title: string,
  start: () => Promise<RealPrimary>,
  traits: RealPrimaryTraits,
): void {
  const [zone, otherZone] = realZones as [(typeof realZones)[0], (typeof realZones)[0]];
  const never = new AbortController().signal;

  const cannot = { throttle: 'RFC 2136 knows no rate that could be exceeded' };
  const makeWorld = async (): Promise<ProviderWorld> => {
    const primary = await start();
    const { server } = primary;
    const proxy = await startUpdateProxy(server.port);
    return {
      ...primary,
      provider: providerAt({ ...server, port: proxy.port }),
      zone,
      otherZone,
      unknownZone: domainNameOf('unknown.example.'),
      withWrongCredentials: () => providerAt(server, { secret: 'b3RoZXI=' }),
      withClockOff: (seconds) => providerAt(server, { clockOff: seconds }),
      withNobodyThere: () => providerAt({ address: '127.255.255.254', port: 1 }),
      faults: proxy.faults,
      close: async () => {
        await proxy.close();
        await primary.close();
      },
    };
  };
  describeProviderContract(`${title} keeps the contract of a provider`, makeWorld, cannot);

  describe(title, () => {
    const direct = rrsetOf(zone, 'MX', 60, ['10 mx.example.org.']);
    const create = { owner: zone, type: 'MX', expected: null, desired: direct } as const;

    it('says what is wrong with key, rights, clock and target', async () => {
      const primary = await start();
      try {
        const tell = (
          provider: Provider,
          change: Parameters<Provider['replaceRrsets']>[1][number] = create,
        ) =>
          provider.replaceRrsets(zone, [change], never).then(
            (outcomes) => outcomes[0]?.state,
            (error: unknown) => (error as Error).message,
          );
        const { server } = primary;
        expect(await tell(providerAt(server, { name: 'else.' }))).toContain('knows no TSIG key else');
        expect(await tell(providerAt(server, { secret: 'b3RoZXI=' }))).toContain('(BADSIG)');
        expect(await tell(providerAt(server, { clockOff: -3600 }))).toMatch(/is (3599|360[0-5]) s ahead of/);
        expect(await tell(providerAt(server, { isSigned: false }))).toMatch(
          /unsigned update|wants a TSIG key/,
        );
        expect(await primary.read(zone, 'MX')).toBeNull();
        const dangling = { ...create, desired: rrsetOf(zone, 'MX', 60, [`10 mx.${zone}`]) };
        expect(await tell(providerAt(server), dangling)).toMatch(
          traits.danglingTarget === 'refused' ? /refused the update.*REFUSED/ : /^applied$/,
        );
      } finally {
        await primary.close();
      }
    });

    it('moves a hundred RRsets in one batch', async () => {
      const primary = await start();
      try {
        const changes = Array.from({ length: 100 }, (_, n) => {
          const owner = domainNameOf(`customer${n}.${zone}`);
          const rdata = Array.from({ length: 5 }, (_unused, m) => `${m} mx${m}.some-filter.example.net.`);
          return { owner, type: 'MX', expected: null, desired: rrsetOf(owner, 'MX', 60, rdata) } as const;
        });
        const provider = providerAt(primary.server);
        const states = (await provider.replaceRrsets(zone, changes, never)).map((one) => one.state);
        expect(new Set(states)).toEqual(new Set(['applied']));
        expect(await primary.read(changes[99]!.owner, 'MX')).toEqual(changes[99]!.desired);
      } finally {
        await primary.close();
      }
    });
  });
}
