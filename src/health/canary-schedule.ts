// Which canaries a run sends: a new one by every path whose last is `every` old, and those again that were deferred.

import type { Canary, CanaryPolicy } from '../model/canary.ts';

export interface DueCanaries {
  /** Paths that get a new one. */
  readonly fresh: readonly string[];
  /** Deferred ones whose time has come: the same message again, as a sender's queue would. */
  readonly again: readonly Canary[];
}

/** A run from cron starts some seconds early or late: a tenth of the interval, at most this, is not waited out. ms. */
const mostSlackMs = 10_000;

export function dueCanaries(
  policy: CanaryPolicy,
  canaries: readonly Canary[],
  vantage: string,
  now: number,
): DueCanaries {
  const slackMs = Math.min(mostSlackMs, policy.everyMs / 10);
  const own = canaries.filter((one) => one.vantage === vantage);
  const pending = own.filter((one) => one.state === 'deferred' && one.nextAttemptAt !== null);
  const fresh = policy.paths.filter((path) => {
    // What a greylist defers it would defer again: one at a time.
    if (pending.some((one) => one.path === path)) return false;
    const newestAt = Math.max(...own.filter((one) => one.path === path).map((one) => one.sentAt));
    return now - newestAt >= policy.everyMs - slackMs;
  });
  const again = pending.filter(
    (one) => policy.paths.includes(one.path) && (one.nextAttemptAt ?? 0) <= now + slackMs,
  );
  return { fresh, again };
}

/** First retry: RFC 6647 §5 lets a greylist ask for a minute. ms. */
const firstRetryMs = 60_000;
/** Each next one waits so many times longer, up to `every`. */
const retryFactor = 3;
/** Attempts after which a greylist would have let it pass. */
const mostAttempts = 8;

/** When a canary deferred at its `attempts`-th attempt is tried again; ms; null = no more. */
export function nextAttemptAt(policy: CanaryPolicy, attempts: number, now: number): number | null {
  if (attempts >= mostAttempts) return null;
  return now + Math.min(firstRetryMs * retryFactor ** (attempts - 1), policy.everyMs);
}

/** How many of each path's canaries a verdict needs: all that can still be on their way before they count as
 *  swallowed, and those that came before. */
export function canariesToKeep(policy: CanaryPolicy): number {
  const onTheWay = Math.ceil(policy.swallowedAfterMs / policy.everyMs);
  return Math.min(onTheWay + policy.rise + policy.fall + recentCount, mostKept);
}

/** Canaries that are settled are dropped after a week: a ticket about last weekend finds queue ids, and a sender that
 *  gives up after four or five days (RFC 5321 §4.5.4.1) meets its canary in the store. Ninety days of them would be 26
 *  million rows for 500 routes; what is asked of them then is in the latencies by the hour. ms. */
export const leastSettledKeepMs = 7 * 86_400_000;

/** A policy with canaries once a day needs older ones for its verdict. ms. */
export function settledKeepMs({ everyMs, fall, rise, swallowedAfterMs }: CanaryPolicy): number {
  return Math.max(leastSettledKeepMs, swallowedAfterMs + (fall + rise) * everyMs);
}

/** Behind the window of those on their way: what shows usual latencies. */
const recentCount = 20;
/** Of one path; beyond it a window this long with canaries this dense tells nothing more. */
const mostKept = 1000;
