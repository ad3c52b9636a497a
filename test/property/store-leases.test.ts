// Leases under random holders and a clock that only moves forward, against a model of one cell. Holders remember
// every lease they were ever given, and go on using the stale ones.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaseError, StoreError } from '../../src/errors.ts';
import type { Lease } from '../../src/model/lease.ts';
import type { Store } from '../../src/store/store.ts';
import { postgresMissing } from '../support/real-postgres.ts';
import { makeSqliteFactory, startPostgresStores } from '../support/store-contract-databases.ts';
import { aPlan, anAction } from '../support/store-samples.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
/** Each step is some round trips to a server. */
const numRunsOnServer = Math.ceil(numRuns / 4);
/** A run writes to a real file: about 10 ms, ten times that on a busy machine. */
const timeoutMs = 30_000 + 100 * numRuns;

interface Opened {
  readonly stores: readonly Store[];
  readonly dispose: () => Promise<void>;
}

async function openSqlite(): Promise<Opened> {
  const factory = await makeSqliteFactory();
  return { stores: [await factory.open(), await factory.open()], dispose: () => factory.dispose() };
}

/** Both by the server's clock, which the test sets; their own are an hour off, each in its way. */
async function openPostgres(): Promise<Opened> {
  const databases = await startPostgresStores();
  const factory = await databases.makeFactory();
  return {
    stores: [await factory.open(), await factory.open()],
    dispose: async () => {
      await factory.dispose();
      await databases.dispose();
    },
  };
}

/** `which` picks one of the holder's leases, counted from the newest. */
type Step =
  | { readonly verb: 'acquire'; readonly holder: number; readonly ttlMs: number }
  | {
      readonly verb: 'renew' | 'release' | 'write';
      readonly holder: number;
      readonly which: number;
      readonly ttlMs: number;
    }
  | { readonly verb: 'pass'; readonly ms: number };

const holder = fc.nat(2);
const ttlMs = fc.integer({ min: 1, max: 100 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('acquire'), holder, ttlMs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constantFrom('renew', 'release', 'write'),
      holder,
      which: fc.nat(2),
      ttlMs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('pass'), ms: fc.integer({ min: 1, max: 80 }) }) },
);

/** A route and ids that no other example uses. */
let examples = 0;
let actions = 0;

/** Null where it went through; else the code of the refusal. */
async function refusal(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof LeaseError || error instanceof StoreError) return error.code;
    throw error;
  }
}

async function play(stores: readonly Store[], steps: readonly Step[]): Promise<void> {
  const route = `route-${++examples}`;
  const given: Lease[][] = [[], [], []];
  let now = 1000;
  /** The model: what the one cell holds. */
  let cell: { token: number; expiresAt: number; isReleased: boolean } = {
    token: 0,
    expiresAt: 0,
    isReleased: true,
  };

  for (const [index, one] of steps.entries()) {
    const store = stores[index % stores.length]!;
    if (one.verb === 'pass') {
      now += one.ms;
      continue;
    }
    const leases = given[one.holder]!;
    if (one.verb === 'acquire') {
      const answer = await store.acquireLease(route, `h:${one.holder}:run`, one.ttlMs, now);
      const isFree = cell.isReleased || cell.expiresAt <= now;
      expect(answer.outcome).toBe(isFree ? 'held' : 'taken');
      if (answer.outcome === 'taken') continue;
      expect(answer.lease.token).toBe(cell.token + 1);
      cell = { token: answer.lease.token, expiresAt: now + one.ttlMs, isReleased: false };
      leases.push(answer.lease);
      continue;
    }
    const lease = leases.at(-1 - one.which);
    if (lease === undefined) continue;
    const isHeld = lease.token === cell.token && !cell.isReleased;
    if (one.verb === 'renew') {
      expect(await refusal(store.renewLease(lease, one.ttlMs, now))).toBe(isHeld ? null : 'lease-lost');
      if (isHeld) cell = { ...cell, expiresAt: now + one.ttlMs };
    } else if (one.verb === 'release') {
      await store.releaseLease(lease);
      if (isHeld) cell = { ...cell, isReleased: true };
    } else {
      const action = anAction({ id: `A${++actions}`, plan: aPlan({ route }), leaseToken: lease.token });
      const wanted = lease.token < cell.token ? 'store-fenced' : isHeld ? null : 'lease-lost';
      expect(await refusal(store.beginAction(action, lease))).toBe(wanted);
    }
  }
  const tokens = given.flat().map((lease) => lease.token);
  expect(new Set(tokens).size).toBe(tokens.length);
  const journalled = (await stores[0]!.listActions({ route })).map((action) => action.leaseToken).reverse();
  expect(journalled).toEqual(journalled.toSorted((a, b) => a - b));
}

describe.each([
  { name: 'SQLite', open: openSqlite, why: null, numRuns },
  { name: 'PostgreSQL', open: openPostgres, why: postgresMissing, numRuns: numRunsOnServer },
])('$name', ({ open, why, numRuns }) => {
  it.skipIf(why !== null)(
    'never gives a route to two holders, never gives a token twice, and lets only the last one write',
    async () => {
      const { stores, dispose } = await open();
      try {
        const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) =>
          play(stores, steps),
        );
        await fc.assert(property, { numRuns });
      } finally {
        await dispose();
      }
    },
    timeoutMs,
  );
});
