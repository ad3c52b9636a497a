// After the flip: coming back when it is safe, falling again, and living beside people and other tools.

import { describe, expect, it } from 'vitest';

import type { CycleResult } from '../../../src/app/cycle.ts';
import { pause, resume } from '../../../src/app/pause.ts';
import { AppWorld, laidOver, nightAt } from '../../support/app-world.ts';
import { failoverPolicy, hour, minute, type RouteOver } from '../../support/worlds.ts';

const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org.';
const direct = '10 mx.example.com. 90 spool.example.org. ttl 60';

const proxyIs = (world: AppWorld, history: string) => {
  world.hops.set('mx1.filter.example.net', history);
  world.hops.set('mx2.filter.example.net', history);
};

/** Up for three runs, then the proxy fails and the route is on `direct`. The flip is at `flippedAt`. */
async function failedOver(over: RouteOver = {}) {
  const world = await AppWorld.open({ routes: [{ over }] });
  await world.runs(3);
  proxyIs(world, '-');
  await world.run();
  expect(world.published()).toBe(direct);
  const [flip] = await world.actions();
  return { world, flippedAt: flip!.appliedAt!, clearAt: flip!.clearAt! };
}

/** Runs until something is published; the instant of that, at most `limit` runs later. */
async function runUntil(world: AppWorld, published: string, limit: number): Promise<number> {
  for (let left = limit; left > 0; left--) {
    const startedAt = world.clock.now();
    await world.run();
    if (world.published() === published) return startedAt;
  }
  throw new Error(`not within ${limit} runs: ${world.published()}`);
}

const kindOf = (result: CycleResult) => result.routes[0]!.decided!.decision.kind;
const reasonsOf = (result: CycleResult) => result.routes[0]!.decided!.reasons;

describe('coming back by itself', () => {
  it('waits until the proxy has risen, hold-down is over and no cache holds the old records', async () => {
    const { world, clearAt } = await failedOver();
    proxyIs(world, '+');
    // The old TTL of an hour is the longest of the three waits.
    const at = await runUntil(world, `${proxy} ttl 60`, 90);
    expect(at).toBeGreaterThanOrEqual(clearAt);
    expect(at - clearAt).toBeLessThan(minute);
  });

  it('waits for hold-down where that is the longest', async () => {
    const { world, flippedAt } = await failedOver({
      failover: { ...failoverPolicy, holdDownMs: 90 * minute },
    });
    proxyIs(world, '+');
    const at = await runUntil(world, `${proxy} ttl 60`, 120);
    expect(at - flippedAt).toBeGreaterThanOrEqual(90 * minute);
    expect(at - flippedAt).toBeLessThan(91 * minute);
  });

  it('waits for ten good runs in a row where that is the longest', async () => {
    const { world } = await failedOver();
    await world.runs(70);
    // Nine good ones, a bad one, then ten good ones.
    proxyIs(world, '+++++++++-+');
    const startedAt = world.clock.now();
    const at = await runUntil(world, `${proxy} ttl 60`, 30);
    expect(at - startedAt).toBe(19 * minute);
  });

  it('is published with failover_ttl, and raised to ttl only after the probation', async () => {
    const { world } = await failedOver();
    proxyIs(world, '+');
    const returnedAt = await runUntil(world, `${proxy} ttl 60`, 90);
    const raisedAt = await runUntil(world, `${proxy} ttl 3600`, 150);
    expect(raisedAt - returnedAt).toBeGreaterThanOrEqual(2 * hour);
    expect(raisedAt - returnedAt).toBeLessThan(2 * hour + 2 * minute);
    expect(await world.journal()).toEqual([
      'failover proxy->direct cleared',
      'return direct->proxy cleared',
      'raise-ttl proxy->proxy confirmed',
    ]);
    // It is told when that is true for the world, and that is the end of it.
    const told: string[] = [];
    for (let run = 0; run < 3; run++)
      told.push(...(await world.run()).routes.flatMap((one) => one.recovered.map(({ text }) => text)));
    expect(told).toEqual([expect.stringContaining('is true for the world')]);
    expect((await world.journal()).at(-1)).toBe('raise-ttl proxy->proxy cleared');
    const calm = await world.runs(2);
    expect(kindOf(calm)).toBe('stay');
    expect(calm.routes[0]).toMatchObject({ isNews: false, exitCode: 0 });
  });

  it('goes on from where another process was killed', async () => {
    const { world, clearAt } = await failedOver();
    proxyIs(world, '+');
    for (let left = 12; left > 0; left--) {
      await world.runs(5);
      await world.restart();
    }
    const at = await runUntil(world, `${proxy} ttl 60`, 10);
    expect(at - clearAt).toBeLessThan(minute);
  });

  it('is left to a person with failback: manual, without being an alarm', async () => {
    const { world } = await failedOver({ failover: { ...failoverPolicy, failback: 'manual' } });
    proxyIs(world, '+');
    const result = await world.runs(80);
    expect(reasonsOf(result)).toContain('would move to proxy, but failback: manual leaves that to a person');
    expect(result.routes[0]!.exitCode).toBe(0);
    expect(world.published()).toBe(direct);
  });

  it('is left to a person where a person left: they may know what no probe sees', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await world.failover('direct');
    const result = await world.runs(80);
    expect(reasonsOf(result)).toContain(
      'would move to proxy, but a move made by a person leaves that to a person',
    );
    expect(result.routes[0]!.exitCode).toBe(0);
    expect(world.published()).toBe(direct);
    expect(await world.journal()).toEqual(['manual proxy->direct cleared']);
  });
});

