// A run killed at each point of an action, and the run after it. The journal is as the killed process left it; what
// reached the provider went through the real adapter.

import { describe, expect, it } from 'vitest';

import { StoreError } from '../../../src/errors.ts';
import { proposeMove } from '../../../src/app/propose.ts';
import type { Action, ChangeState } from '../../../src/model/change.ts';
import { actionLine } from '../../../src/render/action.ts';
import type { Store } from '../../../src/store/store.ts';
import { AppWorld, laidOver } from '../../support/app-world.ts';
import { hour, minute } from '../../support/worlds.ts';
import { until } from '../../support/cli-world.ts';

const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org. ttl 3600';
const direct = '10 mx.example.com. 90 spool.example.org. ttl 60';
const never = new AbortController().signal;

const twoZones = () =>
  AppWorld.open({ routes: [{ records: 'bind example.com example.com\npdns shop.example shop.example' }] });

/** `auto` is killed: `reached` are the providers that its UPDATE got to, `state` what it last wrote down. */
async function killed(
  world: AppWorld,
  reached: readonly string[] = [],
  state: 'intended' | 'applied' = 'intended',
): Promise<Action> {
  const deps = world.deps({ holder: 'here:666:killed' });
  world.dead.add('here:666:killed');
  const { prepared } = await proposeMove(world.route(), 'direct', deps, never);
  const answer = await world.store.acquireLease('support', deps.holder, minute, world.clock.now());
  if (answer.outcome !== 'held') throw new Error('the lease is taken');
  const { plan } = prepared;
  const changeStates = plan.changes.map((): ChangeState => 'pending');
  const action: Action = {
    id: deps.newId(),
    plan: { ...plan, kind: 'failover' },
    by: 'auto@here',
    reason: 'proxy is down',
    overrides: [],
    leaseToken: answer.lease.token,
    state: 'intended',
    changeStates,
    intendedAt: world.clock.now(),
    appliedAt: null,
    confirmedAt: null,
    clearAt: null,
    rollbackOf: null,
    note: null,
  };
  await world.store.beginAction(action, answer.lease);
  for (const name of reached) {
    const changes = plan.changes.filter((one) => one.provider === name);
    await world.provider(name).replaceRrsets(changes[0]!.zone, changes, never);
  }
  if (state === 'applied') {
    const patch = { state, changeStates: changeStates.map((): ChangeState => 'applied') };
    await world.store.updateAction(action.id, { ...patch, appliedAt: world.clock.now() }, answer.lease);
  }
  await world.restart();
  return action;
}

/** `count` flips are what hold-down and the flip limit see. */
const flips = async (world: AppWorld): Promise<string[]> =>
  (await world.actions()).filter((one) => one.appliedAt !== null).map((one) => one.plan.to ?? '?');

describe('a run killed between the intent and the write', () => {
  it('is written down as failed, not counted as a flip, and decided anew', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.hops.set('mx1.filter.example.net', '-');
    world.hops.set('mx2.filter.example.net', '-');
    await killed(world);

    const result = await world.run();

    expect(result.routes[0]!.recovered.map((one) => one.text)).toEqual([
      expect.stringMatching(/^failover proxy -> direct \([0-9a-f]{6}\) never reached the provider$/),
    ]);
    expect(await world.journal()).toEqual([
      'failover proxy->direct failed',
      'failover proxy->direct confirmed',
    ]);
    expect(await flips(world)).toEqual(['direct']);
    expect(world.bind.updates).toHaveLength(1);
    expect(world.published()).toBe(direct);
  });

  it('and a proxy that came back meanwhile ends in no move at all', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await killed(world);
    await world.run();
    expect(await world.journal()).toEqual(['failover proxy->direct failed']);
    expect(world.published()).toBe(proxy);
    expect(world.bind.updates).toEqual([]);
  });
});

