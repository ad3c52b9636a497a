// Histories: `+` pass, `-` deferred, `x` bounced, `?` inconclusive, `.` a gap longer than results stay fresh; one mark
// a minute. Below each history the status after each mark: U up, D down, ~ unknown.

import { describe, expect, it } from 'vitest';

import { healthAsOf, isStale, needsConfirmation, stepHop, unmeasured } from '../../../src/health/hop.ts';
import type { HopHealth } from '../../../src/model/hop-health.ts';
import { after, minute, noon, observe, tell, thresholds } from '../../support/worlds.ts';

const letter = { up: 'U', down: 'D', unknown: '~' } as const;
const statuses = (history: readonly HopHealth[]) => history.map((one) => letter[one.status]).join('');

describe('a hop starts unknown, never up', () => {
  it.each([
    ['+', '~'],
    ['++', '~~'],
    ['+++', '~~U'],
    ['++-+++', '~~~~~U'],
    ['++?+', '~~~U'],
    ['???', '~~~'],
    ['---', '~~D'],
    ['xx', '~D'],
    ['-+-+-', '~~~~D'],
    ['-+++', '~~~U'],
  ])('%s', (history, expected) => {
    expect(statuses(tell(history))).toBe(expected);
  });
});

describe('while up, failures add up though successes come between', () => {
  it.each([
    ['+++-', '~~UU'],
    ['+++--', '~~UUU'],
    ['+++---', '~~UUUD'],
    ['+++-+-+-', '~~UUUUUD'],
    ['+++-++-++-', '~~UUUUUUUD'],
  ])('%s', (history, expected) => {
    expect(statuses(tell(history))).toBe(expected);
  });

  it.each([
    ['+++--+++--', '~~UUUUUUUU'],
    ['+++-+++-+++-', '~~UUUUUUUUUU'],
  ])('but an unbroken run forgives them: %s', (history, expected) => {
    expect(statuses(tell(history))).toBe(expected);
  });

  it('counts what is left', () => {
    expect(after('+++--')).toMatchObject({ failures: 2, rejections: 0, successes: 0 });
    expect(after('+++--++')).toMatchObject({ failures: 2, successes: 2 });
    expect(after('+++--+++')).toMatchObject({ failures: 0, successes: 3 });
  });
});

describe('a hop that bounces falls sooner than one that defers', () => {
  it.each([
    ['+++x', '~~UU'],
    ['+++xx', '~~UUD'],
    ['+++x-x', '~~UUUD'],
    ['+++x+x', '~~UUUD'],
    ['+++x-', '~~UUU'],
    ['+++-x-', '~~UUUD'],
  ])('%s', (history, expected) => {
    expect(statuses(tell(history))).toBe(expected);
  });
});

describe('a single 5xx is not enough to say that a hop bounces', () => {
  it.each([
    ['+++xx', 'bounced'],
    ['+++x-x', 'bounced'],
    ['+++--x', 'deferred'],
    ['+++---x', 'deferred'],
    ['+++---xx', 'bounced'],
    ['+++---x-x', 'bounced'],
    ['+++xx-', 'deferred'],
    ['+++xx-x', 'bounced'],
  ])('%s is %s', (history, fate) => {
    expect(after(history)).toMatchObject({ status: 'down', fate });
  });

  it('unless fall itself is one', () => {
    const told = { thresholds: { fall: 1, fallRejecting: 2 } };
    expect(after('x', told)).toMatchObject({ status: 'down', fate: 'bounced' });
  });
});

describe('while down, only an unbroken run of successes brings it up', () => {
  const rise = (count: number) => '+'.repeat(count);

  it.each([
    [`---${rise(9)}`, 'down'],
    [`---${rise(10)}`, 'up'],
    [`---${rise(9)}-${rise(9)}`, 'down'],
    [`---${rise(9)}?+`, 'up'],
    [`---${rise(5)}.${rise(9)}`, 'down'],
    [`---${rise(5)}.${rise(10)}`, 'up'],
  ])('%s: %s', (history, status) => {
    expect(after(history).status).toBe(status);
  });

  it('keeps the fate and the words of the failure until it is up', () => {
    expect(after('xx+++')).toMatchObject({ fate: 'bounced', summary: '550 at rcpt', successes: 3 });
    expect(after(`xx${rise(10)}`)).toMatchObject({
      fate: 'accepted',
      summary: '250 ok',
      failures: 0,
      rejections: 0,
    });
  });

  it('has been failing since its first failure, until it is up', () => {
    const history = tell(`+++---${rise(10)}`);
    const since = history.map((one) => one.failingSince);
    const failed = noon + 3 * minute;
    expect(since.slice(0, 3)).toEqual([null, null, null]);
    expect(since.slice(3, 15)).toEqual(Array(12).fill(failed));
    expect(since.at(-1)).toBeNull();
  });

  it('knows the instant its status was reached', () => {
    const history = tell(`+++-----${rise(10)}`);
    expect(history[4]?.since).toBe(noon + 2 * minute);
    expect(history[7]?.since).toBe(noon + 5 * minute);
    expect(history.at(-1)?.since).toBe(noon + 17 * minute);
  });
});

