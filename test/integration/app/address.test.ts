// Customers' MX names our host; its addresses move. A and AAAA of one owner are two RRsets: no moment, at no server,
// may there be neither.

import { describe, expect, it } from 'vitest';

import type { Provider } from '../../../src/providers/provider.ts';
import { AppWorld, laidOver } from '../../support/app-world.ts';

const host = 'mx1.example.com';

/** `fra` has both families, `ams` IPv4 only, `six` IPv6 only. */
const open = () =>
  AppWorld.open({
    routes: [
      {
        lines: `
          owners ${host}
          ttl 300/60
          fra: ${host}=192.0.2.10, ${host}=2001:db8:f::10
          ams: ${host}=198.51.100.10
          six: ${host}=2001:db8:6::10`,
      },
    ],
  });

/** What the primary holds, A then AAAA. */
const addresses = (world: AppWorld) => [world.published(host, 'A'), world.published(host, 'AAAA')];

const fra = ['192.0.2.10 ttl 300', '2001:db8:f::10 ttl 300'];

/** A provider that takes one RRset at a time, so that each step of a plan is seen by the world. */
const oneByOne = (world: AppWorld): Provider => {
  const real = world.provider('bind');
  return laidOver(real, { capabilities: { ...real.capabilities, maxBatch: 1, hasAtomicBatch: false } });
};

/** The holdings between any two UPDATEs. */
function statesOf(world: AppWorld): string[][] {
  const states: string[][] = [];
  world.bind.primary.beforeUpdate = () => void states.push(addresses(world));
  return states;
}

describe('a route that moves addresses', () => {
  it('fails over by itself: A replaced, AAAA gone, in one UPDATE', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx1.example.com[192.0.2.10]', '-');
    world.hops.set('mx1.example.com[2001:db8:f::10]', '-');
    const states = statesOf(world);

    await world.run();

    expect(addresses(world)).toEqual(['198.51.100.10 ttl 60', 'nothing']);
    expect(states).toEqual([fra]);
    expect(await world.journal()).toEqual(['failover fra->ams confirmed']);
    expect((await world.run()).routes[0]!.decided!.phase).toBe('failed-over');
  });

  it('stays while one of its families takes mail', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx1.example.com[2001:db8:f::10]', '-');
    const result = await world.run();
    expect(result.routes[0]!.decided!.decision.kind).toBe('stay');
    expect(result.routes[0]!.measurement!.health.get('fra')!.status).toBe('degraded');
  });

  it('is put back exactly by a rollback, the AAAA that had gone too', async () => {
    const world = await open();
    await world.failover('ams');
    const { action } = await world.rollback();
    expect(action.state).toBe('confirmed');
    expect(addresses(world)).toEqual(fra);
  });

  it('is clear when both the old addresses and their absence have run out', async () => {
    const world = await open();
    const { action } = await world.failover('ams');
    expect(action.clearAt).toBe(action.confirmedAt! + 301_000);
    const back = (await world.rollback()).action;
    // The A had 60 s, but "no AAAA" may be cached for the 300 s of the SOA (RFC 2308 §5).
    expect(back.clearAt).toBe(back.confirmedAt! + 301_000);
  });

  it.each([
    ['ams', 'six'],
    ['six', 'ams'],
    ['fra', 'six'],
    ['fra', 'ams'],
    ['six', 'fra'],
  ])('from %s to %s has an address at every step, even of a provider without batches', async (from, to) => {
    const world = await open();
    if (from !== 'fra') await world.failover(from);
    const states = statesOf(world);
    const provider = () => Promise.resolve(oneByOne(world));

    const { action } = await world.failover(to, { over: { provider } });
    await world.rollback(null, { over: { provider } });

    expect(action.state).toBe('confirmed');
    expect(states.length).toBeGreaterThanOrEqual(4);
    for (const state of states) expect(state).not.toEqual(['nothing', 'nothing']);
  });

  it('killed between the two is finished by the next run', async () => {
    const world = await open();
    await world.runs(3);
    const real = oneByOne(world);
    let calls = 0;
    const dying = laidOver(real, {
      replaceRrsets: (...asked) => {
        calls += 1;
        // What a SIGKILL leaves behind: the first is written, of the second nobody knows.
        if (calls === 2) return Promise.resolve([{ state: 'unknown', reason: 'killed' }]);
        return real.replaceRrsets(...asked);
      },
    });
    await world.failover('ams', { over: { provider: () => Promise.resolve(dying) } });
    expect(addresses(world)).toEqual(['198.51.100.10 ttl 60', '2001:db8:f::10 ttl 300']);
    await world.run();
    expect(addresses(world)).toEqual(['198.51.100.10 ttl 60', 'nothing']);
    expect(await world.journal()).toEqual(['manual fra->ams confirmed']);
  });

  it('is confirmed only when the AAAA is gone from the last server too', async () => {
    const world = await open();
    await world.runs(3);
    world.bind.holdSecondary();
    const { action } = await world.failover('ams');
    expect(action.state).toBe('applied');
    world.bind.releaseSecondary();
    await world.run();
    expect(await world.journal()).toEqual(['manual fra->ams confirmed']);
  });

  it('of which somebody took the AAAA away is reported as drift', async () => {
    const world = await open();
    await world.runs(3);
    world.edit(host, 'AAAA', 300);
    const result = await world.run();
    expect(result.routes[0]).toMatchObject({ exitCode: 2, decided: { phase: 'drift' } });
  });
});
