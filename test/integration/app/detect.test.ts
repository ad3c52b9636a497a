// One unattended run after another, a minute apart: when a fault is believed, when not, and what a run does about it.
// `+` passes, `-` 421 at banner, `x` 550 at RCPT, `0` refused.

import { describe, expect, it } from 'vitest';

import type { CycleResult } from '../../../src/app/cycle.ts';
import { resume } from '../../../src/app/pause.ts';
import { exitCodeOf } from '../../../src/app/rounds.ts';
import { LeaseError } from '../../../src/errors.ts';
import { rcodes } from '../../../src/dns/message.ts';
import type { HealthRow } from '../../../src/store/store.ts';
import { AppWorld, type WorldRoute } from '../../support/app-world.ts';
import { failoverPolicy, hour, minute, type RouteOver } from '../../support/worlds.ts';

const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org. ttl 3600';
const direct = '10 mx.example.com. 90 spool.example.org. ttl 60';

const open = (over: RouteOver = {}, references: readonly string[] = []) =>
  AppWorld.open({ routes: [{ over }], references });

const proxyIs = (world: AppWorld, history: string) => {
  world.hops.set('mx1.filter.example.net', history);
  world.hops.set('mx2.filter.example.net', history);
};

const everything = [
  'mx1.filter.example.net',
  'mx2.filter.example.net',
  'mx.example.com',
  'spool.example.org',
];

/** The decision about a route in a line. */
function decisionOf(result: CycleResult, at = 0): string {
  const { decided, error, exitCode } = result.routes[at]!;
  const { decision } = decided ?? {};
  const words = [
    decision?.kind ?? error?.code,
    ...(decision?.kind === 'move' ? [`${decision.action} to ${decision.to}`] : []),
    ...(decision?.kind === 'hold'
      ? decision.refusals.map((one) => `${one.path}: ${one.guards.map((guard) => guard.name).join(' ')}`)
      : []),
    exitCode,
  ];
  return words.join(' | ');
}

const decisionsOf = async (world: AppWorld, count: number): Promise<string[]> => {
  const decisions: string[] = [];
  for (let left = count; left > 0; left--) decisions.push(decisionOf(await world.run()));
  return decisions;
};

describe('a fault', () => {
  it('of every hop of the active path is settled and answered within one run', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    const startedAt = world.clock.now();

    const result = await world.run();

    expect(decisionOf(result)).toBe('move | failover to direct | 0');
    expect(world.published('example.com')).toBe(direct);
    expect(world.published('in.example.com')).toBe(direct);
    const [mx1] = result.routes[0]!.measurement!.hops.get('proxy')!;
    // `fall: 3`, two pauses of well under a second.
    expect(mx1!.observations.map((one) => one.at - startedAt)).toEqual([0, 650, 1300]);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });

  it('that is over at the second look moves nothing', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-+');
    expect(decisionOf(await world.run())).toBe('stay | 0');
    expect(world.published()).toBe(proxy);
  });

  it('that comes and goes adds up: one more failure before it was forgiven is enough', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-+-+--');
    expect(await decisionsOf(world, 3)).toEqual(['stay | 0', 'stay | 0', 'move | failover to direct | 0']);
  });

  it('of one hop of two is a degraded path, and stays', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx1.filter.example.net', '-');
    const result = await world.run();
    expect(decisionOf(result)).toBe('stay | 0');
    expect(result.routes[0]!.measurement!.health.get('proxy')).toMatchObject({ status: 'degraded' });
  });

  it('that bounces mail is left after fall_rejecting, however well the hops behind it are', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx1.filter.example.net', 'x');

    const result = await world.run();

    expect(decisionOf(result)).toBe('move | failover to direct | 0');
    expect(result.routes[0]!.measurement!.hops.get('proxy')![0]!.observations).toHaveLength(2);
    expect(result.routes[0]!.decided!.reasons[0]).toMatch(/senders give up there/);
  });

  it('of the standby too leaves everything as it is, and says so', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    world.hops.set('mx.example.com', '-');
    expect(decisionOf(await world.run())).toBe('hold | direct: target-unhealthy | 3');
    expect(world.published()).toBe(proxy);
    expect(world.bind.updates).toEqual([]);
  });

  it.each(['manual', 'observe'] as const)('with mode: %s is told to a person', async (mode) => {
    const world = await open({ failover: { ...failoverPolicy, mode } });
    await world.runs(3);
    proxyIs(world, '-');
    const result = await world.run();
    expect(decisionOf(result)).toBe('hold | 2');
    expect(result.routes[0]!.decided!.reasons).toContain(
      `would move to direct, but mode: ${mode} leaves that to a person`,
    );
    expect(world.bind.updates).toEqual([]);
  });

  it('within an announced window of its path is waited out, and not a minute longer', async () => {
    const window = {
      every: ['sunday'],
      start: '03:00',
      durationMs: 20 * minute,
      timezone: 'UTC',
      path: 'proxy',
    };
    const world = await open({ maintenance: [window] });
    await world.runs(3);
    proxyIs(world, '-');
    // 03:15 to 03:19; the window ends at 03:20.
    expect(await decisionsOf(world, 5)).toEqual(Array(5).fill('stay | 0'));
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 0');
  });
});

