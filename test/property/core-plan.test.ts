// Plans over arbitrary routes and live RRsets: never an empty MX, every prefix safe and resumable, the way back exact.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cacheBound, trueBy } from '../../src/change/cache-bound.ts';
import { canonicalPlanText, changesTo, planFaults, rollbackChanges } from '../../src/change/plan.ts';
import { matchLive, rrsetKey } from '../../src/change/published.ts';
import type { Action, RrsetChange } from '../../src/model/change.ts';
import { isNullMx, parseMx } from '../../src/model/mx.ts';
import { isSameRrset, type Rrset } from '../../src/model/rrset.ts';
import { propertyRuns as runs, sighting, world } from '../support/arbitrary-worlds.ts';
import { zoneLines } from '../support/worlds.ts';

type Live = Map<string, Rrset | null>;

/** Compare-and-set: throws where the RRset is not what the change expects. */
function applied(live: Live, changes: readonly RrsetChange[]): Live {
  const next = new Map(live);
  for (const change of changes) {
    const key = rrsetKey(change.owner, change.type);
    if (!isSameRrset(next.get(key) ?? null, change.expected)) throw new Error(`conflict at ${key}`);
    next.set(key, change.desired);
  }
  return next;
}

const prefixes = (changes: readonly RrsetChange[]) =>
  [...changes.keys(), changes.length].map((end) => changes.slice(0, end));

const hasAddress = (live: Live, owner: string) => [...live.values()].some((one) => one?.owner === owner);
const isMixedNull = (rrset: Rrset) => {
  const values = rrset.rdata.map((one) => parseMx(one)!);
  return values.length > 1 && values.some(isNullMx);
};

describe('a plan', () => {
  it('never breaks an invariant, nor does any prefix of it', () => {
    fc.assert(
      fc.property(world, ({ route, live, path, ttl }) => {
        const changes = changesTo(route, path, live, ttl);
        expect(planFaults(changes, live)).toEqual([]);
        for (const prefix of prefixes(changes)) {
          const now = applied(live, prefix);
          for (const [key, before] of live) {
            const after = now.get(key) ?? null;
            if (key.endsWith(' MX')) {
              if (before !== null) expect(after).not.toBeNull();
              if (after !== null && after !== before) expect(isMixedNull(after)).toBe(false);
            } else if (before !== null) {
              expect(hasAddress(now, before.owner)).toBe(true);
            }
            if (after !== null) expect(after.rdata).not.toEqual([]);
          }
        }
      }),
      runs,
    );
  });

  it('ends with DNS publishing its path at its TTL, and then there is nothing left to do', () => {
    fc.assert(
      fc.property(world, ({ route, live, path, ttl }) => {
        const end = applied(live, changesTo(route, path, live, ttl));
        const match = matchLive(route, end);
        expect(match.kind).toBe('path');
        if (match.kind === 'path') {
          expect(match.ttl).toEqual({ least: ttl, most: ttl });
          // Two paths may publish the same; then either name is right.
          const named = route.paths.find((one) => one.name === match.path)!;
          expect(changesTo(route, named, end, ttl)).toEqual([]);
        }
        expect(changesTo(route, path, end, ttl)).toEqual([]);
      }),
      runs,
    );
  });

  it('can be resumed after any prefix: exactly the rest is left, and the end is the same', () => {
    fc.assert(
      fc.property(world, ({ route, live, path, ttl }) => {
        const changes = changesTo(route, path, live, ttl);
        const end = zoneLines(applied(live, changes));
        for (const [done, prefix] of prefixes(changes).entries()) {
          const half = applied(live, prefix);
          const rest = changesTo(route, path, half, ttl);
          expect(rest).toEqual(changes.slice(done));
          expect(zoneLines(applied(half, rest))).toEqual(end);
        }
      }),
      runs,
    );
  });

  it('is undone exactly by its rollback, values and TTL, wherever it stopped', () => {
    fc.assert(
      fc.property(world, ({ route, live, path, ttl }) => {
        const changes = changesTo(route, path, live, ttl);
        for (const [done, prefix] of prefixes(changes).entries()) {
          const states = changes.map((_, at) => (at < done ? 'applied' : 'failed'));
          const back = rollbackChanges({ plan: { changes }, changeStates: states } as unknown as Action);
          const reached = applied(live, prefix);
          expect(zoneLines(applied(reached, back))).toEqual(zoneLines(live));
          // Only where there was nothing before can the way back not be sound.
          const hadAll = prefix.every((one) =>
            one.type === 'MX' ? one.expected !== null : hasAddress(live, one.owner),
          );
          if (hadAll) expect(planFaults(back, reached)).toEqual([]);
        }
      }),
      runs,
    );
  });

  it('is told apart by its text from every other', () => {
    fc.assert(
      fc.property(world, world, (one, other) => {
        const [a, b] = [one, other].map(({ route, live, path, ttl }) =>
          changesTo(route, path, live, ttl),
        ) as [RrsetChange[], RrsetChange[]];
        const isSameText = canonicalPlanText('r', a) === canonicalPlanText('r', b);
        expect(isSameText).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      runs,
    );
  });
});

describe('the cache bound', () => {
  const history = fc.array(sighting, { maxLength: 20 });

  it('never falls as more is seen', () => {
    fc.assert(
      fc.property(history, sighting, (known, more) => {
        expect(cacheBound([...known, more]) ?? 0).toBeGreaterThanOrEqual(cacheBound(known) ?? 0);
      }),
      runs,
    );
  });

  it('never falls when an answer still served is seen replaced', () => {
    fc.assert(
      fc.property(history, fc.nat(10_000), (known, laterMs) => {
        const closed = known.map((one) => ({
          ...one,
          replacedAt: one.replacedAt ?? one.lastSeenAt + laterMs,
        }));
        expect(cacheBound(closed) ?? 0).toBeGreaterThanOrEqual(cacheBound(known) ?? 0);
      }),
      runs,
    );
  });

  it('is what was promised before the write, or earlier, once the write was seen in time', () => {
    fc.assert(
      fc.property(history, fc.nat(86_400), fc.nat(2_000_000_000), (known, ttl, later) => {
        const writtenAt = 2_000_000_000 + later;
        const promised = trueBy(known, ttl, writtenAt);
        const closed = known.map((one) => ({ ...one, replacedAt: one.replacedAt ?? writtenAt }));
        expect(cacheBound(closed) ?? 0).toBeLessThanOrEqual(promised);
      }),
      runs,
    );
  });

  it('covers every answer ever given, up to a week', () => {
    fc.assert(
      fc.property(history, (known) => {
        const bound = cacheBound(known) ?? 0;
        for (const one of known) {
          if (one.replacedAt === null) continue;
          expect(bound).toBeGreaterThanOrEqual(one.lastSeenAt + Math.min(one.ttl, 604_800) * 1000);
        }
      }),
      runs,
    );
  });
});
