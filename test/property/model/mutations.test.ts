// The model is no proof unless it notices: every guard and every brake is taken away in turn, and some history must
// show it. `MXCTL_PROPERTY_RUNS` set: tells which invariant noticed, after how many histories.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardNames } from '../../../src/model/change.ts';
import { mutations, redundant, silence } from '../../support/model-mutations.ts';
import { ModelRun } from '../../support/model-run.ts';
import type { ModelMutation } from '../../support/model-sabotage.ts';
import { scenario, type Scenario } from '../../support/model-scenario.ts';
import { ModelDatabase } from '../../support/model-store.ts';

/** Histories in which a mutation may hide. */
const mostTries = 16;
const isTold = process.env['MXCTL_PROPERTY_RUNS'] !== undefined;

let database: ModelDatabase;
beforeAll(async () => {
  database = await ModelDatabase.open();
});
afterAll(() => database.close());

/** Every other one has nothing in it but what the mutation needs. */
function scenarioFor({ over, mishaps = [] }: ModelMutation, attempt: number): Scenario {
  const [drawn] = fc.sample(scenario, { numRuns: 1, seed: 7000 + attempt }) as [Scenario];
  return { ...drawn, ...over, mishaps: [...(attempt % 2 === 0 ? [] : drawn.mishaps), ...mishaps] };
}

async function invariantBroken(mutation: ModelMutation, attempt: number): Promise<string | null> {
  const restore = silence(mutation.silenced ?? []);
  try {
    const { violations } = await new ModelRun(scenarioFor(mutation, attempt), database, mutation).play();
    return violations.find((one) => mutation.caughtBy.includes(one.invariant))?.invariant ?? null;
  } finally {
    restore();
  }
}

describe('a mutation is noticed', { timeout: 600_000 }, () => {
  it.each(mutations.map((one) => [one.name, one] as const))('%s', async (name, mutation) => {
    for (let attempt = 0; attempt < mostTries; attempt++) {
      const invariant = await invariantBroken(mutation, attempt);
      if (invariant === null) continue;
      if (isTold) console.info(`${name}: noticed as ${invariant} after ${attempt + 1}`);
      return;
    }
    expect.fail(`${mostTries} histories went by, and nothing was noticed`);
  });

  it('for each guard there is one, or a reason why it cannot be missed alone', () => {
    const silenced = mutations.flatMap((one) => one.silenced ?? []);
    expect([...silenced, ...Object.keys(redundant)].toSorted()).toEqual([...guardNames].toSorted());
  });
});
