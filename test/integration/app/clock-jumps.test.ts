// The wall clock is set by an hour, either way, between two rounds of a service: rounds go on at their pace, nothing is
// moved for that alone, and a fault is still found.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { CycleResult } from '../../../src/app/cycle.ts';
import { Liveness } from '../../../src/app/liveness.ts';
import { runRound } from '../../../src/app/rounds.ts';
import { serve } from '../../../src/app/serve.ts';
import type { Probe } from '../../../src/probes/probe.ts';
import { AppWorld } from '../../support/app-world.ts';
import { FakePace } from '../../support/fake-pace.ts';
import { until } from '../../support/cli-world.ts';
import { hour, minute } from '../../support/worlds.ts';

/** A service on the world: `next` lets the pace reach the next round, by a clock that goes on by `ms` meanwhile. */
async function startService() {
  const world = await AppWorld.open({ routes: [{ over: { probe: { rise: 1 } } }] });
  const pace = new FakePace();
  const stop = new AbortController();
  const results: CycleResult[] = [];
  const errors: unknown[] = [];
  let shift = 0;
  const clock = { now: () => world.clock.now() + shift, sleep: world.clock.sleep.bind(world.clock) };
  // What observes goes by the same clock.
  const probe: Probe = {
    resolve: (target) => world.hops.resolve(target),
    withoutAddress: (target) => world.hops.withoutAddress(target),
    probe: async (...given) => {
      const seen = await world.hops.probe(...given);
      return { ...seen, at: seen.at + shift };
    },
  };
  const ended = serve(
    {
      round: (signal) => runRound(world.deps({ clock, probe }), signal),
      onBegin: () => {},
      onRound: (result) => void results.push(result),
      onMissed: (error) => void errors.push(error),
      reload: () => Promise.resolve(),
    },
    {
      intervalMs: minute,
      maxRuntimeMs: 10 * minute,
      pace,
      signal: stop.signal,
      liveness: new Liveness(10 * minute, 0),
      reloads: { signal: new AbortController().signal, take: () => false },
    },
  );
  onTestFinished(async () => {
    stop.abort(new Error('over'));
    await ended.catch(() => {});
  });
  const next = async (ms = minute) => {
    const { length } = results;
    if (ms > 0) world.clock.advance(minute);
    shift += ms - minute;
    await pace.advance(minute);
    await until(() => results.length + errors.length > length);
    expect(errors).toEqual([]);
    return results.at(-1)!.routes[0]!;
  };
  await until(() => results.length > 0);
  return { world, pace, results, next };
}

const kindOf = (outcome: CycleResult['routes'][number]) =>
  outcome.decided?.decision.kind ?? outcome.error?.code;

describe('a clock that jumps by an hour between two rounds', () => {
  it.each([
    ['forward', hour],
    ['back', -hour],
  ])('%s moves no round and no mail', async (_, jump) => {
    const { world, pace, results, next } = await startService();
    for (let at = 0; at < 12; at++) await next();
    const published = world.published();
    const [before, count] = [pace.elapsedMs(), results.length];
    await next(jump);
    for (let at = 0; at < 5; at++) expect(['stay', 'watch']).toContain(kindOf(await next()));
    expect(results.length - count).toBe(6);
    expect(pace.elapsedMs() - before).toBe(6 * minute);
    expect(world.published()).toBe(published);
    expect(await world.journal()).toEqual([]);
  });

  it.each([
    ['forward', hour],
    ['back', -hour],
  ])('%s does not keep a fault from being found soon after', async (_, jump) => {
    const { world, next } = await startService();
    for (let at = 0; at < 12; at++) await next();
    await next(jump);
    for (const name of ['mx1.filter.example.net', 'mx2.filter.example.net'])
      world.hops.set(name, '-'.repeat(99));
    let rounds = 0;
    for (; rounds < 12 && (await world.journal()).length === 0; rounds++) await next();
    expect(await world.journal()).toEqual([expect.stringMatching(/^failover proxy->direct /)]);
    expect(rounds).toBeLessThanOrEqual(11);
  });
});
