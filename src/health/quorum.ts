// One hop as seen from several vantages. Down needs `quorum` of them: a fault that only one machine sees cannot be
// told from a fault of that machine. Disagreement is shown and is not down.

import type { HealthThresholds, HopHealth, PathHealth } from '../model/hop-health.ts';
import { isPoison } from '../model/fate.ts';
import { healthAsOf, isConfirmedDown, unmeasured } from './hop.ts';

export interface Vote {
  readonly vantage: string;
  readonly health: HopHealth;
}

/** Vantages, by what they see now. */
export interface Sight {
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** Stale, or not settled yet. */
  readonly unknown: readonly string[];
}

export interface Poll extends Sight {
  readonly health: HopHealth;
  /** Votes as far as they may be relied on now. */
  readonly votes: readonly Vote[];
}

/** The common judgement of fresh votes. */
export function poll(
  votes: readonly Vote[],
  policy: { readonly quorum: number; readonly thresholds: HealthThresholds },
  now: number,
): Poll {
  const { thresholds } = policy;
  const fresh = votes.map(({ vantage, health }) => ({
    vantage,
    health: relied(healthAsOf(health, now, thresholds), thresholds),
  }));
  const of = (status: HopHealth['status']) => fresh.filter((one) => one.health.status === status);
  const [up, down] = [of('up'), of('down')];
  const names = (list: readonly Vote[]) => list.map((one) => one.vantage);
  const worst = down.find((one) => isPoison(one.health.fate)) ?? down[0];
  const isDown = worst !== undefined && down.length >= policy.quorum;
  const health = isDown ? worst.health : (up[0]?.health ?? undecided(worst?.health, fresh));
  return { health, up: names(up), down: names(down), unknown: names(of('unknown')), votes: fresh };
}

function relied(health: HopHealth, thresholds: HealthThresholds): HopHealth {
  return health.status === 'down' && !isConfirmedDown(health, thresholds)
    ? { ...health, status: 'unknown' }
    : health;
}

/** Seen down by too few, being measured, or not seen at all: the first of these that holds. */
function undecided(worst: HopHealth | undefined, fresh: readonly Vote[]): HopHealth {
  const measuring =
    fresh.find((one) => one.health.fate !== 'unknown') ?? fresh.find((one) => one.health.lastAt > 0);
  return { ...(worst ?? measuring?.health ?? unmeasured), status: 'unknown' };
}

/** Who sees a whole path up, and who down, from each vantage's own judgement of it; by name, so that every vantage says
 *  the same. */
export function sightOf(views: ReadonlyMap<string, PathHealth>): Sight {
  const of = (...statuses: readonly PathHealth['status'][]) =>
    [...views].flatMap(([vantage, health]) => (statuses.includes(health.status) ? [vantage] : [])).sort();
  return { up: of('ok', 'degraded'), down: of('down'), unknown: of('unknown') };
}
