// Drills on real authorities, a real provider and a real store: what a rehearsal finds, and that a canary drill leaves
// nothing behind, whenever it is stopped.

import { describe, expect, it } from 'vitest';
import { type CanaryDrill, drillCanary } from '../../../src/app/drill-canary.ts';
import { rehearse } from '../../../src/app/drill-rehearse.ts';
import { runRound } from '../../../src/app/rounds.ts';
import type { Deps } from '../../../src/app/deps.ts';
import { AppError, exitCodes } from '../../../src/errors.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import { AppWorld } from '../../support/app-world.ts';

const never = new AbortController().signal;
const words = { by: 'person:kim@here', reason: 'drill' };
const owner = domainNameOf('_mxctl-drill.example.com');

const txtOf = ({ bind }: AppWorld) =>
  bind.primary.records(domainNameOf('example.com')).filter((one) => one.type === 'TXT');

function drill(world: AppWorld, over: Partial<Deps> = {}, signal = never): Promise<CanaryDrill> {
  return drillCanary(world.route(), words, world.deps(over), signal);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error instanceof Error ? error : new Error('nothing was thrown');
  return `${error.code}: ${error.message}`;
}

describe('a rehearsal', () => {
  it('is ready where a candidate passes every guard, and writes nothing', async () => {
    const world = await AppWorld.open();
    const found = await rehearse(world.route(), world.deps(), never);
    expect(found).toMatchObject({ active: 'proxy', findings: [], exitCode: 0, error: null });
    expect(found.candidates.map((one) => [one.path, one.prepared?.plan.changes.length])).toEqual([
      ['direct', 2],
    ]);
    expect(found.providers).toMatchObject([{ name: 'bind', fault: null, provenAt: null }]);
    expect(world.bind.updates).toEqual([]);
    expect(await world.journal()).toEqual([]);
    expect(await world.store.readHealth('support')).toEqual([]);
  });

  it('finds a standby that would be refused, and says that a night would have been', async () => {
    const world = await AppWorld.open();
    world.hops.set('mx.example.com', '-');
    const found = await rehearse(world.route(), world.deps(), never);
    expect(found.exitCode).toBe(exitCodes.refused);
    expect(found.findings).toContainEqual(
      expect.stringMatching(/^direct would be refused by target-unhealthy: /),
    );
  });

  it('is a finding where one standby of two would be refused', async () => {
    const lines = `
      owners example.com
      ttl 3600/60
      proxy: 10 mx1.filter.example.net
      direct: 10 mx.example.com
      ams: 10 mx.ams.example`;
    const world = await AppWorld.open({ routes: [{ lines }] });
    world.hops.set('mx.ams.example', '0');
    const found = await rehearse(world.route(), world.deps(), never);
    expect([found.exitCode, found.findings.length]).toEqual([exitCodes.found, found.findings.length]);
    expect(found.findings.every((one) => one.startsWith('ams would be refused'))).toBe(true);
  });

  it('has the code of a provider that does not know us, and judges the targets all the same', async () => {
    const world = await AppWorld.open();
    const provider: Deps['provider'] = (name) => Promise.resolve(world.provider(name, 'd3Jvbmc='));
    const found = await rehearse(world.route(), world.deps({ provider }), never);
    expect(found.exitCode).toBe(exitCodes.credentials);
    expect(found.candidates).toMatchObject([{ path: 'direct', prepared: null }]);
    expect(
      found.candidates[0]?.guards.some((one) => one.name === 'target-unhealthy' && one.verdict === 'ok'),
    ).toBe(true);
  });
});

