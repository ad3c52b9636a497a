import { describe, expect, it } from 'vitest';
import { settledKeepMs } from '../../../src/health/canary-schedule.ts';
import { canaryPolicy } from '../../support/canaries.ts';

const day = 86_400_000;

describe('canaries that are settled', () => {
  it('are kept for a week', () => {
    expect(settledKeepMs(canaryPolicy)).toBe(7 * day);
  });

  it('are kept for as long as a verdict needs them where there is one a day', () => {
    const daily = { ...canaryPolicy, everyMs: day, fall: 2, rise: 7, swallowedAfterMs: 3 * day };
    expect(settledKeepMs(daily)).toBe(12 * day);
  });
});
