// Check-ins in the order of their turns, `MACHINE +SECONDS` each: two machines under one name, a minute apart.

import { describe, expect, it } from 'vitest';
import { mayVote, seatsOf, standingOf } from '../../../src/health/vantage.ts';
import { machineOf, type Vantage } from '../../../src/model/vantage.ts';
import { hour, minute, noon } from '../../support/worlds.ts';

const within = 3 * minute;

/** Plays check-ins under the name `fra`, as the store and every machine would; the rows, and who is left out when. */
function play(script: string): { rows: Vantage[]; said: string[] } {
  const rows = new Map<string, Vantage>();
  const said: string[] = [];
  script.split(', ').forEach((word, index) => {
    const [machine = '', at = ''] = word.split(' ');
    const seenAt = noon + Number(at) * 1000;
    const turn = index + 1;
    const standing = standingOf([...rows.values()], { machine, turn, at: seenAt }, within);
    const { sinceTurn, rival, rivalAt } = standing;
    const own = rows.get(machine);
    rows.set(machine, {
      ...{ name: 'fra', machine, holder: `${machine}:1:run`, version: '1', turn, sinceTurn, seenAt },
      ...{ previousTurn: own?.turn ?? null, previousSeenAt: own?.seenAt ?? null },
      ...{ faultSince: null, rival, rivalAt },
    });
    const word2 = standing.isLeftOut ? 'out' : rival === null ? 'ok' : 'first';
    said.push(`${machine} ${word2}${standing.isNewRival ? ' new' : ''}`);
  });
  return { rows: [...rows.values()], said };
}

describe('two machines are told by their turns, whatever their clocks say', () => {
  it.each([
    ['one alone', 'a +0, a +60, a +120', ['a ok', 'a ok', 'a ok']],
    ['two that take turns', 'a +0, b +10, a +60, b +70', ['a ok', 'b ok', 'a first new', 'b out new']],
    [
      'the second an hour ahead',
      'a +0, b +3610, a +60, b +3670',
      ['a ok', 'b ok', 'a first new', 'b out new'],
    ],
    [
      'the first an hour behind',
      'a -3600, b +10, a -3540, b +70',
      ['a ok', 'b ok', 'a first new', 'b out new'],
    ],
    [
      'the second more often',
      'a +0, b +1, b +20, b +40, a +60',
      ['a ok', 'b ok', 'b ok', 'b ok', 'a first new'],
    ],
    ['containers that replace each other', 'a +0, b +60, c +120, d +180', ['a ok', 'b ok', 'c ok', 'd ok']],
    [
      'one that moved and came back the next day',
      'a +0, b +60, b +120, a +86400',
      ['a ok', 'b ok', 'b ok', 'a ok'],
    ],
    [
      'the first is gone: the second has the name when the memory of it ends',
      'a +0, b +10, a +60, b +70, b +130, b +190, b +250, b +310',
      ['a ok', 'b ok', 'a first new', 'b out new', 'b out', 'b out', 'b out', 'b ok'],
    ],
    [
      'three: whoever had it first',
      'a +0, b +10, c +20, a +60, b +70, c +80',
      ['a ok', 'b ok', 'c ok', 'a first new', 'b out new', 'c out new'],
    ],
    [
      'one that was away comes second',
      'a +0, b +600, b +660, a +670, b +720, a +730',
      ['a ok', 'b ok', 'b ok', 'a ok', 'b first new', 'a out new'],
    ],
  ])('%s: %s', (_, script, expected) => {
    expect(play(script).said).toEqual(expected);
  });
});

const one = (patch: Partial<Vantage>): Vantage => ({
  ...{
    name: 'fra',
    machine: 'fra1',
    holder: 'fra1:1:run',
    version: '1',
    turn: 9,
    sinceTurn: 1,
    seenAt: noon,
  },
  ...{ previousTurn: 7, previousSeenAt: noon - minute, faultSince: null, rival: null, rivalAt: null },
  ...patch,
});

const seat = (patch: Partial<Vantage>, ...others: readonly Partial<Vantage>[]) => {
  const rows = [one({ name: 'ams', machine: 'ams1', turn: 8, ...patch }), one({}), ...others.map(one)];
  const seats = seatsOf(rows, noon, within);
  return seats.find(({ name }) => name === 'ams')!;
};

describe('whose results count', () => {
  it.each([
    ['just heard of', {}, 'fresh', null, true],
    ['heard of within the time', { seenAt: noon - within }, 'fresh', null, true],
    // What it wrote ages by itself.
    ['not heard of for longer', { turn: 3, seenAt: noon - within - 1 }, 'silent', null, true],
    ['its references fail', { faultSince: noon - hour }, 'fault', null, false],
    [
      'silent since its references fail',
      { turn: 3, seenAt: noon - hour, faultSince: noon - hour },
      'fault',
      null,
      false,
    ],
    ['an hour ahead', { seenAt: noon + hour }, 'clock', hour, false],
    ['a little ahead', { seenAt: noon + within }, 'fresh', null, true],
    ['an hour behind whoever came before it', { seenAt: noon - hour }, 'clock', -59 * minute, false],
    ['away for an hour', { turn: 6, seenAt: noon - hour }, 'silent', null, true],
  ])('%s', (_, patch, state, skewMs, counts) => {
    const found = seat(patch);
    expect([found.state, found.skewMs]).toEqual([state, skewMs]);
    expect(mayVote('ams', new Map([['ams', found]]))).toBe(counts);
  });

  it('although a third one, whose clock is ahead of all, checked in before', () => {
    const ahead = { name: 'lon', machine: 'lon1', turn: 7, seenAt: noon + 4 * minute };
    const before = { previousTurn: 4, previousSeenAt: noon + 3 * minute };
    expect(seat({ seenAt: noon - 10_000 }, { ...ahead, ...before }).state).toBe('fresh');
  });

  it('of an older mxctl, which never checked in, while they are fresh', () => {
    expect(mayVote('old', new Map())).toBe(true);
  });
});

describe('a name that two use is one seat', () => {
  it('of the machine that had it first, with the other one named', () => {
    const { rows } = play('a +0, b +10, a +60, b +70');
    const [found, ...rest] = seatsOf(rows, noon + 80_000, within);
    expect([found?.machine, found?.rival, rest.length]).toEqual(['a', 'b', 0]);
  });

  it('of the newest where one replaced the other', () => {
    const { rows } = play('a +0, b +60');
    expect(seatsOf(rows, noon + 80_000, within)).toMatchObject([{ machine: 'b', rival: null }]);
  });

  it('of the one that is left, when the other is gone', () => {
    const { rows } = play('a +0, b +10, a +60, b +70, b +130, b +190, b +250, b +310');
    expect(seatsOf(rows, noon + 320_000, within)).toMatchObject([{ machine: 'b', rival: null }]);
  });
});

it.each([
  ['fra-ops:4711:01K5', 'fra-ops'],
  ['fra-ops/4026532201:7:01K5', 'fra-ops/4026532201'],
  ['a:b:1:run', 'a:b'],
  ['nobody', 'nobody'],
])('the machine of the holder %s is %s', (holder, machine) => {
  expect(machineOf(holder)).toBe(machine);
});
