import { describe, expect, it } from 'vitest';
import { publishPromise, slowestOf } from '../../../src/change/publish-promise.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { PublishTime } from '../../../src/model/publish-time.ts';

/** `'0.8 2.1 -'`: seconds until every authority answered, newest first; `-` = not seen to. */
function times(text: string): PublishTime[] {
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map((one, at) => ({
      id: String(at),
      provider: 'bind',
      zone: domainNameOf('example.com'),
      at: -at,
      source: 'drill',
      acceptedMs: 1,
      firstMs: 1,
      allMs: one === '-' ? null : Number(one) * 1000,
    }));
}

describe('what a plan says of a write', () => {
  it.each([
    ['nothing was measured', '', 10, 0],
    ['too little was measured', '0.2 0.2 0.2 0.2', 10, 0],
    ['five were measured: the worst of them', '0.2 3.2 0.2 0.2 0.2', 4, 5],
    ['at least a second, for less is luck', '0.2 0.2 0.2 0.2 0.2', 1, 5],
    ['slower than the adapter assumes', '44 44 44 44 44', 44, 5],
    ['of twenty the worst is left out', `${'1 '.repeat(19)}60`, 1, 20],
    ['two bad ones of twenty are not', `${'1 '.repeat(18)}60 50`, 50, 20],
    ['what is older than twenty writes is forgotten', `${'1 '.repeat(20)}60 60 60`, 1, 20],
    ['one that was not seen to end spoils few', '0.2 0.2 - 0.2 0.2', 10, 0],
    ['and one of many is left out', `${'2 '.repeat(19)}-`, 2, 20],
  ])('%s', (_case, text, seconds, measured) => {
    expect(publishPromise(times(text), 10)).toEqual({ seconds, measured });
  });

  it('is that of the slowest zone', () => {
    const [quick, slow] = [
      { seconds: 2, measured: 9 },
      { seconds: 60, measured: 0 },
    ];
    expect(slowestOf([quick, slow, quick])).toEqual(slow);
    expect(slowestOf([])).toEqual({ seconds: 0, measured: 0 });
  });
});
