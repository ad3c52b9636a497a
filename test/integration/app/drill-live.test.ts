// Live drills on real authorities, a real provider and a real store: there, held, and back to the very same records,
// whatever happens on the way.

import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../src/app/deps.ts';
import type { DrillLook } from '../../../src/app/drill-hold.ts';
import { drillLive, type LiveDrill, proposeLive, refuseDrill } from '../../../src/app/drill-live.ts';
import { readStatus } from '../../../src/app/status.ts';
import { AppError, exitCodes } from '../../../src/errors.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { renderStatus } from '../../../src/render/status.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import { AppWorld } from '../../support/app-world.ts';

const never = new AbortController().signal;
const minute = 60_000;
const hour = 60 * minute;
const zone = domainNameOf('example.com');

const published = ({ bind }: AppWorld) =>
  bind.primary
    .records(zone)
    .filter((one) => one.type === 'MX')
    .map((one) => `${one.owner} ${one.ttl} ${String(one.rdata)}`)
    .sort();

/** Every hop is known to be up. */
async function openWorld(): Promise<AppWorld> {
  const world = await AppWorld.open();
  await world.runs(3);
  return world;
}

/** A clock that runs through every pause of a drill. */
function quick(world: AppWorld): Deps['clock'] {
  return {
    now: () => world.clock.now(),
    sleep: async (ms, signal) => {
      if (ms > 60_000) return world.clock.sleep(ms, signal);
      signal.throwIfAborted();
      // A lease is renewed after 20 s: that pause must wait, or it would spin.
      if (ms === 20_000) return world.clock.sleep(ms, signal);
      world.clock.advance(ms);
      await new Promise((done) => setImmediate(done));
      signal.throwIfAborted();
    },
  };
}

interface Options {
  readonly onLook?: (look: DrillLook, number: number) => void | Promise<void>;
  readonly over?: Partial<Deps>;
  readonly signal?: AbortSignal;
  readonly holdMs?: number;
}

async function drill(world: AppWorld, options: Options = {}): Promise<LiveDrill> {
  const deps = world.deps({ clock: quick(world), ...options.over });
  const proposal = await proposeLive(world.route(), null, deps, never);
  const refusal = refuseDrill(proposal);
  if (refusal !== null) throw refusal;
  world.clock.advance(1000);
  let looks = 0;
  return drillLive(
    proposal,
    { by: 'person:kim@here', reason: 'test', holdMs: options.holdMs ?? 15 * minute },
    deps,
    options.signal ?? never,
    (look) => void options.onLook?.(look, ++looks),
  );
}

