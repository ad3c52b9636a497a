// What a tour comes to, from what is known at its end. Pure.

import { replayWindows } from './replay.ts';
import type { TourFacts, TourPlan, TourResult } from './tour.ts';

/** What only the play knows, beside the facts. */
export interface Course {
  /** From the fault to the flipped answer at the primary; ms; null without a flip. */
  readonly flippedAfterMs: number | null;
  readonly timeline: TourResult['timeline'];
}

export function resultOf(plan: TourPlan, facts: TourFacts, { flippedAfterMs, timeline }: Course): TourResult {
  const { account, flips } = facts;
  const { sent, delivered, lost, duplicated, bounced, queued, held, swallowed, maxDelayMs } = account;
  const { canaries, toReplay } = account;
  const complaint = plan.judge(facts);
  return {
    tour: plan.name,
    ...{ sent, delivered, lost, duplicated, bounced, queued, held, swallowed, maxDelayMs, canaries },
    toReplay,
    windows: replayWindows(toReplay),
    flips,
    returned: flips.length === 0 || flips.at(-1)?.to === flips[0]?.from,
    flippedAfterMs: flips.length === 0 ? null : flippedAfterMs,
    timeline,
    isAsExpected: complaint === null,
    reason: complaint ?? praise(facts, flippedAfterMs),
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function praise({ account, flips, killed }: TourFacts, flippedAfterMs: number | null): string {
  const moves =
    flips.length === 0 || flippedAfterMs === null
      ? 'DNS stayed where it was'
      : `DNS moved away ${seconds(flippedAfterMs)} after the fault and came back`;
  const takeover = killed === null ? '' : `; ${killed} was killed in the middle of it and another finished`;
  return `${moves}${takeover}; ${mailPraise(account)}`;
}

function mailPraise({
  sent,
  delivered,
  bounced,
  swallowed,
  maxDelayMs,
  letters,
}: TourFacts['account']): string {
  if (swallowed > 0) {
    return `${delivered} letters arrived; ${swallowed} were swallowed before every cache was clear, each is listed with its queue id`;
  }
  if (bounced > 0)
    return `${delivered} letters arrived, ${bounced} bounced while caches still held the old MX`;
  const held = letters.filter((one) => one.stay !== null).length;
  return held === 0
    ? `all ${sent} letters arrived`
    : `all ${sent} letters arrived, the ${held} that were held up to ${seconds(maxDelayMs)} late`;
}
