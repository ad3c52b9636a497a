// What the model has found, each as the smallest history that showed it.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelRun } from '../../support/model-run.ts';
import { type Mishap, pathDown, type Scenario, usualScenario } from '../../support/model-scenario.ts';
import { ModelDatabase } from '../../support/model-store.ts';

const failover = (machine: number, minute: number, thinkSeconds: number): Mishap => ({
  kind: 'person',
  at: minute,
  machine,
  what: 'failover',
  thinkSeconds,
  minutes: 10,
});
const freeze = (machine: number, strike: number): Mishap => ({
  kind: 'freeze',
  at: 11,
  machine,
  strike,
  seconds: 200,
});

const found: Readonly<Record<string, Partial<Scenario>>> = {
  'a policy that only the last look reads kept the route from the next best path': {
    trap: 'sts',
    hasThirdPath: true,
    mishaps: [pathDown(0, 21, 52)],
  },
  'a certificate that only the last look minds did, too': {
    trap: 'tls',
    hasThirdPath: true,
    mishaps: [pathDown(0, 21, 52)],
  },
  'one change of DNS was two flips in the history where two people had one plan': {
    mishaps: [failover(1, 50, 484), failover(0, 57, 227)],
  },
  'a write that arrived after its lease was a flip that nobody came back from': {
    seed: 64,
    mishaps: [pathDown(0, 12, 30), freeze(0, 9), freeze(1, 9)],
  },
  'a clock ahead of all made two right ones no quorum': {
    quorum: 2,
    seed: 2,
    // By more than results stay fresh, but not by what it had said an interval ago.
    skews: [18, 0, 0],
    mishaps: [pathDown(0, 30, 60)],
  },
  'a machine came back to a path that had just failed from there, on what others had seen minutes before': {
    seed: 1_842_196_127,
    quorum: 2,
    asksRcpt: false,
    window: { from: 76, minutes: 7 },
    mishaps: [
      { kind: 'path', at: 68, path: 0, hop: null, state: 'refuse', minutes: 54 },
      { kind: 'path', at: 31, path: 0, hop: null, state: 'silent', minutes: 50 },
      { kind: 'path', at: 75, path: 0, hop: null, state: 'slow', minutes: 8 },
    ],
  },
  'a certificate that nobody could see was taken for good where the target had just failed': {
    seed: 2_147_483_638,
    quorum: 2,
    asksRcpt: false,
    trap: 'tls',
    mishaps: [
      { kind: 'path', at: 87, path: 1, hop: 0, state: 'defer', minutes: 34 },
      { kind: 'path', at: 65, path: 0, hop: null, state: 'defer', minutes: 58 },
    ],
  },
  'an action that was given up, by a clock ahead of the one that made the move since, was told as made': {
    seed: -1_070_511_035,
    isAtomic: false,
    skews: [0, 4, 5],
    window: { from: 8, minutes: 48 },
    mishaps: [
      { kind: 'path', at: 82, path: 0, hop: null, state: 'bounce', minutes: 22 },
      { kind: 'kill', at: 61, machine: 1, strike: 8, awaySeconds: 467 },
      { kind: 'edit', at: 8, machine: 1, what: 'foreign', isAll: true, isUndone: false, strike: 0 },
      { kind: 'provider', at: 37, which: 1, mode: 'lag', minutes: 49 },
      { kind: 'path', at: 17, path: 0, hop: null, state: 'defer', minutes: 21 },
      { kind: 'database', at: 66, machine: null, mode: 'hang', seconds: 38, strike: 24 },
      { kind: 'edit', at: 40, machine: 0, what: 'preferred', isAll: true, isUndone: false, strike: 22 },
      { kind: 'net', at: 95, machine: 1, state: 'offline', minutes: 20 },
    ],
  },
};

let database: ModelDatabase;
beforeAll(async () => {
  database = await ModelDatabase.open();
});
afterAll(() => database.close());

it.each(Object.entries(found))('%s', { timeout: 60_000 }, async (_, over) => {
  const { violations, flips } = await new ModelRun({ ...usualScenario, ...over }, database).play();
  expect(violations).toEqual([]);
  // Where the only target is a trap nothing may move.
  const isTrapped = (over.trap ?? 'none') !== 'none' && over.hasThirdPath !== true;
  expect(flips > 0).toBe(!isTrapped);
});
