// Several machines on one state store, a round each a minute. Who decides, who is left out, and who says so.

import { describe, expect, it } from 'vitest';
import type { CycleResult } from '../../../src/app/cycle.ts';
import { readStatus } from '../../../src/app/status.ts';
import { renderRound } from '../../../src/render/round.ts';
import { renderStatus } from '../../../src/render/status.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import { AppWorld } from '../../support/app-world.ts';
import { everythingDown, type Machine, machineIn, nothing, proxyDown } from '../../support/machines.ts';
import { failoverPolicy, hour, minute, type RouteOver } from '../../support/worlds.ts';

const never = new AbortController().signal;
const style = { ...plainStyle, width: 400 };

const open = (quorum: number, over: RouteOver = {}, references: readonly string[] = []) =>
  AppWorld.open({
    routes: [{ over: { ...over, failover: { ...failoverPolicy, quorum, ...over.failover } } }],
    references,
  });

/** A round of each, in their order; then a minute passes. The last round of each. */
async function rounds(world: AppWorld, machines: readonly Machine[], count = 1): Promise<CycleResult[]> {
  let last: CycleResult[] = [];
  for (let left = count; left > 0; left--) {
    last = [];
    for (const one of machines) last.push(await one.round());
    world.clock.advance(minute);
  }
  return last;
}

/** `move failover direct | 0`, of the only route. */
function told({ routes }: CycleResult): string {
  const [one] = routes;
  const decision = one?.decided?.decision;
  const words =
    decision?.kind === 'move' ? `move ${decision.action} ${decision.to}` : (decision?.kind ?? 'none');
  return `${words} | ${one?.exitCode ?? '?'}`;
}

const reasons = ({ routes }: CycleResult) => routes[0]?.decided?.reasons ?? [];

const trio = (world: AppWorld) =>
  [
    machineIn(world, { vantage: 'fra' }),
    machineIn(world, { vantage: 'ams' }),
    machineIn(world, { vantage: 'lon' }),
  ] as const;

async function screen(world: AppWorld, machine: Machine, isVerbose = false): Promise<string> {
  const report = await readStatus([world.route()], machine.deps, never);
  return renderStatus(report, isVerbose, style).join('\n');
}

