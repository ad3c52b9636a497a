// One hop as seen from several vantages. Down needs `quorum` of them: a fault that only one machine sees cannot be
// told from a fault of that machine. Disagreement is shown and is not down.

import type { HealthThresholds, HopHealth } from '../model/hop-health.ts';
import { isPoison } from '../model/fate.ts';
import { healthAsOf, unmeasured } from './hop.ts';

export interface Vote {
  readonly vantage: string;
  readonly health: HopHealth;
}

export interface Poll {
  readonly health: HopHealth;
  /** Vantages, by what they see now; stale ones count as unknown. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  readonly unknown: readonly string[];
}

/** The common judgement of fresh votes. */
export function poll(
  votes: readonly Vote[],
  policy: { readonly quorum: number; readonly thresholds: HealthThresholds },
  now: number,
): Poll {
  const fresh = votes.map(({ vantage, health }) => ({
    vantage,
    health: healthAsOf(health, now, policy.thresholds),
  }));
  const of = (status: HopHealth['status']) => fresh.filter((one) => one.health.status === status);
  const [up, down] = [of('up'), of('down')];
  const names = (list: readonly Vote[]) => list.map((one) => one.vantage);
  const worst = down.find((one) => isPoison(one.health.fate)) ?? down[0];
  const isDown = worst !== undefined && down.length >= policy.quorum;
  const health = isDown ? worst.health : (up[0]?.health ?? undecided(worst?.health, fresh));
  return { health, up: names(up), down: names(down), unknown: names(of('unknown')) };
}

/** Seen down by too few, being measured, or not seen at all: the first of these that holds. */
function undecided(worst: HopHealth | undefined, fresh: readonly Vote[]): HopHealth {
  const measuring =
    fresh.find((one) => one.health.fate !== 'unknown') ?? fresh.find((one) => one.health.lastAt > 0);
  return { ...(worst ?? measuring?.health ?? unmeasured), status: 'unknown' };
}
