import { describe, expect, it } from 'vitest';
import { placeArrival } from '../../../src/health/arrival-time.ts';

const minute = 60_000;
const hour = 60 * minute;
/** Handed over at 0, not there at the look of 10 min, there at the look of 20 min. */
const window = { earliestAt: 10 * minute, latestAt: 20 * minute };

describe('when a canary came', () => {
  it.each([
    ['the mailbox says, where nothing speaks against it', 12 * minute, null, 12 * minute, 0],
    ['seconds of difference are no skew', 10 * minute - 3000, null, 10 * minute, 0],
    [
      'an hour ahead: as early as it can have come',
      12 * minute + hour,
      null,
      10 * minute,
      62 * minute - 10 * minute + 10 * minute,
    ],
    ['an hour ahead and known to be', 12 * minute + hour, hour, 12 * minute, hour],
    [
      'an hour behind: as early as it can have come',
      12 * minute - hour,
      null,
      10 * minute,
      2 * minute - hour,
    ],
    ['an hour behind and known to be', 12 * minute - hour, -hour, 12 * minute, -hour],
    ['nothing said', null, null, 10 * minute, 0],
  ])('%s', (_title, storedAt, known, arrivedAt, skewMs) => {
    expect(placeArrival(storedAt, window, known)).toEqual({ arrivedAt, skewMs });
  });
});
