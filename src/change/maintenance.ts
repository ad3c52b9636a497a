// Maintenance windows: local wall-clock times of an IANA zone, so that 02:00 stays 02:00 across summer time.

import type { MaintenanceWindow } from '../model/route.ts';

const dayMs = 86_400_000;

interface WallClock {
  readonly weekday: string;
  /** Minutes since local midnight. */
  readonly minutes: number;
}

function wallClock(at: number, timezone: string): WallClock {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const get = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return { weekday: get('weekday').toLowerCase(), minutes: Number(get('hour')) * 60 + Number(get('minute')) };
}

/** True where the window is open at the instant. The start is wall-clock; the duration is elapsed time, so a window
 *  over a change of summer time keeps its length. */
export function isOpen(window: MaintenanceWindow, now: number): boolean {
  const [hours = 0, minutes = 0] = window.start.split(':').map(Number);
  const startMinutes = hours * 60 + minutes;
  const minuteStart = Math.floor(now / 60_000) * 60_000;
  // Walk back to each local start that could still be open: at most one a day for the length of the window.
  for (let back = 0; back <= Math.ceil(window.durationMs / dayMs); back++) {
    const near = wallClock(now - back * dayMs, window.timezone);
    const opened = minuteStart - back * dayMs - (near.minutes - startMinutes) * 60_000;
    for (const candidate of [opened, opened - 3_600_000, opened + 3_600_000]) {
      const clock = wallClock(candidate, window.timezone);
      const starts = clock.minutes === startMinutes && window.every.includes(clock.weekday);
      if (starts && candidate <= now && now < candidate + window.durationMs) return true;
    }
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
