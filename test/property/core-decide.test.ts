// Arbitrary histories of health, crashes and people on a simulated clock: what decide() and the guards must never do.

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { forbidding, judge } from '../../src/change/guards/index.ts';
import { decide } from '../../src/decision/decide.ts';
import { isByPerson, isFlip, type Action } from '../../src/model/change.ts';
import { propertyRuns as runs } from '../support/arbitrary-worlds.ts';
import {
  SimulatedRoute,
  simulatedPaths,
  viewOf,
  type Crash,
  type SimulatedPath,
} from '../support/simulated-route.ts';
import { minute, type RouteOver } from '../support/worlds.ts';

// A simulated history takes some milliseconds; ten thousand of them on a busy machine take minutes.
vi.setConfig({ testTimeout: Math.max(120_000, runs.numRuns * 100) });

interface Step {
  readonly waitMs: number;
  /** A mark for each path, for this many probes. */
  readonly marks: readonly string[];
  readonly probes: number;
  readonly crash: Crash;
  readonly person: SimulatedPath | null;
}

const mark = fc.oneof({ weight: 5, arbitrary: fc.constant('+') }, fc.constantFrom('-', 'x', '?'));
/** Marks for proxy, direct and ams: mostly all well or one of them ill, so that flips and returns do happen. */
const marks: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(['+', '+', '+']) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(['-', '+', '+'], ['x', '+', '+'], ['+', '-', '+'], ['-', '-', '+']),
  },
  { weight: 2, arbitrary: fc.tuple(mark, mark, mark) },
);

/** Null but for one time in so many. */
function rarely<T>(oneIn: number, one: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(null) }, one);
}

function steps(withPeople: boolean): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.record({
      waitMs: fc.oneof(
        { weight: 6, arbitrary: fc.constant(minute) },
        fc.integer({ min: 0, max: 200 * minute }),
      ),
      marks,
      probes: fc.integer({ min: 1, max: 6 }),
      crash: rarely(4, fc.nat(3)),
      person: withPeople ? rarely(12, fc.constantFrom(...simulatedPaths)) : fc.constant(null),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  );
}

const policy: fc.Arbitrary<RouteOver> = fc
  .record({
    count: fc.integer({ min: 0, max: 6 }),
    withinMs: fc.integer({ min: minute, max: 1440 * minute }),
    holdDownMs: fc.integer({ min: 0, max: 120 * minute }),
    probationMs: fc.integer({ min: 0, max: 240 * minute }),
    rise: fc.integer({ min: 1, max: 5 }),
    mode: fc.constantFrom('auto' as const, 'auto' as const, 'auto' as const, 'manual' as const),
    failback: fc.constantFrom('auto' as const, 'auto' as const, 'manual' as const),
  })
  .map(({ count, withinMs, holdDownMs, probationMs, rise, mode, failback }) => ({
    probationMs,
    failover: { maxFlips: { count, withinMs }, holdDownMs, mode, failback },
    probe: { rise, forgive: 2 },
  }));

/** Policies under which coming back is common. */
const returning = policy.map((over): RouteOver => ({
  ...over,
  failover: { ...over.failover, mode: 'auto', failback: 'auto', maxFlips: { count: 20, withinMs: minute } },
  probe: { rise: 2, forgive: 2 },
}));

/** Plays the steps, calling back after each run. */
function play(
  over: RouteOver,
  all: readonly Step[],
  seen: (world: SimulatedRoute, before: Snapshot) => void,
): SimulatedRoute {
  const world = new SimulatedRoute(over);
  for (const step of all) {
    world.now += step.waitMs;
    for (let at = 0; at < step.probes; at++) {
      if (at > 0) world.now += minute;
      world.probe(step.marks);
    }
    if (step.person !== null) world.moveByPerson(step.person);
    world.recover();
    const before = { input: world.input(), state: world.state, actions: [...world.actions] };
    world.run(step.crash);
    seen(world, before);
  }
  world.recover();
  return world;
}

interface Snapshot {
  readonly input: ReturnType<SimulatedRoute['input']>;
  readonly state: SimulatedRoute['state'];
  readonly actions: readonly Action[];
}

const at = (action: Action) => action.appliedAt ?? action.intendedAt;

