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
};

let database: ModelDatabase;
beforeAll(async () => {
  database = await ModelDatabase.open();
});
afterAll(() => database.close());

it.each(Object.entries(found))('%s', { timeout: 60_000 }, async (_, over) => {
  const { violations, flips } = await new ModelRun({ ...usualScenario, ...over }, database).play();
  expect(violations).toEqual([]);
  expect(flips).toBeGreaterThan(0);
});