describe('a relapse', () => {
  /** Back on the proxy, still with failover_ttl. */
  async function returned(over: RouteOver = {}) {
    const { world } = await failedOver(over);
    proxyIs(world, '+');
    await runUntil(world, `${proxy} ttl 60`, 90);
    return world;
  }

  it('during the probation is answered at once, for the TTL is still short', async () => {
    const world = await returned();
    await world.runs(5);
    proxyIs(world, '-');
    await world.run();
    expect(world.published()).toBe(direct);
    const actions = await world.actions();
    expect(actions.map((one) => one.plan.kind)).toEqual(['failover', 'return', 'relapse']);
    const last = actions.at(-1)!;
    // What it replaced had a TTL of a minute.
    expect(last.clearAt! - last.confirmedAt!).toBeLessThan(2 * minute);
  });

  it('beyond the flip limit is left to a person', async () => {
    const world = await returned({
      failover: { ...failoverPolicy, maxFlips: { count: 2, withinMs: 24 * hour } },
    });
    proxyIs(world, '-');
    const result = await world.run();
    expect(kindOf(result)).toBe('hold');
    expect(reasonsOf(result).join()).toMatch(/flip-limit \(2 of 2 flips in 24 h: a person must look\)/);
    expect(result.routes[0]!.exitCode).toBe(3);
    expect(world.published()).toBe(`${proxy} ttl 60`);
  });

  it('of the failover path goes back to the proxy where that has risen, hold-down or not', async () => {
    const { world, flippedAt } = await failedOver();
    proxyIs(world, '+');
    await world.runs(10);
    world.hops.set('mx.example.com', '-');
    await world.run();
    expect(world.published()).toBe(`${proxy} ttl 60`);
    const [, back] = await world.actions();
    expect(back!.plan.kind).toBe('relapse');
    expect(back!.appliedAt! - flippedAt).toBeLessThan(30 * minute);
  });

  it('of the failover path while the proxy is still down stays: both are bad', async () => {
    const { world } = await failedOver();
    world.hops.set('mx.example.com', '-');
    const result = await world.run();
    expect(kindOf(result)).toBe('hold');
    expect(world.published()).toBe(direct);
  });
});

describe('a pause', () => {
  it('holds the route until it ends, and not a run longer', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await pause({ route: 'support', forMs: 5 * minute, by: 'kim', reason: 'OPS-12' }, world.deps());
    proxyIs(world, '-');
    const held = await world.runs(5);
    expect(reasonsOf(held).join()).toMatch(/direct refused: paused \(paused by kim until .*: OPS-12\)/);
    expect(held.routes[0]!.exitCode).toBe(3);
    expect(world.bind.updates).toEqual([]);
    await world.run();
    expect(world.published()).toBe(direct);
    expect(world.clock.now() - nightAt).toBeLessThan(11 * minute);
  });

  it('of everything holds every route, and ends where somebody resumes', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await pause({ route: null, forMs: hour, by: 'kim', reason: 'OPS-12' }, world.deps());
    proxyIs(world, '-');
    await world.run();
    expect(world.bind.updates).toEqual([]);
    await resume({ route: null, by: 'kim' }, world.deps());
    await world.run();
    expect(world.published()).toBe(direct);
  });

  it('made while a run is probing still counts for that run', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    proxyIs(world, '-');
    const { readSts } = world.deps();
    const result = await world.run({
      // The last thing a move reads before it looks at the pauses.
      readSts: async (...asked) => {
        await pause({ route: 'support', forMs: hour, by: 'kim', reason: 'stop' }, world.deps());
        return readSts(...asked);
      },
    });
    expect(result.routes[0]!.moved!.refusedBy.map((one) => one.name)).toEqual(['paused']);
    expect(result.routes[0]!.exitCode).toBe(3);
    expect(world.bind.updates).toEqual([]);
  });
});

