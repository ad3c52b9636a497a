import { describe, expect, it } from 'vitest';
import { isInShard, TextSet } from '../../../src/app/audit-domain-set.ts';

const names = Array.from({ length: 200_000 }, (_, n) => `customer-${n}.example.`);

describe('a set of texts', () => {
  it('takes each once and none for another, through every growth', () => {
    const set = new TextSet(7);
    expect(names.every((name) => set.add(name))).toBe(true);
    expect(names.some((name) => set.add(name))).toBe(false);
  });
});

describe('a shard', () => {
  it('is of about the same size as any other, and together they are the list', () => {
    const sizes = Array.from(
      { length: 16 },
      (_, at) => names.filter((name) => isInShard(name, { number: at + 1, of: 16 })).length,
    );
    expect(sizes.reduce((sum, one) => sum + one)).toBe(names.length);
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.1);
  });

  it('of a domain is the same for ever', () => {
    const shardOf = (name: string) =>
      Array.from({ length: 16 }, (_, at) => at + 1).find((number) => isInShard(name, { number, of: 16 }));
    expect(['acme.example.', 'bread.example.', 'xn--bcher-kva.example.'].map(shardOf)).toEqual([3, 2, 4]);
    expect(isInShard('acme.example.', null)).toBe(true);
  });
});
