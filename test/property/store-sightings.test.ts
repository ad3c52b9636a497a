// Looks in any order, at clocks that jump: the intervals of one server never overlap, and nothing that was seen is
// forgotten.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { Look, Store } from '../../src/store/store.ts';
import { postgresMissing } from '../support/real-postgres.ts';
import { makeSqliteFactory, startPostgresStores } from '../support/store-contract-databases.ts';
import { aLook } from '../support/store-samples.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
/** Each call is some round trips to a server. */
const numRunsOnServer = Math.ceil(numRuns / 4);
/** A run writes to a real file: about 10 ms, ten times that on a busy machine. */
const timeoutMs = 30_000 + 100 * numRuns;

const looks = fc.array(
  fc.record({
    server: fc.constantFrom('192.0.2.53#53', '192.0.2.54#53'),
    ttl: fc.constantFrom(60, 3600),
    rdata: fc.constantFrom(['10 a.'], ['10 b.'], []),
    at: fc.integer({ min: 0, max: 50 }),
    /** True where this look begins a new call. */
    isApart: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

let examples = 0;

const versionOf = (one: { ttl: number; rdata: readonly string[] }) => `${one.ttl} ${one.rdata.join('+')}`;

async function check(store: Store, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(looks, async (given) => {
      const owner = domainNameOf(`n${++examples}.example.com`);
      const calls: Look[][] = [[]];
      for (const { isApart, ...look } of given) {
        if (isApart) calls.push([]);
        calls.at(-1)!.push(aLook({ ...look, owner }));
      }
      for (const call of calls) await store.recordLooks(call);

      const sightings = await store.readSightings(owner, 'MX');
      for (const server of new Set(given.map((look) => look.server))) {
        const mine = sightings.filter((one) => one.server === server);
        const seen = given.filter((look) => look.server === server);
        const open = mine.filter((one) => one.replacedAt === null);
        expect(open.map(versionOf)).toEqual([versionOf(seen.at(-1)!)]);

        const inOrder = mine.toSorted(
          (a, b) => a.firstSeenAt - b.firstSeenAt || (a.replacedAt ?? Infinity) - (b.replacedAt ?? Infinity),
        );
        for (const [index, one] of inOrder.entries()) {
          expect(one.firstSeenAt).toBeLessThanOrEqual(one.lastSeenAt);
          expect(one.lastSeenAt).toBeLessThanOrEqual(one.replacedAt ?? Infinity);
          const next = inOrder[index + 1];
          if (next !== undefined) expect(one.replacedAt).toBeLessThanOrEqual(next.firstSeenAt);
        }
        // The cache bound rests on this: each version counts as served at least until it was last seen.
        for (const look of seen) {
          const until = mine.filter((one) => versionOf(one) === versionOf(look)).map((one) => one.lastSeenAt);
          expect(Math.max(...until)).toBeGreaterThanOrEqual(look.at);
        }
      }
    }),
    { numRuns },
  );
}

describe.each([
  { name: 'SQLite', start: () => Promise.resolve(null), why: null, numRuns },
  { name: 'PostgreSQL', start: startPostgresStores, why: postgresMissing, numRuns: numRunsOnServer },
])('$name', ({ start, why, numRuns }) => {
  it.skipIf(why !== null)(
    'keeps intervals of one server apart, whatever order its answers come in',
    async () => {
      const databases = await start();
      const factory = await (databases?.makeFactory() ?? makeSqliteFactory());
      try {
        await check(await factory.open(), numRuns);
      } finally {
        await factory.dispose();
        await databases?.dispose();
      }
    },
    timeoutMs,
  );
});
