// A change as operations on records: carried out in the order Cloudflare documents (deletes, patches, posts), they end
// in the RRset that is wanted, never meet a record like another (81058), and never make more than is needed.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { parseMx } from '../../src/model/mx.ts';
import { isSameRrset, rrsetOf } from '../../src/model/rrset.ts';
import { countOf, liveIn, operationsFor } from '../../src/providers/cloudflare/convert.ts';
import type { CloudflareRecord } from '../../src/providers/cloudflare/shapes.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
const owner = domainNameOf('example.com');

const values = fc.uniqueArray(
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', 'c', 'd'))
    .map(([preference, host]) => `${preference} ${host}.example.`),
  { maxLength: 8 },
);
const ttl = fc.constantFrom(1, 60, 300, 3600);

const recordOf = (rdata: string, at: number, recordTtl: number): CloudflareRecord => {
  const mx = parseMx(rdata)!;
  return {
    id: String(at).padStart(32, '0'),
    name: 'example.com',
    type: 'MX',
    ttl: recordTtl,
    content: mx.exchange.slice(0, -1),
    priority: mx.preference,
  };
};

describe('operations on records', () => {
  it('end in what is wanted, by no more steps than records differ, with no two records alike on the way', () => {
    fc.assert(
      fc.property(
        values,
        fc.array(ttl, { minLength: 8, maxLength: 8 }),
        values,
        ttl,
        (before, ttls, after, wanted) => {
          fc.pre(after.length > 0);
          const records = before.map((rdata, at) => recordOf(rdata, at, ttls[at]!));
          const desired = rrsetOf(owner, 'MX', wanted === 1 ? 300 : wanted, after);
          const live = liveIn(records, owner, 'MX')!;
          const operations = operationsFor({ owner, type: 'MX', expected: live.rrset, desired }, live);

          const held = new Map(records.map((one) => [one.id, one]));
          const isDistinct = () => {
            const texts = [...held.values()].map((one) => `${one.priority ?? 0} ${one.content ?? ''}`);
            expect(new Set(texts).size).toBe(texts.length);
          };
          for (const { id } of operations.deletes) expect(held.delete(id)).toBe(true);
          for (const { id, ...body } of operations.patches) {
            expect(held.has(id)).toBe(true);
            held.set(id, { ...held.get(id)!, ...body });
            isDistinct();
          }
          operations.posts.forEach((body, at) => {
            held.set(`new${at}`, { id: `new${at}`, ...body });
            isDistinct();
          });
          const ended = liveIn([...held.values()], owner, 'MX')!;
          expect(ended.rrset).toEqual(desired);
          expect(countOf(operations)).toBeLessThanOrEqual(Math.max(before.length, after.length));
          expect(operations.deletes.length === 0 || operations.posts.length === 0).toBe(true);
          if (isSameRrset(live.rrset, desired) && new Set(ttls.slice(0, before.length)).size <= 1)
            expect(countOf(operations)).toBe(0);
          expect(countOf(operationsFor({ owner, type: 'MX', expected: null, desired }, ended))).toBe(0);
        },
      ),
      { numRuns },
    );
  });
});
