// Durations and instants as a person reads them at night: two units at most, and always UTC.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** From here on hours say nothing any more: `9d23h`, then `10d`. */
const wholeDaysFrom = 10 * day;

/** `340ms 24s 4m12s 2h 3h20m 1d4h 41d`. Rounded down: a deadline is never shown later than it is, and
 *  "since" never claims more than has passed. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.floor(durationMs));
  if (ms < second) return `${ms}ms`;
  if (ms < minute) return `${Math.floor(ms / second)}s`;
  if (ms < hour) return formatPair(ms, minute, 'm', second, 's');
  if (ms < day) return formatPair(ms, hour, 'h', minute, 'm');
  if (ms < wholeDaysFrom) return formatPair(ms, day, 'd', hour, 'h');
  return `${Math.floor(ms / day)}d`;
}

function formatPair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** `2026-11-22 03:12:09 UTC`; instant in ms since the epoch. */
export function formatInstant(at: number): string {
  const [date, time] = splitInstant(at);
  return `${date} ${time} UTC`;
}

/** `03:12:09`, for instants of the day that the screen's first line names. */
export function formatTime(at: number): string {
  return splitInstant(at)[1];
}

/** ISO 8601 for JSON. */
export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** `24s ago`, `in 4m12s`, `now`; both instants in ms. */
export function formatRelative(at: number, now: number): string {
  if (Math.abs(at - now) < second) return 'now';
  return at < now ? `${formatDuration(now - at)} ago` : `in ${formatDuration(at - now)}`;
}

function splitInstant(at: number): [string, string] {
  const text = new Date(at).toISOString();
  const start = text.indexOf('T');
  return [text.slice(0, start), text.slice(start + 1, start + 9)];
}
