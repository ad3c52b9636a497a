// Until when something is ignored.

import { expect, it } from 'vitest';

import { expiredIgnores } from '../../../src/model/ignore.ts';

const lastMoment = Date.UTC(2027, 0, 31, 23, 59, 59, 999);

it.each([
  ['2027-01-31', lastMoment, false],
  ['2027-01-31', lastMoment + 1, true],
  ['2026-12-31', lastMoment, true],
  [null, lastMoment, false],
])('an ignore until %s at %i is over: %s', (until, now, isOver) => {
  const ignore = { until, reason: 'migrating' };
  expect(expiredIgnores([ignore], now)).toEqual(isOver ? [ignore] : []);
});
