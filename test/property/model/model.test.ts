// Two controllers, three vantages, and everything that can go wrong, against the real rounds, journal and leases.
// A history is 172 minutes of some 130 rounds and takes about half a second; few by default, `MXCTL_PROPERTY_RUNS` for
// more. A failure prints its seed and the smallest history that shows it.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelRun } from '../../support/model-run.ts';
import { scenario } from '../../support/model-scenario.ts';
import { ModelDatabase } from '../../support/model-store.ts';

let database: ModelDatabase;
beforeAll(async () => {
  database = await ModelDatabase.open();
});
afterAll(() => database.close());

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 10);
/** A history takes half a second, ten times that on a busy machine. */
const timeoutMs = 60_000 + 5000 * numRuns;

it('never does harm, whatever fails', { timeout: timeoutMs }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (one) => {
      const { violations } = await new ModelRun(one, database).play();
      expect(violations).toEqual([]);
    }),
    { numRuns },
  );
});
