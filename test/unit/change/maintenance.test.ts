// Windows as `DAYS START +DURATION ZONE`; instants in UTC. Europe/Berlin: 2026-03-29 02:00 becomes 03:00 (01:00 UTC),
// 2026-10-25 03:00 becomes 02:00 (01:00 UTC).

import { describe, expect, it } from 'vitest';

import { isOpen, openWindow } from '../../../src/change/maintenance.ts';
import type { MaintenanceWindow } from '../../../src/model/route.ts';
import { minute } from '../../support/worlds.ts';

function windowOf(text: string, path: string | null = null): MaintenanceWindow {
  const [days = '', start = '', length = '', timezone = ''] = text.split(' ');
  const [, count = '', unit = ''] = /^\+(\d+)([mhd])$/.exec(length) ?? [];
  const unitMs = { m: minute, h: 60 * minute, d: 1440 * minute }[unit] ?? NaN;
  return { every: days.split(','), start, durationMs: Number(count) * unitMs, timezone, path };
}

/** The stretches within the day before to the day after in which it is open, to five minutes. */
function openTimes(text: string, dayText: string): string[] {
  const window = windowOf(text);
  const step = 5 * minute;
  const from = Date.parse(`${dayText}T00:00Z`) - 1440 * minute;
  const edges: string[] = [];
  let isBefore = isOpen(window, from - step);
  for (let at = from; at < from + 3 * 1440 * minute; at += step) {
    const isNow = isOpen(window, at);
    if (isNow !== isBefore) edges.push(new Date(at).toISOString().slice(5, 16));
    isBefore = isNow;
  }
  return edges;
}

describe('a window opens at its local time and lasts its duration', () => {
  it.each([
    ['sunday 02:00 +2h Europe/Berlin', '2026-11-22', ['11-22T01:00', '11-22T03:00']],
    ['sunday 02:00 +2h Europe/Berlin', '2026-07-05', ['07-05T00:00', '07-05T02:00']],
    ['sunday 02:00 +2h Europe/Berlin', '2026-11-25', []],
    ['sunday 00:30 +1h Pacific/Auckland', '2026-07-05', ['07-04T12:30', '07-04T13:30']],
    ['saturday 23:00 +2h Europe/Berlin', '2026-11-22', ['11-21T22:00', '11-22T00:00']],
    ['saturday 23:30 +1h America/New_York', '2026-11-22', ['11-22T04:30', '11-22T05:30']],
    ['saturday,sunday 12:00 +24h UTC', '2026-11-22', ['11-21T12:00', '11-23T12:00']],
    ['monday 00:00 +1h Asia/Kathmandu', '2026-11-22', ['11-22T18:15', '11-22T19:15']],
  ])('%s around %s', (text, dayText, expected) => {
    expect(openTimes(text, dayText)).toEqual(expected);
  });

  it('the start belongs to it, the end does not', () => {
    const window = windowOf('sunday 02:00 +2h UTC');
    const start = Date.parse('2026-11-22T02:00Z');
    expect(
      [start - 1, start, start + 120 * minute - 1, start + 120 * minute].map((at) => isOpen(window, at)),
    ).toEqual([false, true, true, false]);
  });

  it('one of a week is always open', () => {
    const window = windowOf('wednesday 12:00 +7d Europe/Berlin');
    for (let hours = 0; hours < 400; hours++) {
      expect(isOpen(window, Date.parse('2026-03-20T00:00Z') + hours * 60 * minute)).toBe(true);
    }
  });
});