describe('a cold start', () => {
  it('only watches until its thresholds are met, though the proxy is down from the first look', async () => {
    const world = await open();
    proxyIs(world, '-');
    expect(await decisionsOf(world, 3)).toEqual(['watch | 0', 'watch | 0', 'move | failover to direct | 0']);
  });

  it('goes on from the counters of the process before', async () => {
    const world = await open();
    proxyIs(world, '-');
    await world.run();
    await world.restart();
    await world.run();
    await world.restart();
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 0');
  });

  it('after more than three intervals begins anew', async () => {
    const world = await open();
    proxyIs(world, '-');
    await world.runs(2);
    world.clock.advance(3 * minute);
    expect(await decisionsOf(world, 2)).toEqual(['watch | 0', 'watch | 0']);
  });
});

describe('a hop that two routes share', () => {
  const routes = (over: RouteOver): WorldRoute[] => [
    { lines: 'proxy: 10 mx.filter.example\ndirect: 10 mx.example.com' },
    {
      name: 'other',
      lines: 'owners other.example\nproxy: 10 mx.filter.example\ndirect: 10 mx.other.example',
      records: 'bind other.example other.example',
      over,
    },
  ];

  it('is probed once a run', async () => {
    const world = await AppWorld.open({ routes: routes({}) });
    await world.run();
    expect(world.hops.probed).toBe(3);
  });

  it.each([
    ['a CA of its own', { caFile: '/etc/ssl/own.pem' }],
    ['another patience', { slowAfterMs: 1000 }],
    ['a canary address', { rcpt: { from: 'probe@ops.example', to: 'canary@other.example' } }],
  ])('is probed for each where one has %s', async (_, probe) => {
    const world = await AppWorld.open({ routes: routes({ probe }) });
    await world.run();
    expect(world.hops.probed).toBe(4);
  });
});

describe('a machine that is cut off', () => {
  const rowsOf = async (world: AppWorld): Promise<HealthRow[]> => world.store.readHealth('support');
  const cutOff = (world: AppWorld, ...more: string[]) => {
    for (const hop of [...everything, ...more]) world.hops.set(hop, '0');
  };

  it.each([
    ['without references', []],
    ['with references that fail too', ['mx.reference.example']],
  ])('%s decides nothing and counts nothing', async (_, references) => {
    const world = await open({}, references);
    await world.runs(3);
    const before = await rowsOf(world);
    const observations = (await world.store.listObservations('support', 1000)).length;
    cutOff(world, ...references);

    expect(await decisionsOf(world, 12)).toEqual(Array(12).fill('undecided | 8'));

    expect(await rowsOf(world)).toEqual(before);
    expect(await world.store.listObservations('support', 1000)).toHaveLength(observations);
    expect(world.bind.updates).toEqual([]);
    // Back again, nothing has to rise first: nothing was down.
    for (const hop of everything) world.hops.set(hop, '+');
    await world.runs(3);
    expect(decisionOf(await world.run())).toBe('stay | 0');
  });

  it('is told from an outage of everything by a reference that answers', async () => {
    const world = await open({}, ['mx.reference.example']);
    await world.runs(3);
    cutOff(world);
    expect(decisionOf(await world.run())).toBe('hold | direct: target-unhealthy | 3');
    const down = (await rowsOf(world)).filter((one) => one.health.status === 'down');
    expect(down).toHaveLength(4);
  });

  it('is told from an outage by a hop of another route that answers', async () => {
    const other: WorldRoute = {
      name: 'other',
      lines: 'owners other.example\nproxy: 10 mx.else.example\ndirect: 10 mx.more.example',
      records: 'bind other.example other.example',
    };
    const world = await AppWorld.open({ routes: [{}, other] });
    await world.runs(3);
    cutOff(world);
    expect(decisionOf(await world.run())).toBe('hold | direct: target-unhealthy | 3');
  });

  it('is not suspected where a refusal in words came back', async () => {
    const world = await open();
    await world.runs(3);
    for (const hop of everything) world.hops.set(hop, '-');
    expect(decisionOf(await world.run())).toBe('hold | direct: target-unhealthy | 3');
  });
});

