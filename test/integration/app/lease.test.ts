// A lease for as long as the work lasts, over a real store: outages, stalls, clocks that are set. In each test one
// protection alone stands between two holders.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertHeld, type HeldLease, type LeaseTimes, withLease } from '../../../src/app/lease.ts';
import { AppError, StoreError } from '../../../src/errors.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { laidOver } from '../../support/app-world.ts';
import { nightAt } from '../../support/store-samples.ts';
import { manualClock, type ManualClock } from '../sandbox/manual-clock.ts';

const minute = 60_000;
const hour = 3_600_000;
const never = new AbortController().signal;

let directory: string;
let store: Store;
/** Passes for both: what elapses, and what the clock says. */
let passing: ManualClock;
/** What somebody added to the clock. */
let setBy: number;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-lease-'));
  store = await openSqlStore({ url: `sqlite:${join(directory, 'state.db')}` });
  passing = manualClock(nightAt);
  setBy = 0;
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const clock: Clock = {
  now: () => passing.now() + setBy,
  sleep: (ms, signal) => passing.sleep(ms, signal),
  elapsedMs: () => passing.now(),
};

function hold<T>(
  work: (held: HeldLease) => Promise<T>,
  over: Store = store,
  limits?: LeaseTimes,
): Promise<T> {
  const deps = { store: over, clock, holder: 'a:1:run', isDeadHolder: () => false };
  return withLease('support', deps, never, work, limits);
}

/** Another machine that sees the same clock. */
const takeOver = () => store.acquireLease('support', 'b:2:run', minute, clock.now());

const away = () => new StoreError('store-unavailable', 'the database is away', { retryable: true });

/** Once everything that waits for nothing else has run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    passing.advance(Math.min(1000, left));
    await settled();
  }
}

async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error as Error;
  return error;
}

describe('an outage of the store', () => {
  /** A store whose renewals fail while `isAway`, and how many were asked for. */
  function flaky(): { readonly store: Store; isAway: boolean; asked: number } {
    const state = { isAway: true, asked: 0 };
    const over = laidOver(store, {
      renewLease: (...args) => {
        state.asked += 1;
        return state.isAway ? Promise.reject(away()) : store.renewLease(...args);
      },
    });
    return Object.assign(state, { store: over });
  }

  it('of half a minute keeps the lease: it is renewed as soon as the store is back', async () => {
    const flaking = flaky();
    await hold(async ({ signal }) => {
      await pass(40_000);
      expect(flaking.asked).toBeGreaterThan(10);
      flaking.isAway = false;
      await pass(minute);
      expect(signal.aborted).toBe(false);
      await assertHeld(signal);
      expect(await takeOver()).toMatchObject({ outcome: 'taken' });
    }, flaking.store);
  });

  it('that lasts stops the work while the lease is still its own', async () => {
    const fault = await faultOf(
      hold(async ({ signal }) => {
        await pass(46_000);
        expect(signal.aborted).toBe(true);
        // A write that left just before may take effect up to now, and still nobody else can begin.
        await pass(13_000);
        expect(await takeOver()).toMatchObject({ outcome: 'taken', leftMs: 1000 });
        await assertHeld(signal);
      }, flaky().store),
    );
    expect(fault).toMatchObject({ code: 'lease-lost', exitCode: 7 });
    expect(fault.message).toBe('route support: lease 1 could not be kept: the database is away');
  });

  it('in which no answer comes at all stops the work too', async () => {
    const silent = laidOver(store, { renewLease: () => new Promise<never>(() => undefined) });
    const quick = { leaseMs: 200, renewEveryMs: 20, retryMs: 10, safeMs: 100 };
    const real: Clock = {
      now: () => Date.now(),
      sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
      elapsedMs: () => performance.now(),
    };
    const deps = { store: silent, clock: real, holder: 'a:1:run', isDeadHolder: () => false };
    const work = async ({ signal }: HeldLease) => {
      if (!signal.aborted) await once(signal, 'abort');
      expect(await store.acquireLease('support', 'b:2:run', minute, Date.now())).toMatchObject({
        outcome: 'taken',
      });
      await assertHeld(signal);
    };
    expect(await faultOf(withLease('support', deps, never, work, quick))).toMatchObject({
      code: 'lease-lost',
    });
  });

  it('at the end does not hide what the work came to', async () => {
    const gone = laidOver(store, { releaseLease: () => Promise.reject(away()) });
    expect(await hold(() => Promise.resolve('confirmed'), gone)).toBe('confirmed');
  });
});

describe('a machine that slept', () => {
  it('for longer than its lease writes no more, though no timer has run yet', async () => {
    const fault = await faultOf(
      hold(async ({ signal }) => {
        // Time passes; the event loop stands.
        passing.advance(2 * minute);
        expect(signal.aborted).toBe(false);
        await assertHeld(signal);
      }),
    );
    expect(fault.message).toContain('lease 1 could not be kept: this process stood still');
  });

  it('for less than that goes on', async () => {
    await hold(async ({ signal }) => {
      passing.advance(44_000);
      await assertHeld(signal);
    });
  });
});

describe('a clock that is set', () => {
  it.each([
    ['forward', hour],
    ['back', -hour],
  ])('an hour %s neither ends the lease nor makes it longer', async (_, ms) => {
    await hold(async ({ signal }) => {
      setBy = ms;
      await assertHeld(signal);
      expect(await takeOver()).toMatchObject({ outcome: 'taken', leftMs: minute });
      await pass(2 * minute);
      await assertHeld(signal);
      expect(await takeOver()).toMatchObject({ outcome: 'taken' });
    });
    // Free at once, not in an hour.
    expect(await takeOver()).toMatchObject({ outcome: 'held' });
  });

  it('forward lets nobody write who was overtaken at once', async () => {
    const fault = await faultOf(
      hold(async ({ signal }) => {
        setBy = hour;
        expect(await takeOver()).toMatchObject({ outcome: 'held' });
        expect(signal.aborted).toBe(false);
        await assertHeld(signal);
      }),
    );
    expect(fault.message).toBe('route support: lease 1 was lost; b:2:run has it now');
  });

  it('while the store is away lets nobody write: who can say whether the lease is still held?', async () => {
    const gone = laidOver(store, { renewLease: () => Promise.reject(away()) });
    const fault = await faultOf(
      hold(async ({ signal }) => {
        setBy = hour;
        await assertHeld(signal);
      }, gone),
    );
    expect(fault).toMatchObject({ code: 'lease-lost' });
  });
});

it('says how long another run may hold it by the clock that counts, not by ours', async () => {
  await takeOver();
  passing.advance(18_000);
  const elsewhere = laidOver(store, {
    acquireLease: (route, holder, ttlMs, now, dead) =>
      store.acquireLease(route, holder, ttlMs, now - hour, dead),
  });
  setBy = hour;
  const fault = await faultOf(hold(() => Promise.resolve(), elsewhere));
  expect(fault).toMatchObject({ code: 'locked', exitCode: 7 });
  expect(fault.hint).toContain('its lease does in 42 s');
});