describe('a run killed between the write and the read-back', () => {
  it.each(['intended', 'applied'] as const)('with %s in the journal: confirmed, one flip', async (state) => {
    const world = await AppWorld.open();
    await world.runs(3);
    const { id } = await killed(world, ['bind'], state);

    await world.run();

    const [action, ...more] = await world.actions();
    expect(more).toEqual([]);
    expect(action).toMatchObject({ id, state: 'confirmed', changeStates: ['confirmed', 'confirmed'] });
    expect(action!.clearAt).toBe(action!.confirmedAt! + hour + 1000);
    expect(await flips(world)).toEqual(['direct']);
    expect(world.bind.updates).toHaveLength(1);
  });

  it('is not waited out: the lease of a dead process of this machine is taken at once', async () => {
    const world = await AppWorld.open();
    await killed(world, ['bind']);
    const startedAt = world.clock.now();
    await world.failover('proxy');
    expect(world.clock.now() - startedAt).toBeLessThan(minute);
    expect(await world.journal()).toEqual([
      'failover proxy->direct confirmed',
      'manual direct->proxy confirmed',
    ]);
  });

  it('of which the machine is not this one is waited for', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await killed(world, ['bind']);
    world.dead.clear();
    const locked = await world.run();
    expect(locked.routes[0]).toMatchObject({ exitCode: 7, error: { code: 'locked' } });
    // Two controllers live together: that the other one is at work is no message, and no reason to stop looking.
    expect(locked.routes[0]!.isNews).toBe(false);
    expect(locked.probes).toBeGreaterThan(0);
    await world.run();
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });
});

describe('a run killed between two zones', () => {
  it('is finished, once, and counts as one flip', async () => {
    const world = await twoZones();
    await world.runs(3);
    await killed(world, ['bind']);

    await world.run();
    await world.run();

    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
    expect(world.published('example.com')).toBe(direct);
    expect(world.published('shop.example', 'MX', 'pdns')).toBe(direct);
    expect(world.bind.updates).toHaveLength(1);
    expect(world.dns.get('pdns')!.updates).toHaveLength(1);
    expect(await flips(world)).toEqual(['direct']);
  });

  it('more than an hour ago is left as it is: partial, for a person', async () => {
    const world = await twoZones();
    await world.runs(3);
    await killed(world, ['bind']);
    world.clock.advance(hour);

    const result = await world.run();

    expect((await world.actions())[0]).toMatchObject({
      state: 'partial',
      changeStates: ['applied', 'failed'],
    });
    expect(result.routes[0]!.recovered[0]!.text).toMatch(/is partly applied; a person must look$/);
    expect(result.routes[0]).toMatchObject({ exitCode: 2, decided: { phase: 'drift' } });
    expect(world.published('shop.example', 'MX', 'pdns')).toBe(proxy);
    expect(world.dns.get('pdns')!.updates).toEqual([]);
    expect(await flips(world)).toEqual(['direct']);
  });

  it('waits while the route is paused, and can be rolled back as far as it got', async () => {
    const world = await twoZones();
    await world.runs(3);
    await killed(world, ['bind']);
    const at = world.clock.now();
    await world.store.setPause({ route: 'support', by: 'kim', reason: 'hands off', at, until: at + hour });

    await world.run();
    expect(world.journalNow()).toEqual(['intended applied pending']);
    expect(world.dns.get('pdns')!.updates).toEqual([]);

    await world.rollback(null, { overrides: ['paused'] });
    expect(world.published('example.com')).toBe(proxy);
    expect(world.dns.get('pdns')!.updates).toEqual([]);
  });

  it('is finished when the pause is over', async () => {
    const world = await twoZones();
    await world.runs(3);
    await killed(world, ['bind']);
    const at = world.clock.now();
    await world.store.setPause({ route: null, by: 'kim', reason: 'hands off', at, until: at + 90_000 });
    await world.runs(3);
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
    expect(world.published('shop.example', 'MX', 'pdns')).toBe(direct);
  });
});

