// When a call to Route 53 is made, and made again: within the documented rate of an account, with jitter after a
// refusal, and never past a deadline.

import type { Rate, RateBudget } from '../rate-budget.ts';
import type { ProviderClock } from '../zone-provider.ts';
import { CallFailure } from './failures.ts';

/** "Throttling API requests" of the developer guide (2026): a bucket of 50 requests per account, refilled by 10 a second.
 *  Older pages say five a second; whoever is right, a refusal is waited out. */
export const rate: Rate = { burst: 50, perSecond: 10 };

/** First pause after a refusal and the longest; ms. Doubled each time, and shortened by chance, so that two who collide
 *  do not meet again. */
const firstPauseMs = 250;
const longestPauseMs = 8000;
/** Throttled calls are repeated for this long: another tool's run over the account is over by then; ms. */
const patienceMs = 60_000;
/** A read that got no answer is asked again so often. */
const rereads = 2;

export class Pace {
  readonly #clock: ProviderClock;
  readonly #random: () => number;
  readonly #budget: RateBudget;

  constructor(clock: ProviderClock, random: () => number, budget: RateBudget) {
    this.#clock = clock;
    this.#random = random;
    this.#budget = budget;
  }

  /** Repeats what AWS surely did not carry out for the moment's sake; `isRead`: also what got no answer. */
  async call<T>(isRead: boolean, signal: AbortSignal, make: () => Promise<T>): Promise<T> {
    let waitedMs = 0;
    let lost = 0;
    let isClockSet = false;
    for (let attempt = 0; ; attempt++) {
      await this.#budget.take(signal);
      try {
        return await make();
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        // The SDK has read the right time from the refusal, and signs by it from now on.
        if (error.kind === 'clock-skew' && !isClockSet) {
          isClockSet = true;
          continue;
        }
        const isBusy = error.kind === 'throttled' || error.kind === 'busy';
        if (!isBusy && !(isRead && error.kind === 'lost' && lost++ < rereads)) throw error;
        const pauseMs = this.#pauseMs(attempt);
        waitedMs += pauseMs;
        if (waitedMs > patienceMs) throw error;
        await this.#clock.sleep(pauseMs, signal);
      }
    }
  }

  /** Between half and all of the pause that is due. */
  #pauseMs(attempt: number): number {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempt, 10));
    return Math.round(pauseMs * (0.5 + this.#random() / 2));
  }
}
