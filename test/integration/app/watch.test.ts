// Where a change has got to, as `watch` and `status` see it: each authority, each resolver, and the countdown.

import { describe, expect, it } from 'vitest';

import { findChange, settleChange } from '../../../src/app/changes.ts';
import { readStatus, type RouteStatus } from '../../../src/app/status.ts';
import { watchOnce, type WatchFrame } from '../../../src/app/watch.ts';
import { AppWorld } from '../../support/app-world.ts';
import { hour, minute } from '../../support/worlds.ts';

const never = new AbortController().signal;

const oldLines = `
  example.com. 1800 MX 10 mx1.filter.example.net.
  example.com. 1800 MX 20 mx2.filter.example.net.
  example.com. 1800 MX 90 spool.example.org.`;
const newLines = `
  example.com. 40 MX 10 mx.example.com.
  example.com. 40 MX 90 spool.example.org.`;

const open = () =>
  AppWorld.open({
    routes: [
      {
        lines: `
          owners example.com
          ttl 3600/60
          proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net
          direct: 10 mx.example.com
          keep spool: 90 spool.example.org`,
      },
    ],
  });

/** `authorities: new old; resolvers: new 40`. */
function line({ changes }: WatchFrame): string {
  const [one] = changes;
  const authorities = one!.authorities.map((seen) => seen.version).join(' ');
  const resolvers = one!.resolvers.map((seen) => `${seen.version} ${seen.ttl}`).join(' ');
  return `authorities: ${authorities}; resolvers: ${resolvers}`;
}

const watch = async (world: AppWorld): Promise<WatchFrame> =>
  watchOnce(await findChange(null, world.deps()), world.deps(), never);

const status = async (world: AppWorld): Promise<RouteStatus> =>
  (await readStatus([world.route()], world.deps(), never)).routes[0]!;

describe('a change that is watched', () => {
  it('is old at a secondary that lags and in the caches, then new everywhere, then clear', async () => {
    const world = await open();
    world.cached(oldLines);
    world.bind.holdSecondary();
    await world.failover('direct');

    const lagging = await watch(world);
    expect(line(lagging)).toBe('authorities: new old; resolvers: old 1800');
    expect(lagging).toMatchObject({ clearAt: null, isClear: false });
    expect(lagging.changes[0]!.isPublished).toBe(false);

    world.bind.releaseSecondary();
    const action = await settleChange(await findChange(null, world.deps()), world.deps(), never);
    expect(action.state).toBe('confirmed');
    const published = await watchOnce(action, world.deps(), never);
    expect(line(published)).toBe('authorities: new new; resolvers: old 1800');
    expect(published).toMatchObject({ clearAt: action.confirmedAt! + hour + 1000, isClear: false });

    world.cached(newLines);
    world.clock.advance(hour);
    expect(line(await watch(world))).toBe('authorities: new new; resolvers: new 40');
    expect((await watch(world)).isClear).toBe(false);
    world.clock.advance(1000);
    expect((await watch(world)).isClear).toBe(true);
  });

  it('is none where a server fails or has nothing to say, with the reason', async () => {
    const world = await open();
    world.bind.failSecondary();
    await world.failover('direct');
    const frame = await watch(world);
    expect(line(frame)).toBe('authorities: new none; resolvers: other null');
    expect(frame.changes[0]!.authorities[1]!.reason).toMatch(/SERVFAIL from 127\.0\.0\.1/);
  });

  it('is other where somebody wrote since, and then never clear', async () => {
    const world = await open();
    await world.failover('direct');
    world.edit('example.com', 'MX', 300, '10 mx.other.example.');
    world.clock.advance(2 * hour);
    const frame = await watch(world);
    expect(line(frame)).toMatch(/^authorities: other other;/);
    expect(frame.isClear).toBe(false);
  });

  it('tells a changed TTL at an authority from the change itself', async () => {
    const world = await open();
    await world.failover('direct');
    world.edit('example.com', 'MX', 600, '10 mx.example.com.', '90 spool.example.org.');
    const frame = await watch(world);
    expect(line(frame)).toMatch(/^authorities: new new;/);
    expect(frame.changes[0]!.isPublished).toBe(false);
  });
});

describe('status', () => {
  it('shows the active path, the standby and the health that the runs remember', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx.example.com', '-');
    await world.run();
    const seen = await status(world);
    expect(seen).toMatchObject({
      match: { kind: 'path', path: 'proxy', ttl: { least: 3600, most: 3600 } },
      standby: ['direct'],
      disagreement: null,
      lastFlip: null,
      unsettled: [],
      clearAt: null,
    });
    expect(seen.health.get('proxy')!.status).toBe('ok');
    expect(seen.health.get('direct')!.status).toBe('down');
  });

  it('forgets health that is older than three intervals', async () => {
    const world = await open();
    await world.runs(3);
    world.clock.advance(3 * minute);
    expect((await status(world)).health.get('proxy')!.status).toBe('unknown');
  });

  it('shows an unsettled change and that the authorities differ', async () => {
    const world = await open();
    world.bind.holdSecondary();
    await world.failover('direct');
    const seen = await status(world);
    expect(seen.match).toMatchObject({ kind: 'path', path: 'direct' });
    expect(seen.disagreement).toMatch(/^authorities differ on example\.com MX/);
    expect(seen.unsettled.map((one) => one.state)).toEqual(['applied']);
  });

  it('shows until when caches may hold what was replaced', async () => {
    const world = await open();
    await world.run();
    await world.failover('direct');
    const seen = await status(world);
    expect(seen.lastFlip).toMatchObject({ state: 'confirmed' });
    expect(seen.clearAt).toBe(seen.lastFlip!.clearAt);
  });

  it('shows drift, a pause, and a store that knows nothing yet', async () => {
    const world = await open();
    const fresh = await readStatus([world.route()], world.deps(), never);
    expect(fresh).toMatchObject({ lastRun: null });
    expect(fresh.routes[0]).toMatchObject({ state: null });
    world.edit('example.com', 'MX', 300, '10 mx.other.example.');
    const at = world.clock.now();
    await world.store.setPause({ route: null, by: 'kim', reason: 'OPS-12', at, until: at + hour });
    const seen = await status(world);
    expect(seen.match.kind).toBe('drift');
    expect(seen.pauses).toHaveLength(1);
  });

  it('cannot tell the active path where no authority answers', async () => {
    const world = await open();
    world.bind.failBoth();
    expect((await status(world)).match.kind).toBe('unseen');
  });
});