describe('somebody else', () => {
  /** `terraform apply`: the proxy's records, as they were. */
  const terraform = (world: AppWorld) => {
    for (const owner of ['example.com', 'in.example.com']) {
      world.edit(
        owner,
        'MX',
        3600,
        '10 mx1.filter.example.net.',
        '20 mx2.filter.example.net.',
        '90 spool.example.org.',
      );
    }
  };

  it('who reverts a flip is reported and not fought', async () => {
    const { world } = await failedOver();
    await world.runs(3);
    terraform(world);

    const result = await world.run();

    expect(kindOf(result)).toBe('hold');
    expect(reasonsOf(result).join()).toMatch(
      /live-drift \(the move to direct was reverted 4m after the flip, by someone else\)/,
    );
    expect(result.routes[0]!.exitCode).toBe(3);
    await world.runs(30);
    expect(world.published()).toBe(`${proxy} ttl 3600`);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });

  it('who reverts a flip when the proxy is well again is reported too, once', async () => {
    const { world } = await failedOver();
    proxyIs(world, '+');
    await world.runs(11);
    terraform(world);
    const result = await world.run();
    expect(kindOf(result)).toBe('stay');
    expect(reasonsOf(result)).toContain(
      'the move to direct was reverted 12m after the flip, by someone else',
    );
    expect(result.routes[0]!.isNews).toBe(true);
    const again = await world.run();
    expect(again.routes[0]!.isNews).toBe(false);
    // Dated by the first look, and told in the history once.
    expect(reasonsOf(again)).toContain('the move to direct was reverted 12m after the flip, by someone else');
    const events = await world.store.listEvents({});
    expect(events.filter((one) => one.kind === 'revert')).toMatchObject([
      { route: 'support', text: 'the move to direct was reverted 12m after the flip, by someone else' },
    ]);
  });

  it('who reverts a flip that an authority never confirmed is not fought either', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.bind.failSecondary();
    proxyIs(world, '-');
    await world.run();
    terraform(world);
    await world.runs(15);
    expect(world.published()).toBe(`${proxy} ttl 3600`);
    expect(world.bind.updates).toHaveLength(1);
  });

  it('does not end failover for good: the outage of another day is answered', async () => {
    const { world } = await failedOver();
    proxyIs(world, '+');
    await world.runs(11);
    terraform(world);
    await world.run();
    world.clock.advance(25 * hour);
    await world.runs(3);
    proxyIs(world, '-');
    await world.run();
    expect(world.published()).toBe(direct);
  });

  it('who moves the route while a run looks at DNS has not reverted anything', async () => {
    const { world } = await failedOver();
    proxyIs(world, '+');
    await world.runs(8);
    const { reader } = world.deps();
    let isReturned = false;
    const slow = laidOver(reader, {
      readPublished: async (...asked) => {
        const seen = await reader.readPublished(...asked);
        // The other controller goes back to the proxy when DNS has been read and the journal has not.
        if (!isReturned) {
          isReturned = true;
          await world.failover('proxy', { overrides: ['target-unhealthy'] });
        }
        return seen;
      },
    });
    const result = await world.run({ reader: slow });
    expect(isReturned).toBe(true);
    expect(reasonsOf(result).join()).not.toContain('reverted');
    const events = await world.store.listEvents({});
    expect(events.filter((one) => one.kind === 'revert')).toEqual([]);
    expect(world.published()).toMatch(/^10 mx1\.filter/);
  });

  it('who moves the route while a run is deciding is not overruled by it', async () => {
    const world = await AppWorld.open({
      routes: [
        {
          lines: `
            owners example.com in.example.com
            proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net
            direct: 10 mx.example.com
            ams: 10 mx.ams.example`,
        },
      ],
    });
    await world.runs(3);
    proxyIs(world, '-');
    const { store } = world;
    let isMoved = false;
    const crowded = laidOver(store, {
      acquireLease: async (...asked) => {
        // Between the decision and the lease of the route.
        if (asked[0] === 'support' && !isMoved) {
          isMoved = true;
          await world.failover('ams');
        }
        return store.acquireLease(...asked);
      },
    });
    const result = await world.run({ store: crowded });
    expect(result.routes[0]!.moved!.refusedBy.map((one) => one.reason)).toContain(
      'ams is active by now, not proxy: decide again',
    );
    expect(world.published()).toBe('10 mx.ams.example. ttl 60');
    expect(await world.journal()).toEqual(['manual proxy->ams confirmed']);
  });
});
