// What the canaries of one path say. Late ones add up as failures of a hop do, and only an unbroken run of canaries
// in time forgives them, so one that is lost raises no alarm and a path that holds every other one does not pass for
// well. Those still on their way count by their age: a mean over what arrived looks fine while mail is stuck.

import type { Canary, CanaryPolicy, MailboxLook } from '../model/canary.ts';

/**
 * unknown    no canary by this path has shown anything yet, or not lately
 * ok         they arrive in time
 * delayed    they arrive late, or are late and on their way
 * swallowed  some were accepted and never arrived
 * bounced    they come back as delivery status notifications
 */
export type CanaryStatus = 'unknown' | 'ok' | 'delayed' | 'swallowed' | 'bounced';

export interface CanaryVerdict {
  readonly path: string;
  readonly status: CanaryStatus;
  /** Hand-over of the first canary of the trouble; ms; null without one. */
  readonly since: number | null;
  /** Accepted, not arrived, not written off; oldest first. */
  readonly inFlight: readonly Canary[];
  /** Age of the oldest of these when the mailbox was last read; ms. */
  readonly oldestMs: number | null;
  /** In the trouble and not arrived: what a replay must bring. Oldest first. */
  readonly owed: readonly Canary[];
  /** Lost outside of any trouble: said, and no reason to move. */
  readonly lost: readonly Canary[];
  /** The latest arrival of the trouble; ms; null where none of it arrived. */
  readonly worstMs: number | null;
  /** What the newest notification in the trouble says; null where none came. */
  readonly bounce: string | null;
  /** In time, in a row, up to the newest that can be judged. */
  readonly streak: number;
  /** Vantages whose canaries are in the trouble. */
  readonly vantages: readonly string[];
  /** Last arrival of one that came in time; ms; null without one. */
  readonly lastInTimeArrivedAt: number | null;
  /** The slowest of the last ones in time; ms; null without one. */
  readonly usualMs: number | null;
  /** The last to arrive; null without one. */
  readonly lastArrived: Canary | null;
  readonly lastLatencyMs: number | null;
  /** Newest canary, whatever became of it; null before the first. */
  readonly newest: Canary | null;
}

/** A verdict on canaries outlives so many intervals without new ones, as health of a hop does. */
const staleIntervals = 3;
/** Canaries in time that show what is usual for a path. */
const usualCount = 20;
/** So many times the slowest usual one is no ordinary jitter. */
const unusualFactor = 2;

interface Fold {
  status: CanaryStatus;
  failures: number;
  streak: number;
  /** Late ones since the last forgiveness: the trouble, once there are `fall` of them. */
  late: Canary[];
  owed: Canary[];
  lost: Canary[];
  latencies: number[];
  lastInTimeHandedAt: number | null;
  lastInTimeArrivedAt: number | null;
}

export function latencyOf(canary: Canary): number | null {
  return canary.arrivedAt === null || canary.handedAt === null
    ? null
    : Math.max(0, canary.arrivedAt - canary.handedAt);
}

/** `canaries` of any path and order; a look that failed ages nothing: what cannot be seen is not late. */
export function canaryVerdict(
  path: string,
  canaries: readonly Canary[],
  policy: CanaryPolicy,
  look: MailboxLook | null,
  now: number,
): CanaryVerdict {
  const own = canaries.filter((one) => one.path === path).sort((a, b) => (a.id < b.id ? -1 : 1));
  const handed = own
    .filter((one) => one.handedAt !== null)
    .sort((a, b) => (a.handedAt ?? 0) - (b.handedAt ?? 0));
  const readAt = look?.readAt ?? null;
  const waiting: Canary[] = [];
  const fold: Fold = {
    status: 'unknown',
    failures: 0,
    streak: 0,
    late: [],
    owed: [],
    lost: [],
    latencies: [],
    lastInTimeHandedAt: null,
    lastInTimeArrivedAt: null,
  };
  for (const one of handed) {
    // Forgiven long ago; without the canaries that forgave them two such would look like a trouble.
    if (one.state === 'lost') continue;
    const timing = timingOf(one, policy, readAt);
    if (timing === 'waiting') waiting.push(one);
    else if (timing === 'in-time') afterInTime(fold, one, policy);
    else afterLate(fold, one, policy);
  }
  suspectWaiting(fold, waiting, policy, readAt);
  return concluded(path, fold, own, { policy, readAt, now });
}

type Timing = 'in-time' | 'late' | 'waiting';

function timingOf(canary: Canary, policy: CanaryPolicy, readAt: number | null): Timing {
  if (canary.state === 'bounced') return 'late';
  const latency = latencyOf(canary);
  if (latency !== null) return latency <= policy.delayedAfterMs ? 'in-time' : 'late';
  return isOverdue(canary, policy.delayedAfterMs, readAt) ? 'late' : 'waiting';
}

function isOverdue(canary: Canary, afterMs: number, readAt: number | null): boolean {
  return readAt !== null && canary.handedAt !== null && readAt - canary.handedAt > afterMs;
}

