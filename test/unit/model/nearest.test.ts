import { describe, expect, it } from 'vitest';
import { nearest } from '../../../src/model/nearest.ts';

describe('the name that was meant', () => {
  it.each([
    ['stauts', 'status'],
    ['Status', 'status'],
    ['statu', 'status'],
    ['hold down', 'hold_down'],
    ['rolback', 'rollback'],
    ['hisotry', 'history'],
    ['frobnicate', null],
    ['', null],
  ])('of %j is %s', (typed, meant) => {
    expect(nearest(typed, ['status', 'rollback', 'history', 'pause', 'hold_down'])).toBe(meant);
  });

  it('is not looked for in text longer than any name', () => {
    expect(nearest('x'.repeat(100_000), ['status'])).toBeNull();
  });
});