describe('several runs at once', () => {
  it('are one: the second is locked out and changes nothing', async () => {
    const world = await open();
    const tries: unknown[] = [];
    world.hops.onProbe = async () => {
      world.hops.onProbe = null;
      tries.push(await world.run({ holder: 'here:1:other' }).catch((error: unknown) => error));
    };
    expect(decisionOf(await world.run())).toBe('watch | 0');
    expect(tries).toEqual([expect.any(LeaseError)]);
    expect(tries[0]).toMatchObject({ code: 'locked', exitCode: 7 });
  });

  it('see a route that a person is moving as locked, and handle the others', async () => {
    const other: WorldRoute = {
      name: 'other',
      lines: 'owners other.example\nproxy: 10 mx.else.example\ndirect: 10 mx.more.example',
      records: 'pdns other.example other.example',
    };
    const world = await AppWorld.open({ routes: [{}, other] });
    await world.runs(3);
    proxyIs(world, '-');
    world.hops.set('mx.else.example', '-');
    const lease = await world.store.acquireLease('support', 'desk:1:kim', hour, world.clock.now());
    expect(lease.outcome).toBe('held');

    const result = await world.run();

    expect(result.routes.map((one) => one.exitCode)).toEqual([7, 0]);
    expect(exitCodeOf(result)).toBe(7);
    expect(world.published()).toBe(proxy);
    expect(world.published('other.example', 'MX', 'pdns')).toBe('10 mx.more.example. ttl 60');
  });
});

describe('two vantages with quorum: 2', () => {
  const elsewhere = async (world: AppWorld, marks: Readonly<Record<string, 'up' | 'down'>>) => {
    const own = await world.store.readHealth('support');
    const rows = own.filter((one) => one.vantage === 'here');
    await world.store.writeHealth(
      rows.map((row) => {
        const status = marks[row.hop.slice(0, row.hop.indexOf('.['))] ?? 'up';
        const health = {
          ...row.health,
          status,
          failures: status === 'up' ? 0 : 3,
          lastAt: world.clock.now(),
          fate: status === 'up' ? 'accepted' : 'deferred',
        } as const;
        return { ...row, vantage: 'there', health };
      }),
    );
  };
  const down = { 'mx1.filter.example.net': 'down', 'mx2.filter.example.net': 'down' } as const;
  const quorum = { failover: { ...failoverPolicy, quorum: 2 } };

  it('stay where only this one sees the fault', async () => {
    const world = await open(quorum);
    await world.runs(3);
    await elsewhere(world, {});
    proxyIs(world, '-');
    expect(decisionOf(await world.run())).toBe('stay | 0');
    expect(world.bind.updates).toEqual([]);
  });

  it('move where both see it, and both see the target up', async () => {
    const world = await open(quorum);
    await world.runs(3);
    await elsewhere(world, down);
    proxyIs(world, '-');
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 0');
  });

  it('are undecided where the other has not been heard of for three intervals', async () => {
    const world = await open(quorum);
    await world.runs(3);
    await elsewhere(world, down);
    await world.runs(3);
    world.clock.advance(1);
    proxyIs(world, '-');
    const result = await world.run();
    expect(decisionOf(result)).toBe('undecided | 8');
    expect(result.routes[0]?.decided?.reasons[0]).toBe(
      '2 vantages must agree, and only here can tell; there: nothing settled yet',
    );
  });
});

