// Votes: one history a vantage, e.g. `here: ---`, all ending now unless `(old)` stands behind.

import { describe, expect, it } from 'vitest';

import { poll, sightOf, type Vote } from '../../../src/health/quorum.ts';
import { unmeasured } from '../../../src/health/hop.ts';
import { after, hour, minute, noon, pathIs, textLines, thresholds } from '../../support/worlds.ts';

function votes(lines: string): Vote[] {
  return textLines(lines).map((line) => {
    const [, vantage = '', history = '', isOld] = /^(\w+): ([-+x?]+)( \(old\))?$/.exec(line) ?? [];
    const at = noon - (history.length - 1) * minute - (isOld === undefined ? 0 : hour);
    return { vantage, health: after(history, { at }) };
  });
}

const polled = (lines: string, quorum: number) => {
  const { health, up, down, unknown } = poll(votes(lines), { quorum, thresholds }, noon);
  return `${health.status} ${health.fate} up=${up.join()} down=${down.join()} unknown=${unknown.join()}`;
};

describe('down needs as many vantages as the quorum', () => {
  it.each([
    [1, 'here: ---', 'down deferred up= down=here unknown='],
    [1, 'here: +++', 'up accepted up=here down= unknown='],
    [2, 'here: ---', 'unknown deferred up= down=here unknown='],
    [2, 'here: ---\nthere: ---', 'down deferred up= down=here,there unknown='],
    [2, 'here: ---\nthere: +++', 'up accepted up=there down=here unknown='],
    [1, 'here: ---\nthere: +++', 'down deferred up=there down=here unknown='],
    [2, 'here: ---\nthere: +++\nyonder: ---', 'down deferred up=there down=here,yonder unknown='],
    [3, 'here: ---\nthere: ---', 'unknown deferred up= down=here,there unknown='],
  ])('quorum %i of %j', (quorum, lines, expected) => {
    expect(polled(lines, quorum)).toBe(expected);
  });
});

describe('a vote that went stale is no vote', () => {
  it.each([
    [1, 'here: --- (old)', 'unknown unknown up= down= unknown=here'],
    [2, 'here: ---\nthere: --- (old)', 'unknown deferred up= down=here unknown=there'],
    [1, 'here: +++ (old)\nthere: ---', 'down deferred up= down=there unknown=here'],
    [1, 'here: +++\nthere: --- (old)', 'up accepted up=here down= unknown=there'],
  ])('quorum %i of %j', (quorum, lines, expected) => {
    expect(polled(lines, quorum)).toBe(expected);
  });
});

describe('a vote from another time is no vote', () => {
  const dated = (aheadMs: number): Vote => ({
    vantage: 'there',
    health: after('---', { at: noon + aheadMs - 2 * minute }),
  });
  const statusOf = (vote: Vote) => poll([vote], { quorum: 1, thresholds }, noon).health.status;

  it.each([
    [-3 * minute, 'down'],
    [-3 * minute - 1, 'unknown'],
    [3 * minute, 'down'],
    [3 * minute + 1, 'unknown'],
    [-hour, 'unknown'],
    [hour, 'unknown'],
  ])('dated %i ms from now: %s', (aheadMs, expected) => {
    expect(statusOf(dated(aheadMs))).toBe(expected);
  });
});

describe('after a gap a vote for down counts when it was seen to fail as often again', () => {
  it.each([
    ['---.-', 'unknown'],
    ['---.--', 'unknown'],
    ['---.---', 'down'],
    ['xx.x', 'unknown'],
    ['xx.xx', 'down'],
    // It is not up either: it must rise.
    ['---.+++', 'unknown'],
  ])('%s: %s', (history, expected) => {
    const health = after(history);
    const now = health.lastAt;
    expect(poll([{ vantage: 'here', health }], { quorum: 1, thresholds }, now).health.status).toBe(expected);
  });
});

describe('who sees a whole path how', () => {
  it('comes by name, from what each makes of it', () => {
    const views = new Map([
      ['lon', pathIs('down')],
      ['fra', pathIs('ok')],
      ['ams', pathIs('degraded')],
      ['par', pathIs('unknown')],
      ['osl', pathIs('bouncing')],
    ]);
    expect(sightOf(views)).toEqual({ up: ['ams', 'fra'], down: ['lon', 'osl'], unknown: ['par'] });
  });
});

it('of those that see it down the worst is believed', () => {
  expect(polled('here: ---\nthere: xx', 2)).toBe('down bounced up= down=here,there unknown=');
});

it('a hop that nobody measured is unmeasured, and one that is unsettled keeps when it was last seen', () => {
  expect(poll([], { quorum: 1, thresholds }, noon).health).toMatchObject({ status: 'unknown', lastAt: 0 });
  const blind = { vantage: 'here', health: unmeasured };
  const unsettled = poll([blind, ...votes('there: ++')], { quorum: 1, thresholds }, noon);
  expect(unsettled.health).toMatchObject({ status: 'unknown', fate: 'accepted', lastAt: noon });
});
