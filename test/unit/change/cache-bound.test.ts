// Sightings as lines `SERVER TTL RDATA  FIRST..REPLACED`, in seconds after t0; `..now` is still served.

import { describe, expect, it } from 'vitest';

import { cacheBound, cachedForMs, trueBy } from '../../../src/change/cache-bound.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { Sighting } from '../../../src/model/sighting.ts';
import { noon, textLines } from '../../support/worlds.ts';

function sightings(lines: string): Sighting[] {
  return textLines(lines).map((line) => {
    const [, server = '', ttl = '', value = '', first = '', replaced = ''] =
      /^(\S+) (\d+) (.*?) {2}(\d+)\.\.(now|\d+)$/.exec(line) ?? [];
    const replacedAt = replaced === 'now' ? null : noon + Number(replaced) * 1000;
    return {
      owner: domainNameOf('example.com'),
      type: 'MX',
      server,
      ttl: Number(ttl),
      rdata: value === 'absent' ? [] : [value],
      firstSeenAt: noon + Number(first) * 1000,
      lastSeenAt: replacedAt ?? noon + Number(first) * 1000,
      replacedAt,
    };
  });
}

const bound = (lines: string) => {
  const at = cacheBound(sightings(lines));
  return at === null ? null : (at - noon) / 1000;
};
const promise = (lines: string, ttl: number, replacedAt: number) =>
  (trueBy(sightings(lines), ttl, noon + replacedAt * 1000) - noon) / 1000;

describe('the cache bound', () => {
  it.each([
    ['nothing was ever seen', '', null],
    ['nothing was ever replaced', 'ns1 3600 10 a.  0..now', null],
    ['one version replaced', 'ns1 3600 10 a.  0..100\nns1 60 10 b.  100..now', 3701],
    [
      'a secondary that lagged',
      'ns1 3600 10 a.  0..100\nns2 3600 10 a.  0..400\nns1 60 10 b.  100..now',
      4001,
    ],
    ['absence counts with its negative TTL', 'ns1 900 absent  0..50\nns1 60 10 b.  50..now', 951],
    ['TTL 0 may be kept to the end of its second', 'ns1 0 10 a.  0..100', 101],
    ['no cache keeps an answer for more than a week', 'ns1 2147483647 10 a.  0..100', 604_901],
  ])('%s', (_, lines, expected) => {
    expect(bound(lines)).toBe(expected);
  });

  it('lowering a TTL does not shorten what is cached already', () => {
    const lowered = 'ns1 86400 10 a.  0..1000\nns1 300 10 a.  1000..now';
    // Replaced an hour after lowering: caches filled before keep the old for the rest of their day.
    expect(promise(lowered, 300, 4600)).toBe(1000 + 86_400 + 1);
    // Replaced a day and an hour after: only the 300 seconds are left.
    expect(promise(lowered, 300, 1000 + 90_000)).toBe(91_000 + 300 + 1);
  });

  it('after the replacement it is the later of the two', () => {
    const replaced = 'ns1 86400 10 a.  0..1000\nns1 300 10 a.  1000..4600\nns1 60 10 b.  4600..now';
    expect(bound(replaced)).toBe(87_401);
    expect(bound(replaced.replace('1000..4600', '1000..90000'))).toBe(90_301);
  });

  it('is not thrown off by a server that counts its TTL down', () => {
    const many = sightings('ns1 60 10 a.  0..1')[0]!;
    const look = (at: number) => ({ ...many, ttl: at % 3600, replacedAt: noon + at });
    expect(cacheBound(Array.from({ length: 200_000 }, (_, at) => look(at)))).not.toBeNull();
    expect(
      trueBy(
        Array.from({ length: 200_000 }, (_, at) => ({ ...look(at), replacedAt: null })),
        0,
        noon,
      ),
    ).toBe(noon + cachedForMs(3599));
  });
});

describe('true by', () => {
  it.each([
    ['no history: the TTL that is live', '', 3600, 20, 3621],
    [
      'the longest TTL that any authority still serves',
      'ns1 60 10 a.  0..now\nns2 7200 10 a.  0..now',
      60,
      20,
      7221,
    ],
    ['older versions still in caches', 'ns1 86400 10 z.  0..10\nns1 60 10 a.  10..now', 60, 20, 86_411],
    ['older versions long gone', 'ns1 60 10 z.  0..10\nns1 3600 10 a.  10..now', 3600, 1000, 4601],
  ])('%s', (_, lines, ttl, replacedAt, expected) => {
    expect(promise(lines, ttl, replacedAt)).toBe(expected);
  });
});
