// What an observer can do to the world and to the state that it shares: by construction, not by good behaviour.

import { describe, expect, it } from 'vitest';
import { runCycle } from '../../../src/app/cycle.ts';
import { observing, type ObserverMemory } from '../../../src/app/observe.ts';
import type { Store } from '../../../src/store/store.ts';
import { AppWorld } from '../../support/app-world.ts';

const never = new AbortController().signal;

/** All that it may write: what it measured, that it was there, and what it says. */
const mayWrite = new Set([
  'recordObservations',
  'recordLooks',
  'recordRun',
  'writeHealth',
  'appendEvent',
  'prune',
  'checkIn',
  'updateVantage',
  // Its own memory.
  'writeRouteStates',
  // The one of the round, see below.
  'acquireLease',
  'renewLease',
  'releaseLease',
]);

function methodsOf(store: Store): string[] {
  const names = new Set<string>();
  for (let at: object = store; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return [...names].filter(
    (name) => name !== 'constructor' && typeof Reflect.get(store, name) === 'function',
  );
}

describe('an observer', () => {
  it('is refused every provider, and every write that is not its own', async () => {
    const world = await AppWorld.open();
    const { store, provider, canary } = observing(world.deps(), new Map());
    await expect(provider('bind')).rejects.toMatchObject({ code: 'refused' });
    await expect(canary(world.route())).rejects.toMatchObject({ code: 'refused' });
    const writes = methodsOf(world.store).filter(
      (name) => !/^(read|list|find|last|info|close|keepOpen)/.test(name) && !mayWrite.has(name),
    );
    expect(writes).toEqual(expect.arrayContaining(['beginAction', 'updateAction', 'setPause', 'clearPause']));
    for (const name of writes) {
      const write = Reflect.get(store, name) as (...given: unknown[]) => Promise<unknown>;
      await expect(write({}), name).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(name) as string,
      });
    }
    expect(() => store.acquireLease('support', 'here:1:x', 1000, 0)).toThrow(/to hold the route support/);
  });

  it('counts what it measures, decides, and leaves zone, journal and the memory of auto as they are', async () => {
    const world = await AppWorld.open();
    await world.runs(12);
    const [state] = await world.store.readRouteStates();
    world.hops.set('mx1.filter.example.net', '------');
    world.hops.set('mx2.filter.example.net', '------');
    const asked: string[] = [];
    const deps = world.deps({
      provider: (name) => {
        asked.push(name);
        return Promise.resolve(world.provider(name));
      },
    });
    const memory: ObserverMemory = new Map();
    const published = world.published();
    const result = await runCycle(observing(deps, memory), never);
    expect(result.routes[0]?.decided?.decision).toMatchObject({
      kind: 'hold',
      to: 'direct',
      isModeOnly: true,
    });
    expect(result.routes[0]?.decided?.reasons.join(' ')).toContain('would move to direct, but mode: observe');
    expect(asked).toEqual([]);
    expect(world.published()).toBe(published);
    expect(await world.journal()).toEqual([]);
    expect(await world.store.readRouteStates()).toEqual([state]);
    expect([...memory.keys()]).toEqual(['support']);
    const rows = await world.store.readHealth('support');
    expect(rows.filter((one) => one.health.status === 'down').length).toBeGreaterThan(0);
  });
});