describe('what DNS says', () => {
  it('that no path would publish is reported and left alone', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    world.edit('in.example.com', 'MX', 3600, '10 mx.other.example.');
    const result = await world.run();
    expect(decisionOf(result)).toBe('report | 2');
    expect(result.routes[0]!.decided!.reasons[0]).toMatch(/no path publishes what in\.example\.com MX holds/);
    expect(world.bind.updates).toEqual([]);
  });

  it('at a stale secondary is a warning, not a reason to stay', async () => {
    const world = await open();
    world.edit('example.com', 'MX', 3600, '10 mx.long.ago.example.');
    world.bind.holdSecondary();
    world.edit(
      'example.com',
      'MX',
      3600,
      '10 mx1.filter.example.net.',
      '20 mx2.filter.example.net.',
      '90 spool.example.org.',
    );
    await world.runs(3);
    proxyIs(world, '-');

    const result = await world.run();

    expect(world.published()).toBe(direct);
    // Changed, and not true everywhere: exit 5.
    expect(decisionOf(result)).toBe('move | failover to direct | 5');
    expect(await world.journal()).toEqual(['failover proxy->direct applied']);
  });

  it('where only one of two servers answers is believed', async () => {
    const world = await open();
    await world.runs(3);
    world.bind.failSecondary();
    proxyIs(world, '-');
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 5');
    expect(world.published()).toBe(direct);
  });
});

describe('a provider that fails', () => {
  const routes: WorldRoute[] = [
    {},
    {
      name: 'shop',
      lines: 'owners shop.example\nproxy: 10 mx1.filter.example.net\ndirect: 10 mx.shop.example',
      records: 'pdns shop.example shop.example',
    },
  ];

  it('for its key fails its own route and no other', async () => {
    const world = await AppWorld.open({ routes });
    await world.runs(3);
    proxyIs(world, '-');
    const wrongKey = (name: string) =>
      Promise.resolve(world.provider(name, name === 'bind' ? 'b3RoZXI=' : undefined));

    const result = await world.run({ provider: wrongKey });

    expect(result.routes[0]!.error).toMatchObject({ code: 'provider-credentials' });
    expect(result.routes.map((one) => one.exitCode)).toEqual([4, 0]);
    expect(world.published()).toBe(proxy);
    expect(world.published('shop.example', 'MX', 'pdns')).toBe('10 mx.shop.example. ttl 60');
    // Nothing was begun, so nothing is open.
    expect(await world.journal()).toEqual([]);
  });

  it('by refusing the write leaves a failed action, and the next run tries again', async () => {
    const world = await AppWorld.open({ routes });
    await world.runs(3);
    proxyIs(world, '-');
    world.bind.primary.faults.push({ rcode: rcodes.SERVFAIL, isSigned: true });
    const result = await world.run();
    expect(result.routes.map((one) => one.exitCode)).toEqual([8, 0]);
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 0');
    expect(await world.journal()).toEqual([
      'failover proxy->direct failed',
      'failover proxy->direct confirmed',
    ]);
  });

  it('by being away is told, and the route moves when it is back', async () => {
    const world = await AppWorld.open({ routes });
    await world.runs(3);
    proxyIs(world, '-');
    world.bind.primary.close();
    const away = await world.run();
    expect(away.routes[0]!.error).toMatchObject({ code: 'provider-unreachable' });
    expect(away.routes.map((one) => one.exitCode)).toEqual([8, 0]);
    await world.bind.comeBack();
    expect(decisionOf(await world.run())).toBe('move | failover to direct | 0');
  });
});

describe('three routes of 200 domains with max_domains: 500', () => {
  it('share one brake: exactly two move in a run, the third when a person has resumed', async () => {
    const names = ['a', 'b', 'c'];
    const routes = names.map((name): WorldRoute => {
      const owners = Array.from({ length: 200 }, (_, at) => `d${at}.${name}.example`);
      return {
        name,
        lines: 'proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net\ndirect: 10 mx.example.com',
        records: `bind ${name}.example ${owners.join(' ')}`,
        over: { probe: { forgive: 1 } },
      };
    });
    const world = await AppWorld.open({ routes });
    await world.run();
    proxyIs(world, '-');
    const moved = (result: CycleResult) =>
      result.routes.filter((one) => one.moved?.action != null).map((one) => one.route);

    const first = await world.run();

    expect(moved(first)).toEqual(['a', 'b']);
    expect(decisionOf(first, 2)).toBe('hold | direct: blast-radius | 3');
    expect(moved(await world.run())).toEqual([]);
    await resume({ route: null, by: 'person:kim' }, world.deps());
    expect(moved(await world.run())).toEqual(['c']);
    // Thousands of real questions, on a machine that does other things too.
  }, 120_000);
});
