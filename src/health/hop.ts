// Observations of one hop become its health, one step at a time. While up, failures add up though successes come
// between, and only an unbroken run of successes forgives them: a hop that fails every other time is not well.
// While down, only an unbroken run of successes brings it back. It starts unknown, never up.

import type { HealthThresholds, HopHealth } from '../model/hop-health.ts';
import { type Fate, isPoison } from '../model/fate.ts';
import type { Observation } from '../model/observation.ts';

/** Health of a hop before its first conclusive observation. */
export const unmeasured: HopHealth = {
  status: 'unknown',
  since: 0,
  failures: 0,
  rejections: 0,
  successes: 0,
  lastAt: 0,
  fate: 'unknown',
  summary: 'not measured yet',
  isSlow: false,
  greetsWith5xx: false,
  failingSince: null,
};

/** Too old to say anything now, or dated further ahead than a result may age: some clock is wrong, and a result from
 *  the future would stay fresh until then. */
export function isStale(health: HopHealth, now: number, thresholds: HealthThresholds): boolean {
  return health.lastAt > 0 && Math.abs(now - health.lastAt) > thresholds.staleAfterMs;
}

/** True where enough failures were seen of late for `down`. After a gap a hop that was down is not believed to be until
 *  as many failures again: a run after a cold start only watches. */
export function isConfirmedDown(health: HopHealth, thresholds: HealthThresholds): boolean {
  const { fall, fallRejecting } = thresholds;
  return health.status === 'down' && (health.failures >= fall || health.rejections >= fallRejecting);
}

/** Health as far as it may be relied on now: results older than `staleAfterMs` are unknown. */
export function healthAsOf(health: HopHealth, now: number, thresholds: HealthThresholds): HopHealth {
  if (!isStale(health, now, thresholds)) return health;
  const since = Math.min(now, health.lastAt + thresholds.staleAfterMs);
  return { ...health, status: 'unknown', since, fate: 'unknown' };
}

/** What is left of counters after a gap: a down hop stays down and must rise anew, but is left only after it failed
 *  anew as often; any other is unknown again. */
function afterGap(health: HopHealth, thresholds: HealthThresholds): HopHealth {
  return health.status === 'down'
    ? { ...health, failures: 0, rejections: 0, successes: 0 }
    : { ...unmeasured, since: health.lastAt + thresholds.staleAfterMs, lastAt: health.lastAt };
}

/** The health after one more observation. An inconclusive one says nothing about the hop and changes nothing. */
export function stepHop(
  before: HopHealth,
  observation: Observation,
  thresholds: HealthThresholds,
): HopHealth {
  if (observation.verdict === 'inconclusive') return before;
  const start = isStale(before, observation.at, thresholds) ? afterGap(before, thresholds) : before;
  const measured = {
    lastAt: observation.at,
    summary: observation.summary,
    isSlow: observation.isSlow,
    greetsWith5xx:
      observation.verdict === 'fail' &&
      observation.stage === 'banner' &&
      (observation.reply?.code ?? 0) >= 500,
  };
  return observation.verdict === 'pass'
    ? afterSuccess({ ...start, ...measured }, start, observation, thresholds)
    : afterFailure({ ...start, ...measured }, observation, thresholds);
}

function afterSuccess(
  health: HopHealth,
  start: HopHealth,
  observation: Observation,
  thresholds: HealthThresholds,
): HopHealth {
  const successes = health.successes + 1;
  const needed = health.status === 'down' ? thresholds.rise : thresholds.forgive;
  if (successes < needed) {
    // While it is down its fate stays that of the failure: one answer does not make it a place to send mail to.
    return health.status === 'down'
      ? { ...health, successes, summary: start.summary, greetsWith5xx: start.greetsWith5xx }
      : { ...health, successes, fate: observation.fate, failingSince: null };
  }
  return {
    ...health,
    status: 'up',
    since: health.status === 'up' ? health.since : observation.at,
    failures: 0,
    rejections: 0,
    successes,
    fate: observation.fate,
    failingSince: null,
  };
}

function afterFailure(health: HopHealth, observation: Observation, thresholds: HealthThresholds): HopHealth {
  const failures = health.failures + 1;
  const rejections = health.rejections + (isPoison(observation.fate) ? 1 : 0);
  const hasFallen = failures >= thresholds.fall || rejections >= thresholds.fallRejecting;
  const status = health.status === 'down' || hasFallen ? 'down' : health.status;
  return {
    ...health,
    status,
    since: status === health.status ? health.since : observation.at,
    failures,
    rejections,
    successes: 0,
    fate: status === 'down' ? fateWhileDown(observation.fate, rejections, thresholds) : observation.fate,
    failingSince: health.failingSince ?? observation.at,
  };
}

/** A hop that is down because it defers is skipped by senders; a single 5xx from it must not condemn every hop behind
 *  it before as many were seen as take an up hop down. */
function fateWhileDown(fate: Fate, rejections: number, thresholds: HealthThresholds): Fate {
  const needed = Math.min(thresholds.fallRejecting, thresholds.fall);
  return isPoison(fate) && rejections < needed ? 'deferred' : fate;
}

/** True where the same run should probe again: the hop was up, has just failed, and neither `fall` nor a pass has
 *  settled it. So a one-minute cron decides in that minute, not after `fall` minutes. */
export function needsConfirmation(health: HopHealth): boolean {
  return health.status === 'up' && health.successes === 0 && health.failures > 0;
}