describe('a canary drill', () => {
  it('writes a TXT record, times it, takes it away, and leaves the journal settled', async () => {
    const world = await AppWorld.open();
    const { zones, error, leftovers } = await drill(world);
    expect([error, leftovers]).toEqual([null, []]);
    expect(zones).toMatchObject([
      { owner, written: { source: 'drill', allMs: 0 }, removed: { allMs: 0 }, promise: { measured: 0 } },
    ]);
    expect(txtOf(world)).toEqual([]);
    expect(world.bind.updates).toHaveLength(2);
    expect(await world.journal()).toEqual(['measure ?->? cleared', 'measure ?->? cleared']);
    expect((await runRound(world.deps(), never)).routes[0]).toMatchObject({ recovered: [], exitCode: 0 });
  });

  it('feeds the plans from the third on', async () => {
    const world = await AppWorld.open();
    const promises: number[] = [];
    for (let number = 1; number <= 3; number++) {
      const { zones } = await drill(world);
      promises.push(zones[0]?.promise.seconds ?? 0);
      world.clock.advance(60_000);
    }
    expect(promises).toEqual([10, 10, 1]);
  });

  it('is no flip: it binds no hold-down and is not what rollback takes back', async () => {
    const world = await AppWorld.open();
    await drill(world);
    expect(await codeOf(world.rollback())).toMatch(/^change-unknown/);
    world.clock.advance(1000);
    expect((await world.failover('direct')).action.state).toBe('confirmed');
  });

  it('refuses where such a record stands that it does not know, and where the route is paused', async () => {
    const world = await AppWorld.open();
    const theirs = rrsetOf(owner, 'TXT', 60, ['"mxctl drill 01JOTHER 2026-11-22T03:00:00.000Z"']);
    world.bind.primary.write(owner, 'TXT', theirs);
    expect(await codeOf(drill(world))).toMatch(
      /^conflict: _mxctl-drill\.example\.com TXT \(bind\) holds what is not ours/,
    );
    expect(txtOf(world)).toHaveLength(1);
    world.bind.primary.write(owner, 'TXT', null);
    const at = world.clock.now();
    await world.store.setPause({ route: null, by: 'kim', reason: 'hands off', at, until: at + 60_000 });
    expect(await codeOf(drill(world))).toMatch(/^refused: paused by kim: hands off/);
    expect(world.bind.updates).toEqual([]);
  });

  it('takes its record away where somebody gives up while it is waited for', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    const person = new AbortController();
    const { reader } = world.deps();
    let looks = 0;
    const watched: Deps['reader'] = {
      readPublished: (question, signal) => {
        if (question.type === 'TXT' && ++looks === 2) {
          person.abort(new AppError('interrupted', 'stopped by SIGINT', { exitCode: exitCodes.interrupted }));
          world.bind.releaseSecondary();
        }
        return reader.readPublished(question, signal);
      },
    };
    const { error } = await drill(world, { reader: watched }, person.signal);
    expect(error?.exitCode).toBe(exitCodes.interrupted);
    expect(txtOf(world)).toEqual([]);
  });

  it('says so where an authority never follows, and takes its record away all the same', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    const { error, zones } = await drill(world);
    expect(error).toMatchObject({ code: 'unconfirmed', exitCode: exitCodes.unconfirmed });
    expect(zones).toMatchObject([{ written: { firstMs: 0, allMs: null } }]);
    expect(txtOf(world)).toEqual([]);
  });

  it('removes what a killed one had left', async () => {
    const world = await AppWorld.open();
    const { store } = world;
    const killed = new Error('SIGKILL');
    // After the write the process is no more: nothing of it reaches the journal or the zone any longer.
    const dying = new Proxy(store, {
      get: (target, name, receiver) =>
        name === 'updateAction' || name === 'releaseLease'
          ? () => Promise.reject(killed)
          : (Reflect.get(target, name, receiver) as unknown),
    });
    await expect(drill(world, { store: dying })).rejects.toThrow();
    expect(txtOf(world)).toHaveLength(1);
    world.dead.add(world.deps().holder);
    await world.restart();
    const [told] = (await runRound(world.deps(), never)).routes[0]?.recovered ?? [];
    expect(told?.text).toMatch(/^the TXT record of drill [0-9a-f]{6} had been applied/);
    const { error, leftovers } = await drill(world);
    expect([error, leftovers]).toEqual([null, [owner]]);
    expect(txtOf(world)).toEqual([]);
  });
});
