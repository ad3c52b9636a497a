// A write that takes effect after the journal had given it up: its run stood still with the message on its way.

import { expect, it } from 'vitest';

import { desiredRrset, placesOf } from '../../../src/change/published.ts';
import { ProviderError } from '../../../src/errors.ts';
import { pathOf } from '../../../src/model/route.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { AppWorld, laidOver } from '../../support/app-world.ts';

const owners = ['example.com', 'in.example.com'] as const;

/** A run whose message to the provider never arrives while it lives: it stops there for good. */
function stuckAtTheWrite(world: AppWorld): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const real = world.provider('bind');
  const provider: Provider = laidOver(real, {
    replaceRrsets: () => {
      resolve(undefined);
      return new Promise(() => {});
    },
  });
  void world.run({ holder: 'there:1:run', provider: () => Promise.resolve(provider) });
  return promise;
}

it('is told as what it was, once, and comes back as any other flip', async () => {
  const world = await AppWorld.open();
  await world.runs(3);
  world.hops.set('mx1.filter.example.net', '-');
  world.hops.set('mx2.filter.example.net', '-');
  await stuckAtTheWrite(world);
  // Its leases run out. Another machine finds nothing of the write, and has nowhere to move to.
  world.dead.add('there:1:run');
  world.hops.set('mx.example.com', '-');
  await world.run();
  expect(await world.journal()).toEqual(['failover proxy->direct failed']);

  for (const place of placesOf(world.route())) {
    const rrset = desiredRrset(world.route(), pathOf(world.route(), 'direct')!, place, 60)!;
    world.edit(place.owner.slice(0, -1), 'MX', 60, ...rrset.rdata);
  }
  await world.runs(2);
  expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  expect(owners.map((one) => world.published(one))).toEqual(
    owners.map(() => '10 mx.example.com. 90 spool.example.org. ttl 60'),
  );
});

it('does not take somebody else’s hand for its own where the provider had refused', async () => {
  const world = await AppWorld.open();
  await world.runs(3);
  world.hops.set('mx1.filter.example.net', '-');
  world.hops.set('mx2.filter.example.net', '-');
  const refusing: Provider = laidOver(world.provider('bind'), {
    replaceRrsets: () => Promise.reject(new ProviderError('provider-refused', 'not with this key')),
  });
  await world.run({ provider: () => Promise.resolve(refusing) });
  world.hops.set('mx.example.com', '-');
  for (const owner of owners) world.edit(owner, 'MX', 60, '10 mx.example.com.', '90 spool.example.org.');
  await world.runs(2);
  expect(new Set(await world.journal())).toEqual(new Set(['failover proxy->direct failed']));
});
