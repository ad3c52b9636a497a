// A person's move from the confirmed plan to the last authority's answer, and every way it can end short of that.

import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

import { errorOf } from '../../../src/app/execute.ts';
import { AppError } from '../../../src/errors.ts';
import { rcodes } from '../../../src/dns/message.ts';
import type { AuthorityReader } from '../../../src/dns/reader.ts';
import { AppWorld, laidOver } from '../../support/app-world.ts';

const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org. ttl 3600';
const direct = '10 mx.example.com. 90 spool.example.org. ttl 60';

/** One route over two zones at two providers. */
const twoZones = () =>
  AppWorld.open({ routes: [{ records: 'bind example.com example.com\npdns shop.example shop.example' }] });

const failureOf = async (work: Promise<unknown>): Promise<AppError> => {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (!(error instanceof AppError)) throw new Error('not an AppError', { cause: error });
  return error;
};

/** The real reader, with something that happens before each look once the first UPDATE is through. */
function readerThat(world: AppWorld, before: () => Promise<void>): AuthorityReader {
  const { reader } = world.deps();
  return {
    readPublished: async (question, signal) => {
      if (world.bind.updates.length > 0) await before();
      return reader.readPublished(question, signal);
    },
  };
}

describe('a move that goes well', () => {
  it('has its intent in the journal before the provider hears of it', async () => {
    const world = await AppWorld.open();
    const atUpdate: string[][] = [];
    world.bind.primary.beforeUpdate = () => void atUpdate.push(world.journalNow());

    const result = await world.failover('direct');

    expect(atUpdate).toEqual([['intended pending pending']]);
    expect(result.action.state).toBe('confirmed');
    expect(errorOf(result)).toBeNull();
    expect(world.published('example.com')).toBe(direct);
    expect(world.published('in.example.com')).toBe(direct);
    // One zone, one UPDATE: all or nothing.
    expect(world.bind.updates).toEqual(['UPDATE example.com.']);
  });

  it('is clear only when the replaced TTL has run out after the last authority changed', async () => {
    const world = await AppWorld.open();
    const { action } = await world.failover('direct');
    // TTL 3600, and a second for rounding.
    expect(action.clearAt).toBe(action.confirmedAt! + 3_601_000);
  });

  it('is clear no sooner than an older, longer TTL that was served before', async () => {
    const world = await AppWorld.open({ routes: [{ records: 'bind example.com example.com' }] });
    await world.run();
    const values = world.held('example.com')!.rdata;
    world.edit('example.com', 'MX', 30, ...values);
    const loweredAt = world.clock.now();
    await world.run();
    world.clock.advance(600_000);
    const { action } = await world.failover('direct');
    // By its own TTL of 30 s it would be clear an hour too soon.
    expect(action.clearAt).toBe(loweredAt + 3_601_000);
  });
});

describe('an authority that lags', () => {
  it('keeps the change from being confirmed, which is exit 5, and a later run confirms it', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.bind.holdSecondary();
    const startedAt = world.clock.now();

    const result = await world.failover('direct');

    expect(result.action.state).toBe('applied');
    expect(result.action.changeStates).toEqual(['applied', 'applied']);
    expect(result.action.clearAt).toBeNull();
    expect(errorOf(result)).toMatchObject({ code: 'unconfirmed', exitCode: 5 });
    expect(world.clock.now() - startedAt).toBeGreaterThan(80_000);
    expect(world.published()).toBe(direct);

    const waiting = await world.run();
    expect(waiting.routes[0]).toMatchObject({ exitCode: 8 });
    expect(await world.journal()).toEqual(['manual proxy->direct applied']);

    world.bind.releaseSecondary();
    await world.run();
    const [action] = await world.actions();
    expect(action).toMatchObject({ state: 'confirmed', changeStates: ['confirmed', 'confirmed'] });
    // Not from when it was applied: the secondary served the old RRset until just now.
    expect(action!.clearAt).toBeGreaterThanOrEqual(action!.confirmedAt! + 3_600_000);
    expect(world.bind.updates).toHaveLength(1);
  });

  it('is not confirmed by an authority that does not answer at all', async () => {
    const world = await AppWorld.open();
    world.bind.failSecondary();
    const result = await world.failover('direct');
    expect(result.action.state).toBe('applied');
    expect(errorOf(result)).toMatchObject({ code: 'unconfirmed', exitCode: 5 });
  });

  it('does not make news of every run that still waits', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.bind.failSecondary();
    await world.failover('direct');
    await world.run();
    const again = await world.run();
    expect(again.routes[0]).toMatchObject({ isNews: false });
  });
});

describe('somebody else at the same RRset', () => {
  it('wins where they were quicker: a conflict changes nothing', async () => {
    const world = await AppWorld.open();
    world.bind.primary.beforeUpdate = () => {
      world.bind.primary.beforeUpdate = null;
      world.edit('in.example.com', 'MX', 300, '5 mx.other.example.');
    };

    const result = await world.failover('direct');

    expect(result.action).toMatchObject({ state: 'conflict', appliedAt: null });
    expect(errorOf(result)).toMatchObject({ code: 'conflict', exitCode: 3 });
    expect(world.published('example.com')).toBe(proxy);
    expect(world.published('in.example.com')).toBe('5 mx.other.example. ttl 300');
  });
});

