import { describe, expect, it } from 'vitest';
import { isWorthKeeping } from '../../../src/health/keeping.ts';
import type { Observation } from '../../../src/model/observation.ts';

const minute = 60_000;

/** How many of the observations of `count` rounds a minute apart get a row: `+` passes, `s` slowly, `-` fails, `?` cannot
 *  be settled from here. */
function kept(sign: '+' | 's' | '-' | '?', count: number): number {
  const verdicts = { '+': 'pass', s: 'pass', '-': 'fail', '?': 'inconclusive' } as const;
  let rows = 0;
  for (let round = 1; round <= count; round++) {
    const one: Pick<Observation, 'verdict' | 'isSlow' | 'at'> = {
      verdict: verdicts[sign],
      isSlow: sign === 's',
      // Rounds begin at any second.
      at: round * minute + 17_300,
    };
    const after = { successes: sign === '+' || sign === 's' ? round : 0, failures: sign === '-' ? round : 0 };
    if (isWorthKeeping(one, after, minute)) rows += 1;
  }
  return rows;
}

describe('a day of observations that all say the same', () => {
  it.each([
    ['+', 1],
    // The first, and one in ten minutes.
    ['s', 145],
    ['?', 144],
    // The first twenty, and one in ten minutes of the rest.
    ['-', 162],
  ] as const)('%s gets %i rows of 1440', (sign, rows) => {
    expect(kept(sign, 1440)).toBe(rows);
  });

  it('keeps the first pass after failures, and each of the first failures', () => {
    expect(kept('+', 1)).toBe(1);
    expect(kept('-', 20)).toBe(20);
  });
});