describe('with quorum: 2 and three vantages', () => {
  const three = async () => {
    const world = await open(2);
    const [fra, ams, lon] = trio(world);
    await rounds(world, [fra, ams, lon], 3);
    return { world, fra, ams, lon };
  };

  it('one that lies, and sees everything down, moves nothing and is shown as disagreeing', async () => {
    const { world, fra, ams, lon } = await three();
    lon.sees(everythingDown);
    const results = await rounds(world, [fra, ams, lon], 5);
    expect(results.map(told)).toEqual(['stay | 0', 'stay | 0', 'stay | 0']);
    expect(world.bind.updates).toEqual([]);
    const split = 'vantages differ on proxy: down for lon; up for ams, fra';
    for (const result of results) expect(reasons(result)).toContain(split);
    expect(await screen(world, fra)).toContain(split);
  });

  it('one that lies, and sees everything up, does not hold back the honest majority', async () => {
    const { world, fra, ams, lon } = await three();
    for (const one of [fra, ams]) one.sees(proxyDown);
    const [first, second] = await rounds(world, [fra, ams, lon]);
    expect(told(first!)).toBe('stay | 0');
    expect(told(second!)).toBe('move failover direct | 0');
  });

  it('an honest majority moves beside one that sees everything down, the target too', async () => {
    const { world, fra, ams, lon } = await three();
    lon.sees(everythingDown);
    await rounds(world, [fra, ams, lon], 2);
    for (const one of [fra, ams]) one.sees(proxyDown);
    const results = await rounds(world, [fra, ams, lon], 2);
    expect(results.map((one) => one.routes[0]?.decided?.state.activePath)).toEqual([
      'direct',
      'direct',
      'direct',
    ]);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });

  it.each([
    ['up for all', {}, {}, {}, 'move'],
    ['up for two, down for one', {}, {}, 'down', 'move'],
    ['up for one alone', {}, 'down', 'down', 'hold'],
    ['down for all', 'down', 'down', 'down', 'hold'],
  ] as const)('goes to a target that is %s: %j %j %j -> %s', async (_, a, b, c, expected) => {
    const { world, fra, ams, lon } = await three();
    const machines = [fra, ams, lon];
    const marks = [a, b, c].map((target) => (target === 'down' ? ({ 'mx.example.com': '-' } as const) : {}));
    machines.forEach((one, at) => one.sees(marks[at]!));
    await rounds(world, machines);
    machines.forEach((one, at) => one.sees({ ...proxyDown, ...marks[at] }));
    await rounds(world, machines, 2);
    expect(await world.journal()).toHaveLength(expected === 'move' ? 1 : 0);
  });

  it('is undecided, by name, where fewer are heard of than must agree', async () => {
    const { world, fra, ams, lon } = await three();
    await rounds(world, [fra, lon], 1);
    fra.sees(proxyDown);
    const results = await rounds(world, [fra], 5);
    expect(told(results[0]!)).toBe('undecided | 8');
    expect(reasons(results[0]!)[0]).toMatch(
      /^2 vantages must agree, and only fra can tell; ams: last heard of 6m\d*s? ago; lon: last heard of 5m\d*s? ago$/,
    );
    // It comes back, and after its first rounds the fault is believed.
    ams.sees(proxyDown);
    await rounds(world, [fra, ams], 4);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });

  it('leaves out one that fails its references, with what it wrote before it noticed', async () => {
    const world = await open(2, {}, ['mx.reference.example']);
    const [fra, ams, lon] = trio(world);
    await rounds(world, [fra, ams, lon], 3);
    // Its network goes piecemeal: first the proxy, then everything.
    lon.sees(proxyDown);
    await rounds(world, [lon, fra, ams]);
    lon.sees(nothing);
    fra.sees(proxyDown);
    const [cutOff, alone] = await rounds(world, [lon, fra, ams]);
    expect([cutOff!, alone!].map(told)).toEqual(['undecided | 8', 'stay | 0']);
    expect(world.bind.updates).toEqual([]);
    expect(await screen(world, fra)).toMatch(
      /vantage lon: left out: its references fail since 2026-11-22 03:16:\d\d UTC/,
    );
    // Without the references it would have been the second to see it down.
    lon.sees(proxyDown);
    await rounds(world, [lon, fra]);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
    expect(await screen(world, fra)).not.toContain('left out');
  });

  it('trusts no failure of another route where the references fail', async () => {
    const world = await AppWorld.open({
      references: ['mx.reference.example'],
      routes: [
        {},
        {
          name: 'other',
          lines: 'proxy: 10 mx.other.example\ndirect: 10 mx.more.example',
          records: 'pdns other.example other.example',
        },
      ],
    });
    const fra = machineIn(world, { vantage: 'fra' });
    await rounds(world, [fra], 3);
    fra.sees({ ...nothing, 'mx.other.example': '0' });
    const [result] = await rounds(world, [fra]);
    expect(result!.routes.map((one) => one.decided?.condition)).toEqual(['cut-off', 'cut-off']);
    fra.sees({ ...nothing, 'mx.other.example': '0', 'mx.reference.example': '+' });
    const [witnessed] = await rounds(world, [fra]);
    expect(witnessed!.routes[1]?.moved?.action?.state).toBe('confirmed');
  });
});

