import { describe, expect, it } from 'vitest';
import { formatDuration, formatInstant, formatRelative, formatTime } from '../../../src/render/duration.ts';

const at = Date.UTC(2026, 10, 22, 3, 12, 9);

describe('a duration', () => {
  it.each([
    [0, '0ms'],
    [340, '340ms'],
    [999.9, '999ms'],
    [24_000, '24s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [252_000, '4m12s'],
    [3_599_999, '59m59s'],
    [7_200_000, '2h'],
    [12_000_000, '3h20m'],
    [100_800_000, '1d4h'],
    [863_999_999, '9d23h'],
    [864_000_000, '10d'],
    [41.9 * 86_400_000, '41d'],
    [-5, '0ms'],
  ])('of %i ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('an instant', () => {
  it('is UTC and says so', () => {
    expect(formatInstant(at)).toBe('2026-11-22 03:12:09 UTC');
    expect(formatTime(at)).toBe('03:12:09');
  });

  it.each([
    [-24_000, '24s ago'],
    [252_000, 'in 4m12s'],
    [900, 'now'],
  ])('%i ms from now is %s', (offset, text) => {
    expect(formatRelative(at + offset, at)).toBe(text);
  });
});