describe('two zones at two providers', () => {
  it('end partly applied where one refuses, which is exit 6, each change with its own state', async () => {
    const world = await twoZones();
    world.dns.get('pdns')!.primary.faults.push({ rcode: rcodes.REFUSED, isSigned: true });

    const result = await world.failover('direct');

    expect(result.action).toMatchObject({ state: 'partial', changeStates: ['applied', 'failed'] });
    const error = errorOf(result);
    expect(error).toMatchObject({ code: 'partly-applied', exitCode: 6 });
    expect(error!.message).toMatch(/^1 of 2 RRsets changed: .*refused the update of zone shop\.example/);
    expect(world.published('example.com')).toBe(direct);
    expect(world.published('shop.example', 'MX', 'pdns')).toBe(proxy);
  });

  it('put back just what was applied, with its TTL', async () => {
    const world = await twoZones();
    world.dns.get('pdns')!.primary.faults.push({ rcode: rcodes.REFUSED, isSigned: true });
    await world.failover('direct');

    const result = await world.rollback();

    expect(result.action).toMatchObject({ state: 'confirmed', changeStates: ['confirmed'] });
    expect(world.published('example.com')).toBe(proxy);
    expect(world.published('shop.example', 'MX', 'pdns')).toBe(proxy);
    // Only the refused one ever went there.
    expect(world.dns.get('pdns')!.updates).toHaveLength(1);
  });

  it('both keep what they had where both refuse: failed, with the refusal as the error', async () => {
    const world = await twoZones();
    for (const { primary } of world.dns.values())
      primary.faults.push({ rcode: rcodes.REFUSED, isSigned: true });

    const result = await world.failover('direct');

    expect(result.action).toMatchObject({ state: 'failed', appliedAt: null });
    expect(errorOf(result)).toMatchObject({ code: 'provider-refused', exitCode: 4 });
    expect(world.published('example.com')).toBe(proxy);
  });
});

describe('a reply that never comes', () => {
  it('is resolved by reading back: applied once, sent once', async () => {
    const world = await AppWorld.open();
    world.bind.primary.faults.push('close-after');
    const result = await world.failover('direct');
    expect(result.action.state).toBe('confirmed');
    expect(world.bind.updates).toHaveLength(1);
  });

  it('is resolved by reading back: not applied, and the error says so', async () => {
    const world = await AppWorld.open();
    world.bind.primary.faults.push('close-before');
    const result = await world.failover('direct');
    expect(result.action).toMatchObject({ state: 'failed', appliedAt: null });
    expect(errorOf(result)).toMatchObject({ code: 'provider-unreachable', exitCode: 8 });
    expect(world.published()).toBe(proxy);
  });

  it('stays unknown where reading back fails too, says why, and the next run finds out', async () => {
    const world = await AppWorld.open();
    await world.runs(3);
    world.bind.primary.faults.push('then-gone');

    const result = await world.failover('direct');

    expect(result.action).toMatchObject({ state: 'intended', changeStates: ['pending', 'pending'] });
    expect(errorOf(result)).toMatchObject({ code: 'partly-applied', exitCode: 6 });
    expect(errorOf(result)!.message).toMatch(/^0 of 2 RRsets changed, 2 not known: no reply to the update/);
    expect((await world.actions())[0]!.note).toMatch(/no reply to the update/);

    // Unreachable: nobody can say, nothing is decided, and the route is named.
    const during = await world.run();
    expect(during.routes[0]).toMatchObject({ decided: null, exitCode: 8 });

    await world.bind.comeBack();
    await world.run();
    expect(await world.journal()).toEqual(['manual proxy->direct confirmed']);
    expect(world.bind.updates).toHaveLength(1);
  });
});