describe('a live drill', () => {
  it('moves, holds, comes back with the short TTL first, and leaves every record as it was', async () => {
    const world = await openWorld();
    const before = published(world);
    const seen = new Set<string>();
    const done = await drill(world, { onLook: () => void seen.add(published(world).join('\n')) });
    expect(done).toMatchObject({ error: null, isIdentical: true, end: { kind: 'over' } });
    expect(seen.size).toBe(1);
    expect([...seen][0]).toContain('60 10 mx.example.com.');
    expect(done.looks.length).toBeGreaterThan(10);
    expect(new Set(done.looks.map((one) => `${one.target.fate} ${one.home.fate}`))).toEqual(
      new Set(['accepted accepted']),
    );
    expect(published(world)).toEqual(before);
    expect((await world.journal()).map((one) => one.replace(/ (confirmed|cleared)$/, ''))).toEqual([
      'drill proxy->direct',
      'return direct->proxy',
      'raise-ttl proxy->proxy',
    ]);
    expect(await world.store.readPauses(world.clock.now())).toEqual([]);
  });

  it('keeps the route paused meanwhile, for some minutes at a time', async () => {
    const world = await openWorld();
    const leftMs: number[] = [];
    await drill(world, {
      onLook: async () => {
        const now = world.clock.now();
        for (const one of await world.store.readPauses(now)) leftMs.push(one.until - now);
      },
    });
    expect(leftMs.length).toBeGreaterThan(10);
    expect(Math.max(...leftMs)).toBeLessThanOrEqual(5 * minute);
  });

  it('comes back at once where the candidate fails', async () => {
    const world = await openWorld();
    const before = published(world);
    const done = await drill(world, {
      onLook: (_look, number) => {
        if (number === 3) world.hops.set('mx.example.com', '-');
      },
    });
    expect(done).toMatchObject({ end: { kind: 'relapse' }, isIdentical: true });
    expect(done.error?.exitCode).toBe(exitCodes.found);
    expect(done.looks).toHaveLength(4);
    expect(published(world)).toEqual(before);
  });

  it('brings the records back before it obeys Ctrl-C', async () => {
    const world = await openWorld();
    const before = published(world);
    const person = new AbortController();
    const done = await drill(world, {
      signal: person.signal,
      onLook: (_look, number) => {
        if (number === 2)
          person.abort(new AppError('interrupted', 'stopped by SIGINT', { exitCode: exitCodes.interrupted }));
      },
    });
    expect(done).toMatchObject({ end: { kind: 'interrupted' }, isIdentical: true });
    expect(done.error?.exitCode).toBe(exitCodes.interrupted);
    expect(published(world)).toEqual(before);
    expect(await world.journal()).toHaveLength(2);
  });

  it('comes back early where a person resumes the route', async () => {
    const world = await openWorld();
    const before = published(world);
    const done = await drill(world, {
      onLook: (_look, number) => {
        if (number === 2) void world.store.clearPause('support');
      },
    });
    expect(done).toMatchObject({ end: { kind: 'resumed' }, isIdentical: true });
    expect(published(world)).toEqual(before);
  });

  it('leaves alone what a person paused over it', async () => {
    const world = await openWorld();
    const done = await drill(world, {
      onLook: async (_look, number) => {
        const at = world.clock.now();
        const pause = { route: 'support', by: 'ann', reason: 'hands off', at, until: at + hour };
        if (number === 2) await world.store.setPause(pause);
      },
    });
    expect(done).toMatchObject({ end: { kind: 'taken' }, back: { action: null } });
    expect(done.error?.message).toMatch(/did not come back: paused over it by ann: hands off/);
    expect(await world.store.readPauses(world.clock.now())).toMatchObject([{ by: 'ann' }]);
  });

  it('stays where it works when the path of before has failed meanwhile', async () => {
    const world = await openWorld();
    const done = await drill(world, {
      onLook: (_look, number) => {
        if (number !== 2) return;
        world.hops.set('mx1.filter.example.net', '-');
        world.hops.set('mx2.filter.example.net', '-');
      },
    });
    expect(done.back).toMatchObject({ action: null, reason: 'proxy is down, and direct is not' });
    expect(done.error?.exitCode).toBe(exitCodes.found);
    expect(published(world).join()).toContain('10 mx.example.com.');
  });

  it('is refused by any guard, and where the path of before is not well', async () => {
    const world = await openWorld();
    world.hops.set('mx.example.com', '-');
    await expect(drill(world)).rejects.toThrow(/^refused by target-unhealthy/);
    world.hops.set('mx.example.com', '+');
    world.hops.set('mx1.filter.example.net', '-');
    world.hops.set('mx2.filter.example.net', '-');
    await expect(drill(world)).rejects.toThrow(/^proxy, to which it would come back, is not well: /);
    expect(world.bind.updates).toEqual([]);
  });

  it('that was killed is told by status and auto, and rolled back by a person', async () => {
    const world = await openWorld();
    const before = published(world);
    const killed = new Error('SIGKILL');
    const dying = world.deps({ clock: quick(world) });
    const proposal = await proposeLive(world.route(), null, dying, never);
    world.clock.advance(1000);
    const options = { by: 'person:kim@here', reason: 'test', holdMs: 15 * minute };
    await expect(
      drillLive(proposal, options, dying, never, () => {
        throw killed;
      }),
    ).rejects.toThrow(killed);
    const status = async () => {
      const report = await readStatus([world.route()], world.deps(), never);
      return renderStatus(report, false, plainStyle).join(' ').replace(/\s+/g, ' ');
    };
    // While its pause lasts nobody moves anything.
    expect(await status()).toMatch(/paused for \S+ more by person:kim@here: drill \S+ is under way/);
    world.clock.advance(10 * minute);
    expect(await status()).toMatch(
      /a drill moved it from proxy to direct at \S+ and never came back: mxctl rollback/,
    );
    const [outcome] = (await world.run()).routes;
    expect(outcome?.decided?.reasons.join()).toMatch(/never came back: mxctl rollback/);
    await expect(drill(world)).rejects.toThrow(/an earlier drill is not over/);
    expect((await world.rollback()).action.state).toBe('confirmed');
    expect(published(world)).toEqual(before);
    expect(await status()).not.toMatch(/never came back/);
  });
});
