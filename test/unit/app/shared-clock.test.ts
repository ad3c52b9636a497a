import { describe, expect, it } from 'vitest';
import { measureSkew, SharedClock } from '../../../src/app/shared-clock.ts';
import type { Clock } from '../../../src/runtime/clock.ts';

const noon = Date.UTC(2026, 10, 22, 12);
const hour = 3_600_000;

/** A machine whose clock is off by `aheadMs`, and a store whose answers take as long as `tripsMs` says. */
function scene(aheadMs: number, tripsMs: number[] = []) {
  const world = { at: noon, aheadMs };
  const own: Clock = { now: () => world.at + world.aheadMs, sleep: () => Promise.resolve() };
  const store = {
    readSharedClock: () => {
      const tripMs = tripsMs.shift() ?? 4;
      world.at += tripMs / 2;
      const shared = world.at;
      world.at += tripMs / 2;
      return Promise.resolve(shared);
    },
  };
  return { world, own, store };
}

describe('the clock of a machine that shares a store', () => {
  it.each([hour, -hour, 90_000, -2000])('is put right where it is off by %i ms', async (aheadMs) => {
    const { world, own, store } = scene(aheadMs);
    const clock = new SharedClock(own);
    await clock.follow(store);
    expect(Math.abs(clock.now() - world.at)).toBeLessThanOrEqual(5);
  });

  it('is left as it is where it is off by less than anybody waits', async () => {
    const { own, store } = scene(800);
    const clock = new SharedClock(own);
    await clock.follow(store);
    expect(clock.now()).toBe(own.now());
  });

  it('is followed when somebody sets it, and when somebody puts it right again', async () => {
    const { world, own, store } = scene(0);
    const clock = new SharedClock(own);
    for (const aheadMs of [0, hour, -hour, 0]) {
      world.aheadMs = aheadMs;
      await clock.follow(store);
      expect(Math.abs(clock.now() - world.at), String(aheadMs)).toBeLessThanOrEqual(5);
    }
  });

  it('is its own where the store is a file', async () => {
    const { own } = scene(hour);
    const clock = new SharedClock(own);
    await clock.follow({ readSharedClock: () => Promise.resolve(null) });
    expect(clock.now()).toBe(own.now());
  });

  it('is judged by the quickest answer, for the first may have had to connect', async () => {
    const { own, store } = scene(0, [3000, 2, 40]);
    expect(await measureSkew(store, own)).toEqual({ skewMs: 0, accuracyMs: 2 });
  });
});