describe('a lease that is lost', () => {
  const takeOver = (world: AppWorld) => async () => {
    const { store, clock, holder } = world.deps();
    await store.acquireLease('support', 'other:1:run', 60_000, clock.now(), holder);
  };

  it('during the read-back ends the run before it writes into the journal of its successor', async () => {
    const world = await AppWorld.open();
    const error = await failureOf(
      world.failover('direct', { over: { reader: readerThat(world, takeOver(world)) } }),
    );
    expect(error).toMatchObject({ code: 'store-fenced', exitCode: 7 });
    expect(world.journalNow()).toEqual(['applied applied applied']);
  });

  it('during a long read-back is noticed by the renewal', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    const startedAt = world.clock.now();
    const { action } = await world.failover('direct', {
      over: { reader: readerThat(world, takeOver(world)) },
    });
    expect(action.state).toBe('applied');
    // A third of the lease, not the whole wait for the authorities.
    expect(world.clock.now() - startedAt).toBeLessThan(60_000);
  });

  it('between two batches keeps the second from being sent', async () => {
    const world = await AppWorld.open();
    const real = world.provider('bind');
    const oneByOne = laidOver(real, {
      capabilities: { ...real.capabilities, maxBatch: 1 },
      replaceRrsets: async (zone, changes, signal) => {
        const outcomes = await real.replaceRrsets(zone, changes, signal);
        await takeOver(world)();
        world.clock.advance(20_000);
        if (!signal.aborted) await once(signal, 'abort');
        return outcomes;
      },
    });

    const result = await world.failover('direct', { over: { provider: () => Promise.resolve(oneByOne) } });

    expect(errorOf(result)).toMatchObject({ code: 'partly-applied', exitCode: 6 });
    expect(errorOf(result)!.message).toMatch(/lease 1 is too old, 2 was given/);
    expect(world.bind.updates).toHaveLength(1);
    // The successor finds the intent and settles it from what is live.
    expect(world.journalNow()).toEqual(['intended pending pending']);
  });

  it('unnoticed while the machine slept keeps the next batch from being sent', async () => {
    const world = await AppWorld.open();
    const real = world.provider('bind');
    let sleptMs = 0;
    const oneByOne = laidOver(real, {
      capabilities: { ...real.capabilities, maxBatch: 1 },
      replaceRrsets: async (zone, changes, signal) => {
        const outcomes = await real.replaceRrsets(zone, changes, signal);
        sleptMs = 600_000;
        expect(signal.aborted).toBe(false);
        return outcomes;
      },
    });
    const clock = laidOver(world.deps().clock, { elapsedMs: () => performance.now() + sleptMs });

    const result = await world.failover('direct', {
      over: { clock, provider: () => Promise.resolve(oneByOne) },
    });

    expect(world.bind.updates).toHaveLength(1);
    expect(result.action).toMatchObject({ state: 'partial', changeStates: ['applied', 'failed'] });
    expect(errorOf(result)!.message).toMatch(/1 of 2 RRsets changed: .*this process stood still/);
  });
});

describe('a provider that splits a plan by itself and stops half way', () => {
  it('is partly applied, with its reason told; it is given the id of the action for its own log', async () => {
    const world = await AppWorld.open();
    const real = world.provider('bind');
    const operations: (string | undefined)[] = [];
    const halfWay = laidOver(real, {
      replaceRrsets: async (zone, [first, ...rest], signal, operation) => {
        operations.push(operation);
        const outcomes = await real.replaceRrsets(zone, first === undefined ? [] : [first], signal);
        return [
          ...outcomes,
          ...rest.map(() => ({ state: 'skipped', reason: 'the quota was used up' }) as const),
        ];
      },
    });

    const result = await world.failover('direct', { over: { provider: () => Promise.resolve(halfWay) } });

    expect(operations).toEqual([result.action.id]);
    expect(result.action).toMatchObject({ state: 'partial', changeStates: ['applied', 'failed'] });
    expect(errorOf(result)).toMatchObject({ code: 'partly-applied', exitCode: 6 });
    expect(errorOf(result)!.message).toBe('1 of 2 RRsets changed: the quota was used up');
  });
});

describe('Ctrl-C', () => {
  const interrupted = () => new AppError('interrupted', 'stopped by SIGINT', { exitCode: 130 });

  it('before the write leaves nothing changed and says so in the journal', async () => {
    const world = await AppWorld.open();
    const controller = new AbortController();
    const real = world.provider('bind');
    const provider = laidOver(real, {
      replaceRrsets: (zone, changes, signal) => {
        controller.abort(interrupted());
        return real.replaceRrsets(zone, changes, signal);
      },
    });
    const result = await world.failover('direct', {
      over: { provider: () => Promise.resolve(provider) },
      signal: controller.signal,
    });
    expect(result.action).toMatchObject({ state: 'failed', appliedAt: null });
    expect(errorOf(result)).toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(world.published()).toBe(proxy);
    expect(world.bind.updates).toEqual([]);
  });

  it('while the UPDATE is out still tells what became of it', async () => {
    const world = await AppWorld.open();
    const controller = new AbortController();
    world.bind.primary.beforeUpdate = () => {
      controller.abort(interrupted());
    };
    const result = await world.failover('direct', { signal: controller.signal });
    expect(result.action).toMatchObject({ state: 'applied', changeStates: ['applied', 'applied'] });
    expect(errorOf(result)).toMatchObject({ code: 'unconfirmed', exitCode: 5 });
    expect(world.journalNow()).toEqual(['applied applied applied']);
    expect(world.published()).toBe(direct);
  });

  it('while waiting for the authorities ends with the change made and told', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    const controller = new AbortController();
    const stop = () => {
      controller.abort(interrupted());
      return Promise.resolve();
    };
    const result = await world.failover('direct', {
      signal: controller.signal,
      over: { reader: readerThat(world, stop) },
    });
    expect(result.action.state).toBe('applied');
    expect(errorOf(result)).toMatchObject({ exitCode: 5 });
    // And the lease is free at once.
    const { store, clock } = world.deps();
    expect(await store.acquireLease('support', 'next:1:run', 60_000, clock.now())).toMatchObject({
      outcome: 'held',
    });
  });
});