describe('a killed run that somebody else overtook', () => {
  it('is a conflict, and nothing is written over them', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await killed(world);
    world.edit('example.com', 'MX', 300, '10 mx.other.example.');

    const result = await world.run();

    expect((await world.actions())[0]).toMatchObject({ state: 'conflict', appliedAt: null });
    expect(result.routes[0]!.recovered[0]!.text).toMatch(/was overtaken/);
    expect(result.routes[0]).toMatchObject({ exitCode: 2, decided: { phase: 'drift' } });
    expect(world.published()).toBe('10 mx.other.example. ttl 300');
    expect(world.bind.updates).toEqual([]);
  });

  it('half way is not finished', async () => {
    const world = await AppWorld.open({
      routes: [
        {
          records:
            'bind example.com example.com\npdns shop.example shop.example\nknot club.example club.example',
        },
      ],
    });
    await world.runs(3);
    await killed(world, ['bind']);
    world.edit('shop.example', 'MX', 300, '10 mx.other.example.');

    await world.run();

    expect((await world.actions())[0]).toMatchObject({
      state: 'partial',
      changeStates: ['applied', 'conflict', 'failed'],
    });
    expect(world.dns.get('knot')!.updates).toEqual([]);
  });

  it('after it had been applied ends as overwritten, with the flip counted', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    await killed(world, ['bind'], 'applied');
    world.edit('example.com', 'MX', 300, '10 mx.other.example.');

    const first = await world.run();
    const second = await world.run();

    expect(await world.journal()).toEqual(['failover proxy->direct conflict']);
    expect(first.routes[0]!.recovered[0]!.text).toMatch(/had been applied, and was overwritten since$/);
    expect(second.routes[0]).toMatchObject({ recovered: [], isNews: false });
    expect(await flips(world)).toEqual(['direct']);
    expect(actionLine((await world.actions())[0]!)).toMatch(/ {2}written, overwritten since {2}/);
    expect(world.published()).toBe('10 mx.other.example. ttl 300');
  });
});

describe('a later action', () => {
  it('ends an earlier one that a dead authority kept open', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.bind.failSecondary();
    await world.failover('direct');
    world.bind.releaseSecondary();
    await world.failover('proxy');
    await world.run();
    expect(await world.journal()).toEqual([
      'manual proxy->direct confirmed',
      'manual direct->proxy confirmed',
    ]);

    world.bind.failSecondary();
    await world.failover('direct');
    world.clock.advance(minute);
    await world.failover('proxy');
    await world.run();
    expect((await world.journal()).slice(2)).toEqual([
      'manual proxy->direct conflict',
      'manual direct->proxy applied',
    ]);
  });
});

describe('a move that was made and never told', () => {
  /** A store whose history takes no decision: `end` says how it goes on instead. */
  async function mutedWorld(end: () => Promise<void>): Promise<{ world: AppWorld; mute: Store }> {
    const world = await AppWorld.open();
    await world.runs(3);
    for (const exchange of ['mx1', 'mx2']) world.hops.set(`${exchange}.filter.example.net`, '-');
    const { store } = world;
    const mute = laidOver(store, {
      appendEvent: (event) => (event.kind === 'decision' ? end() : store.appendEvent(event)),
    });
    return { world, mute };
  }

  it('is told by the next run, once', async () => {
    const gone = new StoreError('store-unavailable', 'gone', {});
    const { world, mute } = await mutedWorld(() => Promise.reject(gone));
    await world.run({ store: mute });
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);

    const next = await world.run();
    expect(next.routes[0]).toMatchObject({ isNews: true });
    expect(next.routes[0]!.recovered.map((one) => one.text).join()).toMatch(
      /^failover proxy -> direct \(\w+\) had been applied; every authority answers it now$/,
    );
    const again = await world.run();
    expect(again.routes[0]).toMatchObject({ isNews: false, recovered: [] });
  });

  it('is left to the machine that made it, for two minutes', async () => {
    const { world, mute } = await mutedWorld(() => new Promise(() => undefined));
    void world.run({ store: mute });
    await until(async () => (await world.journal()).includes('failover proxy->direct confirmed'));
    const other = { config: { ...world.config(), vantage: 'other' } };
    const textsOf = async () => (await world.run(other)).routes[0]!.recovered.map((one) => one.text);
    expect(await textsOf()).toEqual([]);
    world.clock.advance(2 * minute);
    expect((await textsOf()).join()).toMatch(/had been applied/);
  });
});
