// Which observations are worth a row in the history. What says the same as the one before is in the counters: an outage
// over a night must not fill the disk that the journal needs.

import type { HopHealth } from '../model/hop-health.ts';
import type { Observation } from '../model/observation.ts';

/** The beginning of an outage is kept whole: twice what the longest usual burst and its rounds take. */
const firstFailures = 20;
/** Of the rest one in this time; ms. */
const sampleMs = 600_000;

/** `after` is the health that this observation led to; `intervalMs` is the time between runs. */
export function isWorthKeeping(
  { verdict, isSlow, at }: Pick<Observation, 'verdict' | 'isSlow' | 'at'>,
  after: Pick<HopHealth, 'successes' | 'failures'>,
  intervalMs: number,
): boolean {
  if (verdict === 'pass' && after.successes <= 1) return true;
  if (verdict === 'pass' && !isSlow) return false;
  if (verdict === 'fail' && after.failures <= firstFailures) return true;
  return at % sampleMs < intervalMs;
}