describe('when summer time begins, a start that does not happen is read with the offset of before (RFC 5545 §3.3.5)', () => {
  it.each([
    ['sunday 01:00 +2h Europe/Berlin', ['03-29T00:00', '03-29T02:00']],
    ['sunday 02:00 +2h Europe/Berlin', ['03-29T01:00', '03-29T03:00']],
    ['sunday 02:30 +1h Europe/Berlin', ['03-29T01:30', '03-29T02:30']],
    ['sunday 03:00 +1h Europe/Berlin', ['03-29T01:00', '03-29T02:00']],
    ['saturday 23:00 +6h Europe/Berlin', ['03-28T22:00', '03-29T04:00']],
  ])('%s', (text, expected) => {
    expect(openTimes(text, '2026-03-29')).toEqual(expected);
  });

  // New York: 2026-03-08 02:00 becomes 03:00 (07:00 UTC). Lord Howe: 2026-10-04 02:00 becomes 02:30 (10-03 15:30 UTC).
  it.each([
    ['2026-03-08', 'sunday 01:30 +1h America/New_York', ['03-08T06:30', '03-08T07:30']],
    ['2026-03-08', 'sunday 02:30 +1h America/New_York', ['03-08T07:30', '03-08T08:30']],
    ['2026-03-08', 'sunday 03:00 +1h America/New_York', ['03-08T07:00', '03-08T08:00']],
    ['2026-10-04', 'sunday 01:45 +1h Australia/Lord_Howe', ['10-03T15:15', '10-03T16:15']],
    ['2026-10-04', 'sunday 02:15 +1h Australia/Lord_Howe', ['10-03T15:45', '10-03T16:45']],
    ['2026-10-04', 'sunday 02:30 +1h Australia/Lord_Howe', ['10-03T15:30', '10-03T16:30']],
  ])('%s %s', (day, text, expected) => {
    expect(openTimes(text, day)).toEqual(expected);
  });
});

describe('when summer time ends, a start that happens twice opens the first time only', () => {
  it.each([
    ['sunday 01:00 +1h Europe/Berlin', ['10-24T23:00', '10-25T00:00']],
    ['sunday 02:00 +30m Europe/Berlin', ['10-25T00:00', '10-25T00:30']],
    ['sunday 02:30 +2h Europe/Berlin', ['10-25T00:30', '10-25T02:30']],
    ['sunday 03:00 +1h Europe/Berlin', ['10-25T02:00', '10-25T03:00']],
    ['saturday 23:00 +6h Europe/Berlin', ['10-24T21:00', '10-25T03:00']],
  ])('%s', (text, expected) => {
    expect(openTimes(text, '2026-10-25')).toEqual(expected);
  });

  // Lord Howe: 2026-04-05 02:00 +11 becomes 01:30 +10:30, by half an hour only. New York: 2026-11-01 02:00 becomes 01:00
  // (06:00 UTC).
  it.each([
    ['2026-04-05', 'sunday 01:45 +15m Australia/Lord_Howe', ['04-04T14:45', '04-04T15:00']],
    ['2026-04-05', 'sunday 01:00 +2h Australia/Lord_Howe', ['04-04T14:00', '04-04T16:00']],
    ['2026-11-01', 'sunday 01:30 +30m America/New_York', ['11-01T05:30', '11-01T06:00']],
    ['2026-11-01', 'sunday 00:30 +2h America/New_York', ['11-01T04:30', '11-01T06:30']],
    ['2026-11-01', 'sunday 02:00 +1h America/New_York', ['11-01T07:00', '11-01T08:00']],
  ])('%s %s', (day, text, expected) => {
    expect(openTimes(text, day)).toEqual(expected);
  });
});

describe('a window concerns a path or the whole route', () => {
  const sunday = Date.parse('2026-11-22T02:30Z');

  it.each([
    [null, 'proxy', true],
    ['proxy', 'proxy', true],
    ['proxy', 'direct', false],
  ])('%s, asked for %s: %s', (concerns, path, isOne) => {
    const window = windowOf('sunday 02:00 +2h UTC', concerns);
    expect(openWindow([window], path, sunday)).toBe(isOne ? window : null);
    expect(openWindow([window], path, sunday + 1440 * minute)).toBeNull();
  });
});
