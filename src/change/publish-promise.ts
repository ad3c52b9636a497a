// How long a write takes until every authority answers it: as measured, where it was measured often enough, else as the
// adapter assumes.

import type { PublishTime } from '../model/publish-time.ts';

export interface PublishPromise {
  readonly seconds: number;
  /** Writes that `seconds` was measured by; 0 = nobody measured, and the adapter's word is taken. */
  readonly measured: number;
}

/** The last so many count: a zone that got another secondary is slower from then on. */
export const countedWrites = 20;
/** Fewer than five say nothing about the worst of twenty; two and a half drills make five, for each writes twice. */
const enoughWrites = 5;
/** One write in twenty takes longer. */
const share = 0.95;

/** `times`: of one zone, newest first. One that was not seen to end took longer than any that was. */
export function publishPromise(times: readonly PublishTime[], assumedSeconds: number): PublishPromise {
  const counted = times.slice(0, countedWrites);
  const assumed = { seconds: assumedSeconds, measured: 0 };
  if (counted.length < enoughWrites) return assumed;
  const sorted = counted.map((one) => one.allMs ?? Infinity).sort((a, b) => a - b);
  const worst = sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity;
  if (worst === Infinity) return assumed;
  return { seconds: Math.max(1, Math.ceil(worst / 1000)), measured: counted.length };
}

/** Zones are written side by side: the slowest is what a plan waits for. */
export function slowestOf(promises: readonly PublishPromise[]): PublishPromise {
  return promises.reduce<PublishPromise>((slowest, one) => (one.seconds > slowest.seconds ? one : slowest), {
    seconds: 0,
    measured: 0,
  });
}