describe('an unattended run', () => {
  it('never moves to a path that a guard forbids', () => {
    fc.assert(
      fc.property(policy, steps(true), (over, all) => {
        play(over, all, (_, before) => {
          const { decision } = decide(before.state, before.input);
          if (decision.kind !== 'move') return;
          expect(forbidding(before.input.assess(decision.to, decision.action))).toEqual([]);
          if (decision.action !== 'raise-ttl') {
            expect(['ok', 'degraded']).toContain(before.input.health.get(decision.to)?.status);
          }
        });
      }),
      runs,
    );
  });

  it('decides the same from the same', () => {
    fc.assert(
      fc.property(policy, steps(true), (over, all) => {
        play(over, all, (_, before) => {
          const first = decide(before.state, before.input);
          expect(decide(structuredClone(before.state), { ...before.input })).toEqual(first);
        });
      }),
      runs,
    );
  });

  it('flips at most as often as the limit in any window, people and crashes or not', () => {
    fc.assert(
      fc.property(policy, steps(true), (over, all) => {
        const world = play(over, all, () => {});
        const { count, withinMs } = world.route.failover.maxFlips;
        const flips = world.actions.filter(isFlip);
        for (const [index, flip] of flips.entries()) {
          if (isByPerson(flip)) continue;
          const before = flips.slice(index + 1).filter((one) => at(flip) - at(one) < withinMs);
          expect(before.length).toBeLessThan(count);
        }
      }),
      runs,
    );
  });

  it('comes back only after hold-down, with caches clear, and only from where it went by itself', () => {
    fc.assert(
      fc.property(returning, steps(true), (over, all) => {
        const world = play(over, all, () => {});
        const flips = world.actions.filter(isFlip);
        for (const [index, flip] of flips.entries()) {
          if (flip.plan.kind !== 'return') continue;
          const before = flips[index + 1]!;
          expect(at(flip) - at(before)).toBeGreaterThanOrEqual(world.route.failover.holdDownMs);
          expect(at(flip)).toBeGreaterThanOrEqual(before.clearAt!);
          expect(isByPerson(before)).toBe(false);
        }
      }),
      runs,
    );
  });

  it('writes nothing in mode manual or observe', () => {
    fc.assert(
      fc.property(
        policy,
        fc.constantFrom('manual' as const, 'observe' as const),
        steps(false),
        (over, mode, all) => {
          const world = play({ ...over, failover: { ...over.failover, mode } }, all, () => {});
          expect(world.actions).toEqual([]);
        },
      ),
      runs,
    );
  });

  it('leaves a path only because it is down, or for the preferred one', () => {
    fc.assert(
      fc.property(policy, steps(false), (over, all) => {
        play(over, all, (_, before) => {
          const { decision } = decide(before.state, before.input);
          if (decision.kind !== 'move' || before.input.live.kind !== 'path') return;
          const active = before.input.health.get(before.input.live.path);
          if (decision.action === 'failover' || decision.action === 'relapse')
            expect(active?.status).toBe('down');
          else expect(decision.to).toBe(before.input.route.prefer);
        });
      }),
      runs,
    );
  });
});

describe('a run that is killed in the middle of a move', () => {
  const crashing = fc.tuple(policy, steps(false), fc.nat(3));

  it('is followed by no second flip: the next one ends the first', () => {
    fc.assert(
      fc.property(crashing, ([over, all, written]) => {
        const world = new SimulatedRoute(over);
        for (const step of all) {
          world.now += step.waitMs;
          for (let count = 0; count < step.probes; count++) {
            world.probe(step.marks);
            world.now += 1000;
          }
          const flipsBefore = world.actions.filter(isFlip).length;
          const first = world.run(written).decision;
          const isFlipped = first.kind === 'move' && first.action !== 'raise-ttl';
          // The journal unread, or lost: what is live must be enough not to move again.
          const match = world.match();
          if (match.kind !== 'path') {
            for (const lastFlip of [world.input().lastFlip, null]) {
              const blind = decide(world.state, world.input({ lastFlip, live: viewOf(match) }));
              expect(blind.decision.kind).not.toBe('move');
            }
          }
          if (first.kind === 'move') {
            expect(decide(world.state, world.input()).decision.kind === 'move' && isFlipped).toBe(false);
          }
          world.now += 1000;
          const second = world.run().decision;
          if (isFlipped) {
            const isSecondFlip = second.kind === 'move' && second.action !== 'raise-ttl';
            // Nothing had been written: then the same is decided once more, and journalled as the only flip.
            if (isSecondFlip) expect([written, second]).toEqual([0, first]);
            expect(world.actions.filter(isFlip).length).toBeLessThanOrEqual(flipsBefore + 1);
            expect(world.match()).toMatchObject({ kind: 'path', path: first.to });
          }
        }
      }),
      runs,
    );
  });
});

it('the simulated world can do all of it: fail over, relapse, come back, raise the TTL', () => {
  const world = new SimulatedRoute({
    probe: { rise: 2 },
    failover: { maxFlips: { count: 9, withinMs: minute } },
  });
  const story: readonly [string, number][] = [
    ['+++', 3],
    ['-++', 3],
    ['--+', 3],
    ['+++', 100],
    ['+++', 200],
  ];
  for (const [marks, probes] of story) {
    for (let count = 0; count < probes; count++) {
      world.now += minute;
      world.probe(Array.from(marks));
      world.run();
    }
  }
  expect(world.actions.map((one) => `${one.plan.kind} ${one.plan.to ?? ''}`).reverse()).toEqual([
    'failover direct',
    'relapse ams',
    'return proxy',
    'raise-ttl proxy',
  ]);
  expect(judge(world.context('proxy', 'raise-ttl')).every((one) => one.verdict === 'ok')).toBe(true);
});
