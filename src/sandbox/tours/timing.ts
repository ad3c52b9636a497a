// Every time of the tours in one place: how long each part may take, in cycles, and how quick canaries are. Pure data.
// A cycle is one unattended run of the controller; a minute's cron job is compressed to a second.

/** Of the `canary:` block of a world's config. */
export interface CanaryTiming {
  readonly everySeconds: number;
  /** At least `fall` x `everySeconds`, or the decision rests on fewer canaries than it says. */
  readonly delayedAfterSeconds: number;
  readonly swallowedAfterSeconds: number;
  readonly fall: number;
  readonly rise: number;
}

/**
 * One canary a path and cycle. A letter needs a quarter of a second through the proxy (smtp-server waits 100 ms before
 * each greeting), so 3 s is late on a slow machine too. 25 s is longer than any tour holds letters: what is merely
 * late is never called swallowed.
 */
export const canaryTiming: CanaryTiming = {
  everySeconds: 1,
  delayedAfterSeconds: 3,
  swallowedAfterSeconds: 25,
  fall: 2,
  rise: 3,
};

/** Twice the time after which it is late: called swallowed while the tour still shows that nobody came back. */
export const swallowedTiming: CanaryTiming = { ...canaryTiming, swallowedAfterSeconds: 6 };

/** From the start of a cycle to the start of the next; ms. */
export const defaultIntervalMs = 1000;

/** Three passes make an unknown hop up; one more, because the first cycle also opens its store. */
export const warmUpCycles = 4;
/** A tour that is meant to stay where it is shows that for so many cycles. */
export const steadyCycles = 6;
/**
 * A path that swallowed mail stays left for so many cycles after it is healed: those of the last canary that went
 * missing to count as swallowed, and three for canaries in time, which alone would bring back a path that was late.
 */
export const unreturnedCycles = swallowedTiming.swallowedAfterSeconds + swallowedTiming.rise;
/** Longest waits of each part, in cycles; together with the deadline they keep a tour under a minute. */
export const maxCycles = { detect: 12, drain: 16, back: 20, settle: 10 } as const;
/** A tour promises to end within a minute; the rest is for counting; ms. */
export const deadlineMs = 52_000;
export const countingMs = 5000;
