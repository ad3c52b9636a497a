// A failover in which something strikes at each of its calls to the outside in turn, on both controllers: what a crash
// test does at some points, at all of them. `MXCTL_PROPERTY_RUNS`: how many of the cases; all of them from 1,000 on.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelRun } from '../../support/model-run.ts';
import { type Mishap, pathDown, type Scenario, usualScenario } from '../../support/model-scenario.ts';
import { ModelDatabase } from '../../support/model-store.ts';

/** A move with its read-back makes some twenty. */
const calls = 26;

const layouts: Readonly<Record<string, Partial<Scenario>>> = {
  'one domain': {},
  'two domains, one after the other': { owners: 2, isAtomic: false },
  'two providers': { owners: 2, isSplit: true },
};

type Strike = (machine: number, strike: number) => Mishap;
const database =
  (mode: 'before' | 'after' | 'hang', seconds: number): Strike =>
  (machine, strike) => ({
    kind: 'database',
    at: 11,
    machine,
    mode,
    seconds,
    strike,
  });
const edit =
  (what: 'foreign' | 'other', isAll: boolean, isUndone: boolean): Strike =>
  (machine, strike) => ({
    kind: 'edit',
    at: 11,
    machine,
    what,
    isAll,
    isUndone,
    strike,
  });

const strikes: Readonly<Record<string, Strike>> = {
  'a kill': (machine, strike) => ({
    kind: 'kill',
    at: 11,
    machine,
    strike,
    awaySeconds: 15 + 40 * (strike % 3),
  }),
  'a machine that stands still': (machine, strike) => ({
    kind: 'freeze',
    at: 11,
    machine,
    strike,
    seconds: 200,
  }),
  'a database that is gone': database('before', 90),
  'a database that does what it is told and does not say so': database('after', 90),
  'one lost answer of the database': database('after', 1),
  'a database that stands still': database('hang', 90),
  'somebody else’s records': edit('foreign', true, true),
  'somebody else’s same thought': edit('other', false, false),
};

const cases = Object.entries(layouts).flatMap(([layout, over]) =>
  Object.entries(strikes).flatMap(([what, strike]) =>
    Array.from({ length: calls }, (_, call) => call).flatMap((call) =>
      (call % 2 === 0 ? [false, true] : [false]).map((losesReply) => ({
        title: `${what} at call ${call}, ${layout}${losesReply ? ', replies lost' : ''}`,
        scenario: {
          ...usualScenario,
          ...over,
          seed: call * 7 + 1,
          mishaps: [
            pathDown(0, 12, 30),
            strike(0, call),
            strike(1, call),
            ...(losesReply
              ? [{ kind: 'provider', at: 11, which: 0, mode: 'lose-after', minutes: 20 } as const]
              : []),
          ],
        },
      })),
    ),
  ),
);

let store: ModelDatabase;
beforeAll(async () => {
  store = await ModelDatabase.open();
});
afterAll(() => store.close());

const wanted = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 12);
/** Prime to the counts above, so that a few cases are of all kinds. */
const stride = wanted >= 1000 ? 1 : Math.max(1, Math.floor(cases.length / wanted) - 1) | 1;

it('does no harm to a failover, wherever it strikes', { timeout: 3_600_000 }, async () => {
  for (let at = 0; at < cases.length; at += stride) {
    const { title, scenario } = cases[at]!;
    const { violations } = await new ModelRun(scenario, store).play();
    expect(violations, title).toEqual([]);
  }
});
