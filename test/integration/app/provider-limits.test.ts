// What a provider cannot do, and what it sees that nobody else does: TTLs out of its bounds, targets behind its proxies.

import { describe, expect, it } from 'vitest';

import { proposeMove } from '../../../src/app/propose.ts';
import { planDocument, renderPlan } from '../../../src/render/plan.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import { AppWorld, laidOver } from '../../support/app-world.ts';
import { failoverPolicy, minute, routeOf } from '../../support/worlds.ts';

const never = new AbortController().signal;
const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org.';
const direct = '10 mx.example.com. 90 spool.example.org.';

const proxyIs = (world: AppWorld, history: string) => {
  world.hops.set('mx1.filter.example.net', history);
  world.hops.set('mx2.filter.example.net', history);
};

describe('TTLs that the provider does not take', () => {
  const bounded = (least: number, most: number) =>
    AppWorld.open({
      routes: [
        {
          over: {
            ttl: 172_800,
            failoverTtl: 30,
            records: routeOf('owners example.com').records.map((one) => ({
              ...one,
              ttlBounds: { least, most },
            })),
            probationMs: 10 * minute,
            failover: { ...failoverPolicy, holdDownMs: 0 },
          },
        },
      ],
    });

  it('are the nearest that it takes, at every step, and nothing is raised without end', async () => {
    const world = await bounded(120, 600);
    world.edit('example.com', 'MX', 600, ...world.held('example.com')!.rdata);
    await world.runs(3);
    proxyIs(world, '-');
    await world.run();
    expect(world.published()).toBe(`${direct} ttl 120`);
    proxyIs(world, '+');
    let runs = 0;
    while (world.published() !== `${proxy} ttl 600`) {
      expect(++runs).toBeLessThan(60);
      await world.run();
    }
    const updates = world.bind.updates.length;
    const result = await world.runs(5);
    expect(result.routes[0]!.decided).toMatchObject({ phase: 'preferred', decision: { kind: 'stay' } });
    expect(world.bind.updates).toHaveLength(updates);
  });

  it('are told in the plan, under the change and in JSON', async () => {
    const world = await bounded(120, 600);
    const { prepared } = await proposeMove(world.route(), 'direct', world.deps(), never);
    const text = renderPlan(prepared, world.clock.now(), plainStyle);
    expect(text).toContain('    TTL 120: bind does not take the declared 30');
    expect(planDocument(prepared)['changes']).toMatchObject([{ declared_ttl: 30, desired: { ttl: 120 } }]);
  });
});

describe('a target that does not answer', () => {
  const described = (world: AppWorld, describeTarget: () => Promise<string | null>) =>
    proposeMove(
      world.route(),
      'direct',
      world.deps({
        provider: (name) => Promise.resolve(laidOver(world.provider(name), { describeTarget })),
      }),
      never,
    );
  const reasonOf = ({ prepared }: Awaited<ReturnType<typeof described>>) =>
    prepared.guards.find((one) => one.name === 'target-unhealthy')!.reason;

  it('is refused with the reason that a provider sees in its records', async () => {
    const world = await AppWorld.open();
    world.hops.set('mx.example.com', '-');
    const told = await described(world, () => Promise.resolve('its address is proxied'));
    expect(reasonOf(told)).toMatch(/0\/1 up: .*; mx\.example\.com: its address is proxied$/);
  });

  it('is refused all the same where the provider cannot say, and nobody is asked while it answers', async () => {
    const world = await AppWorld.open();
    let asked = 0;
    const describeTarget = () => {
      asked += 1;
      return Promise.reject(new Error('no answer'));
    };
    expect(reasonOf(await described(world, describeTarget))).toContain('answer now');
    expect(asked).toBe(0);
    world.hops.set('mx.example.com', '-');
    expect(reasonOf(await described(world, describeTarget))).not.toContain('no answer');
    expect(asked).toBe(1);
  });
});
