// Maintenance windows: local wall-clock times of an IANA zone, so that 02:00 stays 02:00 across summer time. Around a
// change of summer time as RFC 5545 §3.3.5: a time that happens twice is its first, one that does not happen is read
// with the offset of before.

import type { MaintenanceWindow } from '../model/route.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** Building one costs some hundred times what using it does; there are as many as zones in the config. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatFor(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const fresh = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  formats.set(timezone, fresh);
  return fresh;
}

/** The wall clock at the instant, as if it were UTC; whole minutes, ms. */
function wallClock(at: number, timezone: string): number {
  const parts = formatFor(timezone).formatToParts(at);
  const get = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'));
}

/** The instant when the wall clock shows `wall`. */
function instantOf(wall: number, timezone: string): number {
  // A day away on either side no change of offset is between us and the offset we ask for.
  const [before, after] = [wall - dayMs, wall + dayMs].map((at) => wall - (wallClock(at, timezone) - at)) as [
    number,
    number,
  ];
  const real = [before, after].filter((at) => wallClock(at, timezone) === wall);
  return real.length === 0 ? before : Math.min(...real);
}

/** True where the window is open at the instant. The start is wall-clock; the duration is elapsed time, so a window
 *  over a change of summer time keeps its length. */
export function isOpen(window: MaintenanceWindow, now: number): boolean {
  const [hours = 0, minutes = 0] = window.start.split(':').map(Number);
  const today = Math.floor(wallClock(now, window.timezone) / dayMs) * dayMs;
  // Every local day whose start could still be open; one more for the hour that a change of offset moves.
  for (let back = 0; back <= Math.ceil(window.durationMs / dayMs) + 1; back++) {
    const day = today - back * dayMs;
    const weekday = weekdays[new Date(day).getUTCDay()] ?? '';
    if (!window.every.includes(weekday)) continue;
    const opensAt = instantOf(day + (hours * 60 + minutes) * minuteMs, window.timezone);
    if (opensAt <= now && now < opensAt + window.durationMs) return true;
  }
  return false;
}

/** The open window that concerns this path, or the whole route. */
export function openWindow(
  windows: readonly MaintenanceWindow[],
  path: string,
  now: number,
): MaintenanceWindow | null {
  return windows.find((one) => (one.path === null || one.path === path) && isOpen(one, now)) ?? null;
}
