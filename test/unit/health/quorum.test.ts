// Votes: one history a vantage, e.g. `here: ---`, all ending now unless `(old)` stands behind.

import { describe, expect, it } from 'vitest';

import { poll, type Vote } from '../../../src/health/quorum.ts';
import { unmeasured } from '../../../src/health/hop.ts';
import { after, hour, minute, noon, textLines, thresholds } from '../../support/worlds.ts';

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

it('of those that see it down the worst is believed', () => {
  expect(polled('here: ---\nthere: xx', 2)).toBe('down bounced up= down=here,there unknown=');
});

it('a hop that nobody measured is unmeasured, and one that is unsettled keeps when it was last seen', () => {
  expect(poll([], { quorum: 1, thresholds }, noon).health).toMatchObject({ status: 'unknown', lastAt: 0 });
  const blind = { vantage: 'here', health: unmeasured };
  const unsettled = poll([blind, ...votes('there: ++')], { quorum: 1, thresholds }, noon);
  expect(unsettled.health).toMatchObject({ status: 'unknown', fate: 'accepted', lastAt: noon });
});