function afterInTime(fold: Fold, canary: Canary, policy: CanaryPolicy): void {
  fold.streak++;
  fold.latencies.push(latencyOf(canary) ?? 0);
  fold.lastInTimeHandedAt = canary.handedAt;
  fold.lastInTimeArrivedAt = Math.max(fold.lastInTimeArrivedAt ?? 0, canary.arrivedAt ?? 0);
  if (fold.streak >= policy.rise) {
    const isTrouble = isTroubled(fold.status);
    (isTrouble ? fold.owed : fold.lost).push(...fold.late.filter((one) => one.arrivedAt === null));
    fold.failures = 0;
    fold.late = [];
    fold.status = 'ok';
  }
  if (fold.status === 'unknown') fold.status = 'ok';
}

function afterLate(fold: Fold, canary: Canary, policy: CanaryPolicy): void {
  fold.streak = 0;
  fold.failures++;
  fold.late.push(canary);
  if (fold.failures >= policy.fall) {
    fold.status = fold.late.every((one) => one.state === 'bounced') ? 'bounced' : 'delayed';
  }
}

export function isTroubled(status: CanaryStatus): boolean {
  return status === 'delayed' || status === 'swallowed' || status === 'bounced';
}

/** Where the newest that can be judged is late, those sent after it need not be waited for as long: what takes twice
 *  the slowest usual latency is stuck behind it. Nothing is stuck behind one that bounced. */
function suspectWaiting(
  fold: Fold,
  waiting: readonly Canary[],
  policy: CanaryPolicy,
  readAt: number | null,
): void {
  const lastLate = fold.late.at(-1);
  if (lastLate === undefined || lastLate.state === 'bounced') return;
  const usualMs = usualOf(fold);
  if (fold.streak > 0 || usualMs === null) return;
  for (const one of waiting) {
    const isAfter = (one.handedAt ?? 0) >= (lastLate.handedAt ?? 0);
    if (isAfter && isOverdue(one, unusualMs(usualMs, policy), readAt)) afterLate(fold, one, policy);
  }
}

/** From here on a latency is no ordinary jitter; ms. Mailboxes with whole seconds make usual ones look like none, hence
 *  half of `every`, by which the canary of another round is told from one of the same. */
export function unusualMs(usualMs: number | null, policy: CanaryPolicy): number {
  return Math.max(unusualFactor * (usualMs ?? 0), policy.everyMs / 2);
}

function usualOf({ latencies }: Fold): number | null {
  return greatest(latencies.slice(-usualCount));
}

function concluded(
  path: string,
  fold: Fold,
  own: readonly Canary[],
  { policy, readAt, now }: { policy: CanaryPolicy; readAt: number | null; now: number },
): CanaryVerdict {
  const trouble = isTroubled(fold.status) ? fold.late : [];
  const isOwed = (one: Canary) =>
    one.arrivedAt === null && one.replayedAt === null && one.state !== 'bounced';
  const gone = own.filter((one) => one.state === 'swallowed');
  const owed = [...new Set([...gone, ...fold.owed, ...trouble])].filter(isOwed);
  const inFlight = own.filter((one) => one.state === 'handed' && one.replayedAt === null);
  const oldest = inFlight[0];
  const arrived = own.filter((one) => one.arrivedAt !== null);
  const last = arrived.reduce<Canary | null>(
    (best, one) => ((one.arrivedAt ?? 0) >= (best?.arrivedAt ?? 0) ? one : best),
    null,
  );
  const troubled = [...owed, ...trouble].sort((a, b) => (a.handedAt ?? 0) - (b.handedAt ?? 0));
  return {
    path,
    status: statusOf(fold, owed, { policy, readAt, now }),
    since: troubled[0]?.handedAt ?? null,
    inFlight,
    oldestMs: oldest?.handedAt == null || readAt === null ? null : Math.max(0, readAt - oldest.handedAt),
    owed,
    worstMs: greatest(trouble.flatMap((one) => latencyOf(one) ?? [])),
    bounce: trouble.findLast((one) => one.bounce !== null)?.bounce ?? null,
    lost: fold.lost.filter((one) => isOwed(one) && isOverdue(one, policy.swallowedAfterMs, readAt)),
    streak: fold.streak,
    vantages: [...new Set(troubled.map((one) => one.vantage))],
    lastInTimeArrivedAt: fold.lastInTimeArrivedAt,
    usualMs: usualOf(fold),
    lastArrived: last,
    lastLatencyMs: last === null ? null : latencyOf(last),
    newest: own.at(-1) ?? null,
  };
}

function greatest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

/** Whatever the new ones do, a path that still owes some is not well: they are in its queue, or gone. */
function statusOf(
  fold: Fold,
  owed: readonly Canary[],
  { policy, readAt, now }: { policy: CanaryPolicy; readAt: number | null; now: number },
): CanaryStatus {
  if (owed.some((one) => isOverdue(one, policy.swallowedAfterMs, readAt))) return 'swallowed';
  if (isTroubled(fold.status)) return fold.status;
  if (owed.length > 0) return 'delayed';
  const lastMs = fold.lastInTimeHandedAt ?? 0;
  return now - lastMs > staleIntervals * policy.everyMs + policy.delayedAfterMs ? 'unknown' : fold.status;
}