describe('a clock that is an hour off', () => {
  it.each([
    ['ahead', hour, /ams: left out: its clock is (59|60|1h)\w* ahead of ours/],
    ['behind', -hour, /ams: left out: its clock is (59|60|1h)\w* behind another vantage's/],
  ])('%s: its results do not count, and it is named', async (_, offMs, said) => {
    const world = await open(2);
    const [fra, ams] = ['fra', 'ams'].map((vantage) => machineIn(world, { vantage })) as [Machine, Machine];
    ams.isOffBy(offMs);
    await rounds(world, [fra, ams], 4);
    for (const one of [fra, ams]) one.sees(proxyDown);
    const [result] = await rounds(world, [fra, ams], 3);
    expect(told(result!)).toBe('undecided | 8');
    expect(reasons(result!)[0]).toMatch(said);
    expect(world.bind.updates).toEqual([]);
    expect(await screen(world, fra)).toMatch(said);
  });

  it('that jumps back leaves no result that stays fresh until time has caught up', async () => {
    const world = await open(1);
    const fra = machineIn(world, { vantage: 'fra' });
    fra.isOffBy(hour);
    await rounds(world, [fra], 3);
    fra.isOffBy(0);
    fra.sees(proxyDown);
    // What it knew is dated in the future: it begins anew, and watches first.
    const words: string[] = [];
    for (let run = 0; run < 4; run++) words.push(told((await rounds(world, [fra]))[0]!));
    expect(words).toEqual(['watch | 0', 'watch | 0', 'move failover direct | 0', 'stay | 0']);
  });

  it('that jumps ahead makes the first runs watch, even where a hop was down before', async () => {
    const world = await open(1, { failover: { ...failoverPolicy, mode: 'manual' } });
    const fra = machineIn(world, { vantage: 'fra' });
    await rounds(world, [fra], 3);
    fra.sees(proxyDown);
    await rounds(world, [fra], 2);
    fra.isOffBy(hour);
    const words: string[] = [];
    for (let run = 0; run < 3; run++) words.push(told((await rounds(world, [fra]))[0]!));
    expect(words).toEqual(['watch | 0', 'watch | 0', 'hold | 2']);
  });
});

describe('two machines under one name', () => {
  const pair = async (quorum = 2) => {
    const world = await open(quorum);
    const one = machineIn(world, { vantage: 'fra', machine: 'fra1' });
    const two = machineIn(world, { vantage: 'fra', machine: 'fra2' });
    return { world, one, two };
  };

  it('make no quorum by themselves', async () => {
    const { world, one, two } = await pair();
    await rounds(world, [one, two], 4);
    for (const machine of [one, two]) machine.sees(proxyDown);
    await rounds(world, [one, two], 4);
    expect(world.bind.updates).toEqual([]);
  });

  it('are told loudly, each in its own output, and in the status of both', async () => {
    const { world, one, two } = await pair(1);
    await rounds(world, [one, two], 2);
    const [first, second] = await rounds(world, [one, two]);
    expect(renderRound(first!, style).join('\n')).toContain(
      '!! two machines run as vantage fra: fra1 and fra2; the other one is left out',
    );
    expect(renderRound(second!, style).join('\n')).toContain(
      '!! two machines run as vantage fra: fra2 and fra1, which had the name first; this one measures and moves nothing',
    );
    expect(second!.routes.map((route) => route.exitCode)).toEqual([8]);
    expect(second!.probes).toBe(0);
    expect(await screen(world, one)).toContain(
      'vantage fra: two machines use this name: fra1 and fra2, which is left out',
    );
    const events = await world.store.listEvents({});
    expect(events.filter((event) => event.kind === 'vantage')).toHaveLength(2);
  });

  it('do not count into one counter: the first goes on alone, from what it sees itself', async () => {
    const { world, one, two } = await pair(1);
    await rounds(world, [one], 3);
    // The second one has no network to the proxy. One round passes before anybody can know that they are two.
    two.sees(everythingDown);
    await rounds(world, [two, one]);
    for (let run = 0; run < 8; run++) {
      const [first, second] = await rounds(world, [one, two]);
      expect(second!.probes).toBe(0);
      expect(['watch | 0', 'stay | 0']).toContain(told(first!));
    }
    const rows = await world.store.readHealth('support');
    expect(rows.map((row) => row.health.status)).toEqual(rows.map(() => 'up'));
    expect(world.bind.updates).toEqual([]);
  });

  it('are one again when one of them is gone, and the name is free for the other', async () => {
    const { world, one, two } = await pair(1);
    await rounds(world, [one, two], 3);
    const [first] = await rounds(world, [two], 3);
    expect(first!.routes.map((route) => route.exitCode)).toEqual([8]);
    await rounds(world, [two], 4);
    const [alone] = await rounds(world, [two]);
    expect(alone!.troubles).toEqual([]);
    expect(told(alone!)).toBe('stay | 0');
    expect(await screen(world, two)).not.toContain('two machines');
  });

  it('that only take over from each other, as containers do, go on with the counters', async () => {
    const { world } = await pair(1);
    for (const name of ['pod-a', 'pod-b', 'pod-c', 'pod-d']) {
      const pod = machineIn(world, { vantage: 'fra', machine: name });
      const [result] = await rounds(world, [pod]);
      expect(result!.troubles).toEqual([]);
    }
    const rows = await world.store.readHealth('support');
    expect(rows.map((row) => row.health.successes)).toEqual(rows.map(() => 4));
  });
});

it('status --verbose shows every vantage with its age', async () => {
  const world = await open(1);
  const [fra, ams] = ['fra', 'ams'].map((vantage) => machineIn(world, { vantage })) as [Machine, Machine];
  await rounds(world, [ams], 1);
  await rounds(world, [fra], 6);
  const lines = (await screen(world, fra, true)).split('\n');
  expect(
    lines.filter((line) => /^(VANTAGE|ams|fra) /.test(line)).map((line) => line.replace(/ +/g, ' ')),
  ).toEqual([
    'VANTAGE MACHINE VERSION SEEN RESULTS',
    'ams ams unknown 7m ago last heard of 7m ago',
    'fra fra unknown 1m ago counts',
  ]);
});
