// For each brake a world in which it alone prevents harm: with it nothing happens, in the same world without it the harm
// is done. `harm` plays the world to its end and says whether mail was moved that should have stayed.

import { describe, expect, it } from 'vitest';
import { type CycleResult, runCycle } from '../../../src/app/cycle.ts';
import { pause, resume } from '../../../src/app/pause.ts';
import { readStatus } from '../../../src/app/status.ts';
import { exitCodeOf } from '../../../src/app/rounds.ts';
import { renderRound } from '../../../src/render/round.ts';
import { renderStatus } from '../../../src/render/status.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import type { MaintenanceWindow } from '../../../src/model/route.ts';
import { AppWorld, type WorldRoute } from '../../support/app-world.ts';
import { everythingDown, machineIn, nothing, proxyDown } from '../../support/machines.ts';
import { failoverPolicy, hour, minute, type RouteOver } from '../../support/worlds.ts';

const never = new AbortController().signal;
const style = { ...plainStyle, width: 400 };

const open = (over: RouteOver = {}, references: readonly string[] = []) =>
  AppWorld.open({ routes: [{ over }], references });

const proxyIs = (world: AppWorld, history: string) => {
  world.hops.set('mx1.filter.example.net', history);
  world.hops.set('mx2.filter.example.net', history);
};

const flips = async (world: AppWorld, route = 'support') => (await world.journal(route)).length;

/** Routes `r0` … of one owner each, all behind the same proxy, and how many of them were moved. */
async function crowd(count: number, over: RouteOver): Promise<AppWorld> {
  const routes = Array.from({ length: count }, (_, at): WorldRoute => {
    const name = `r${at}`;
    return {
      name,
      lines: 'proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net\ndirect: 10 mx.example.com',
      records: `bind example.com ${name}.example.com`,
      over: { ...over, probe: { forgive: 1, ...over.probe } },
    };
  });
  return AppWorld.open({ routes });
}

async function movedOf(world: AppWorld): Promise<number> {
  const counts = await Promise.all([...world.routes.keys()].map((name) => flips(world, name)));
  return counts.filter((one) => one > 0).length;
}

interface Scene {
  readonly name: string;
  /** True where mail went where it should not have; `isOn`: the brake is as it should be. */
  readonly harm: (isOn: boolean) => Promise<boolean>;
}

const policy = (over: Partial<typeof failoverPolicy>): RouteOver => ({
  failover: { ...failoverPolicy, ...over },
});
/** 03:12 of the world is a Sunday's, in its first window. */
const sunday: MaintenanceWindow = {
  every: ['sunday'],
  start: '03:00',
  durationMs: 2 * hour,
  timezone: 'UTC',
  path: 'proxy',
};