describe('a gap longer than results stay fresh', () => {
  it.each([
    ['+++.+', '~~UU~'],
    ['+++.+++', '~~UU~~U'],
    ['+++--.-', '~~UUUU~'],
    ['+++--.---', '~~UUUU~~D'],
    ['---.+', '~~DDD'],
    ['---.-', '~~DDD'],
    ['xx.x', '~DDD'],
  ])('%s', (history, expected) => {
    expect(statuses(tell(history))).toBe(expected);
  });

  it('an up hop is unknown from the moment its last result went stale', () => {
    const last = after('+++');
    const stale = last.lastAt + thresholds.staleAfterMs;
    expect(isStale(last, stale, thresholds)).toBe(false);
    expect(isStale(last, stale + 1, thresholds)).toBe(true);
    expect(healthAsOf(last, stale, thresholds)).toBe(last);
    expect(healthAsOf(last, stale + 1, thresholds)).toMatchObject({
      status: 'unknown',
      fate: 'unknown',
      since: stale,
    });
    expect(after('+++.+').since).toBe(stale);
  });

  it('a down hop may not be relied on as down either, and is down again with the next failure', () => {
    const last = after('---');
    expect(healthAsOf(last, last.lastAt + 4 * minute, thresholds).status).toBe('unknown');
    expect(after('-', { from: last, at: last.lastAt + 4 * minute }).status).toBe('down');
  });

  it('what was never measured is not stale', () => {
    expect(isStale(unmeasured, noon, thresholds)).toBe(false);
  });
});

describe('an inconclusive observation', () => {
  it('changes nothing at all', () => {
    for (const history of ['', '++', '+++-', '---', 'xx++']) {
      const before = after(history);
      expect(stepHop(before, observe('?', before.lastAt + minute), thresholds)).toBe(before);
    }
  });

  it('does not keep results fresh', () => {
    expect(after('+++???+').status).toBe('unknown');
    expect(after('+++?+').status).toBe('up');
  });
});

describe('what is kept beside the counters', () => {
  it('slow is not down', () => {
    const slow = stepHop(after('+++'), observe('+', noon + 3 * minute, { isSlow: true }), thresholds);
    expect(slow).toMatchObject({ status: 'up', isSlow: true });
  });

  it.each([
    ['554 at the banner', { stage: 'banner', reply: { code: 554, enhanced: null, text: 'no' } }, true],
    ['421 at the banner', { stage: 'banner', reply: { code: 421, enhanced: null, text: 'no' } }, false],
    ['554 at EHLO', { stage: 'ehlo', reply: { code: 554, enhanced: null, text: 'no' } }, false],
    ['silence at the banner', { stage: 'banner', reply: null }, false],
  ] as const)('%s greets with 5xx: %s', (_, over, greets) => {
    const health = stepHop(unmeasured, observe('-', noon, over), thresholds);
    expect(health.greetsWith5xx).toBe(greets);
  });

  it('a passing probe of a down hop does not take back how it greets', () => {
    const over = { stage: 'banner', reply: { code: 554, enhanced: null, text: 'no' } } as const;
    const down = [0, 1, 2].reduce(
      (health, at) => stepHop(health, observe('-', noon + at * minute, over), thresholds),
      unmeasured,
    );
    expect(down).toMatchObject({ status: 'down', greetsWith5xx: true });
    expect(stepHop(down, observe('+', noon + 3 * minute), thresholds).greetsWith5xx).toBe(true);
  });
});

describe('the same run probes again', () => {
  it.each([
    ['+++-', true],
    ['+++--', true],
    ['+++x', true],
    ['+++---', false],
    ['+++xx', false],
    ['+++-+', false],
    ['+++-?', true],
    ['+++', false],
    ['-', false],
    ['', false],
  ])('after %s: %s', (history, again) => {
    expect(needsConfirmation(after(history))).toBe(again);
  });

  it('at most until fall is reached, whatever has been forgiven before', () => {
    let health = after('+++-++');
    let rounds = 0;
    for (; rounds === 0 || needsConfirmation(health); rounds++) {
      health = stepHop(health, observe('-', health.lastAt + 1000), thresholds);
    }
    expect([rounds, health.status]).toEqual([2, 'down']);
  });
});