const scenes: readonly Scene[] = [
  {
    name: 'hold-down: a proxy that comes and goes every quarter of an hour does not get mail back between',
    harm: async (isOn) => {
      const world = await AppWorld.open({
        routes: [
          {
            lines: 'ttl 60/60\nproxy: 10 mx1.filter.example.net\ndirect: 10 mx.example.com',
            over: policy({ holdDownMs: isOn ? 30 * minute : 0 }),
          },
        ],
      });
      await world.runs(3);
      proxyIs(world, '-');
      await world.run();
      proxyIs(world, '+');
      await world.runs(14);
      return (await world.journal()).some((one) => one.startsWith('return'));
    },
  },
  {
    name: 'flip-limit: two paths that fail in turn are not chased for ever',
    harm: async (isOn) => {
      const count = isOn ? 2 : 1000;
      const world = await open(policy({ holdDownMs: 0, maxFlips: { count, withinMs: 24 * hour } }));
      await world.runs(3);
      for (let turn = 0; turn < 4; turn++) {
        proxyIs(world, turn % 2 === 0 ? '-' : '+');
        world.hops.set('mx.example.com', turn % 2 === 0 ? '+' : '-');
        await world.runs(12);
      }
      return (await flips(world)) > 2;
    },
  },
  {
    name: 'max_domains: one run moves no more than it may, nor does the next',
    harm: async (isOn) => {
      const world = await crowd(4, policy({ maxDomains: isOn ? 2 : 500 }));
      await world.run();
      proxyIs(world, '-');
      await world.runs(3);
      return (await movedOf(world)) > 2;
    },
  },
  {
    name: 'max_domains_per_hour: two controllers together move no more than one may',
    harm: async (isOn) => {
      const world = await crowd(4, policy({ maxDomainsPerHour: isOn ? 2 : 500 }));
      const [fra, ams] = [machineIn(world, { vantage: 'fra' }), machineIn(world, { vantage: 'ams' })];
      for (const one of [fra, ams]) await one.round();
      world.clock.advance(minute);
      for (const one of [fra, ams]) one.sees(proxyDown);
      await Promise.allSettled([fra.round(), ams.round()]);
      for (let run = 0; run < 2; run++) {
        world.clock.advance(minute);
        await fra.round();
      }
      return (await movedOf(world)) > 2;
    },
  },
  {
    name: 'max_failing_share: a machine to which most routes are silent moves none of them, nor the next minute',
    harm: async (isOn) => {
      const own = (at: number) => `mx${at}.filter.example.net`;
      const routes = Array.from({ length: 10 }, (_, at): WorldRoute => ({
        name: `r${at}`,
        lines: `proxy: 10 ${own(at)}\ndirect: 10 direct${at}.example.com`,
        records: `bind example.com r${at}.example.com`,
        over: { ...policy({ maxFailingShare: isOn ? 0.5 : 1 }), probe: { forgive: 1 } },
      }));
      const world = await AppWorld.open({ routes });
      await world.run();
      for (let at = 0; at < 8; at++)
        for (const hop of [own(at), `direct${at}.example.com`]) world.hops.set(hop, '0');
      // Of one route the standby can be seen: without the brake it would move.
      world.hops.set('mx8.filter.example.net', '0');
      await world.run();
      for (let at = 0; at < 8; at++) world.hops.set(own(at), '+');
      await world.runs(2);
      return (await movedOf(world)) > 0;
    },
  },
  {
    name: 'pause of every route',
    harm: async (isOn) => {
      const world = await open();
      await world.runs(3);
      if (isOn) await pause({ route: null, forMs: hour, by: 'ann', reason: 'move' }, world.deps());
      proxyIs(world, '-');
      await world.runs(3);
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'pause of the route',
    harm: async (isOn) => {
      const world = await open();
      await world.runs(3);
      const route = isOn ? 'support' : 'other';
      await pause({ route, forMs: hour, by: 'ann', reason: 'move' }, world.deps());
      proxyIs(world, '-');
      await world.runs(3);
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'maintenance: announced work on the proxy is no outage',
    harm: async (isOn) => {
      const world = await open({ maintenance: isOn ? [sunday] : [] });
      await world.runs(3);
      proxyIs(world, '-');
      await world.runs(3);
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'maintenance: nothing returns to a proxy that somebody works on',
    harm: async (isOn) => {
      const window = { ...sunday, start: '03:30', durationMs: 2 * hour };
      const world = await AppWorld.open({
        routes: [
          {
            lines: 'ttl 60/60\nproxy: 10 mx1.filter.example.net\ndirect: 10 mx.example.com',
            over: { ...policy({ holdDownMs: 5 * minute }), maintenance: isOn ? [window] : [] },
          },
        ],
      });
      await world.runs(3);
      proxyIs(world, '-');
      await world.runs(15);
      proxyIs(world, '+');
      await world.runs(20);
      return (await world.journal()).some((one) => one.startsWith('return'));
    },
  },
  {
    name: 'cold start: the first runs after a day only watch what was down then',
    harm: async (isOn) => {
      const world = await open({ ...policy({ mode: 'manual' }), probe: { forgive: 1 } });
      await world.runs(3);
      proxyIs(world, '-');
      await world.runs(2);
      world.clock.advance(isOn ? 24 * hour : 0);
      const route = { ...world.route(), failover: { ...world.route().failover, mode: 'auto' as const } };
      world.routes.set('support', route);
      await world.runs(2);
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'quorum: a machine that cannot reach the proxy does not move it for all',
    harm: async (isOn) => {
      const world = await open(policy({ quorum: isOn ? 2 : 1 }));
      const [fra, ams] = [machineIn(world, { vantage: 'fra' }), machineIn(world, { vantage: 'ams' })];
      for (let run = 0; run < 5; run++) {
        if (run === 3) fra.sees(proxyDown);
        for (const one of [fra, ams]) await one.round();
        world.clock.advance(minute);
      }
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'references: a machine that is cut off says nothing about the proxy to the others',
    harm: async (isOn) => {
      const world = await open(policy({ quorum: 2 }), ['mx.reference.example']);
      const machines = ['fra', 'ams', 'lon'].map((vantage) => machineIn(world, { vantage }));
      const [fra, , lon] = machines;
      for (let run = 0; run < 6; run++) {
        if (run === 3) lon!.sees(everythingDown);
        if (run === 4) lon!.sees(isOn ? nothing : { ...nothing, 'mx.reference.example': '+' });
        if (run === 4) fra!.sees(proxyDown);
        for (const one of machines.toReversed()) await one.round();
        world.clock.advance(minute);
      }
      return (await flips(world)) > 0;
    },
  },
  {
    name: 'one name, one vote: two machines with the same name are no quorum',
    harm: async (isOn) => {
      const world = await open(policy({ quorum: 2 }));
      const one = machineIn(world, { vantage: 'fra', machine: 'fra1' });
      const two = machineIn(world, { vantage: isOn ? 'fra' : 'ams', machine: 'fra2' });
      for (let run = 0; run < 7; run++) {
        // Both stand in the same room, of which the line to the proxy is cut.
        if (run === 4) for (const machine of [one, two]) machine.sees(proxyDown);
        for (const machine of [one, two]) await machine.round();
        world.clock.advance(minute);
      }
      return (await flips(world)) > 0;
    },
  },
];

describe.each(scenes)('$name', ({ harm }) => {
  it('prevents the harm', async () => {
    expect(await harm(true)).toBe(false);
  }, 60_000);

  it('is the only thing that does', async () => {
    expect(await harm(false)).toBe(true);
  }, 60_000);
});

describe('a brake that tripped', () => {
  const chased = async () => {
    const world = await open(policy({ holdDownMs: 0, maxFlips: { count: 1, withinMs: hour } }));
    await world.runs(3);
    proxyIs(world, '-');
    await world.run();
    world.hops.set('mx.example.com', '-');
    proxyIs(world, '+');
    await world.runs(11);
    return world;
  };
  const text = (result: CycleResult) => renderRound(result, style).join('\n');

  it('is said in every run, with exit 3, until a person resumes', async () => {
    const world = await chased();
    for (let run = 0; run < 3; run++) {
      const result = await world.run();
      expect(text(result)).toMatch(
        /!! auto is BRAKED \(support\) since 2026-11-22 03:\d\d:\d\d UTC by flip-limit: 1 of 1 flips in 1 h: a person must look; when you have looked: mxctl resume support/,
      );
      expect(exitCodeOf(result)).toBe(3);
    }
    const report = await readStatus([world.route()], world.deps(), never);
    expect(renderStatus(report, false, style)[0]).toMatch(/^auto is BRAKED {3}1 route /);
    const events = await world.store.listEvents({ route: 'support' });
    expect(events.filter((one) => one.kind === 'brake')).toHaveLength(1);
  });

  it('stays when what tripped it is long past, and outlives the process', async () => {
    const world = await chased();
    world.clock.advance(48 * hour);
    await world.restart();
    await world.runs(4);
    expect(await flips(world)).toBe(1);
    expect(exitCodeOf(await world.run())).toBe(3);
  });

  it('is let go by a person, and what it counts begins anew', async () => {
    const world = await chased();
    const { brakes } = await resume({ route: 'support', by: 'person:kim' }, world.deps());
    expect(brakes.map((one) => one.kind)).toEqual(['flip-limit']);
    await world.run();
    expect(await world.journal()).toEqual([
      'failover proxy->direct confirmed',
      'failover direct->proxy confirmed',
    ]);
    const calm = await world.run();
    expect([calm.brakes, exitCodeOf(calm)]).toEqual([[], 0]);
  });

  it('is let go for flips too that a clock set back since dates in the future', async () => {
    const world = await open(policy({ holdDownMs: 0, maxFlips: { count: 1, withinMs: 24 * hour } }));
    const fra = machineIn(world, { vantage: 'fra' });
    const rounds = async (count: number) => {
      for (let left = count; left > 0; left--) {
        await fra.round();
        world.clock.advance(minute);
      }
    };
    await rounds(3);
    fra.sees(proxyDown);
    await rounds(1);
    fra.sees({ 'mx.example.com': '-' });
    await rounds(11);
    fra.isOffBy(-hour);
    await rounds(14);
    expect(await flips(world)).toBe(1);
    await resume({ route: 'support', by: 'person:kim' }, fra.deps);
    await rounds(1);
    expect(await flips(world)).toBe(2);
  });

  it('only warns a person', async () => {
    const world = await chased();
    const { action } = await world.failover('proxy');
    expect(action.state).toBe('confirmed');
  });

  it('of one route leaves the others alone, and one of a vantage binds that vantage', async () => {
    const world = await open();
    await world.runs(3);
    const trip = { at: world.clock.now(), by: 'auto@x', reason: 'test' };
    await world.store.tripBrake({ ...trip, kind: 'flip-limit', route: 'other', vantage: null });
    await world.store.tripBrake({ ...trip, kind: 'failing-share', route: null, vantage: 'there' });
    proxyIs(world, '-');
    const result = await world.run();
    expect(result.brakes).toEqual([]);
    expect(result.routes[0]?.moved?.action?.state).toBe('confirmed');
  });

  it('that another controller trips between the decision and the write holds the write', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    const { store } = world;
    const deps = world.deps({
      readSts: async (domain) => {
        const trip = { at: world.clock.now(), by: 'auto@there', reason: 'test', vantage: null };
        await store.tripBrake({ ...trip, kind: 'domains-per-hour', route: null });
        return { domain, mode: 'absent', patterns: [], reason: null, fault: null };
      },
    });
    const result = await runCycle(deps, never);
    expect(result.routes[0]?.moved?.refusedBy.map((one) => one.name)).toEqual(['brake']);
    expect(world.bind.updates).toEqual([]);
  });

  it('does not bind a route that a person moves anyway, nor ends its runs with 3', async () => {
    const world = await open(policy({ mode: 'manual' }));
    await world.runs(3);
    const trip = { at: world.clock.now(), by: 'auto@x', reason: 'test', vantage: null, route: null };
    await world.store.tripBrake({ ...trip, kind: 'domains-per-run' });
    const result = await world.run();
    expect([result.brakes, exitCodeOf(result)]).toEqual([[], 0]);
  });
});

describe('the hour of owner names', () => {
  it('is not used up by a provider that refuses each minute', async () => {
    const world = await open(policy({ maxDomainsPerHour: 4, maxFlips: { count: 100, withinMs: hour } }));
    await world.runs(3);
    proxyIs(world, '-');
    const provider = () => Promise.resolve(world.provider('bind', 'd3Jvbmc='));
    for (let run = 0; run < 4; run++) await world.run({ provider });
    await world.run();
    expect((await world.journal()).at(-1)).toBe('failover proxy->direct confirmed');
    expect(await world.store.readBrakes()).toEqual([]);
  });
});

describe('news during announced work', () => {
  it('is none, and what is down when the work should be over is', async () => {
    const world = await open({ maintenance: [{ ...sunday, durationMs: 20 * minute }] });
    await world.runs(3);
    proxyIs(world, '-');
    const quiet = [await world.run(), await world.run()];
    expect(quiet.map((one) => one.routes[0]?.isNews)).toEqual([false, false]);
    const results: CycleResult[] = [];
    for (let run = 0; run < 5; run++) results.push(await world.run());
    const news = results.filter((one) => one.routes[0]?.isNews);
    expect(news.map((one) => one.routes[0]?.decided?.decision.kind)).toEqual(['move']);
  });
});

describe('a route that left the configuration while failed over', () => {
  it('is shown by status until it is back', async () => {
    const world = await open(policy({ failback: 'manual' }));
    await world.runs(3);
    proxyIs(world, '-');
    await world.runs(2);
    const without = world.deps({ config: { ...world.config(), routes: new Map() } });
    const report = await readStatus([], without, never);
    expect(report.unwatched.map((one) => one.route)).toEqual(['support']);
    expect(renderStatus(report, false, style).join('\n')).toContain(
      '!! route support left the configuration while on direct (failed-over): nobody watches it',
    );
    expect((await readStatus([world.route()], world.deps(), never)).unwatched).toEqual([]);
  });
});
