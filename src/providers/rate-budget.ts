// A token bucket: how fast an account may be asked. One for each account, however many providers of the configuration
// share it. Waits, never refuses.

export interface Rate {
  /** What may be spent at once after a quiet time. */
  readonly burst: number;
  readonly perSecond: number;
}

interface BudgetClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export class RateBudget {
  readonly #rate: Rate;
  readonly #clock: BudgetClock;
  /** Below zero: promised to those who wait already. */
  #left: number;
  #countedAt: number;
  #heldUntil = 0;

  constructor(rate: Rate, clock: BudgetClock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#left = rate.burst;
    this.#countedAt = clock.now();
  }

  /** Resolves when one more request may be made, first come, first served; rejects on abort, and then has spent
   *  nothing. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#refill();
    this.#left -= 1;
    const readyAt = this.#countedAt + Math.max(0, (-this.#left / this.#rate.perSecond) * 1000);
    try {
      for (;;) {
        const waitMs = Math.max(readyAt, this.#heldUntil) - this.#clock.now();
        if (waitMs <= 0) return;
        await this.#clock.sleep(waitMs, signal);
      }
    } catch (error) {
      this.#left += 1;
      throw error;
    }
  }

  /** The account said to stop until then; ms. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
  }

  /** How long the account asked to be left alone, from now; ms. */
  heldForMs(): number {
    return Math.max(0, this.#heldUntil - this.#clock.now());
  }

  #refill(): void {
    const now = this.#clock.now();
    const gained = ((now - this.#countedAt) / 1000) * this.#rate.perSecond;
    this.#left = Math.min(this.#rate.burst, this.#left + Math.max(0, gained));
    this.#countedAt = now;
  }
}

/** Budgets by account, so that two providers of one account spend from one. */
export class RateBudgets {
  readonly #clock: BudgetClock;
  readonly #budgets = new Map<string, RateBudget>();

  constructor(clock: BudgetClock) {
    this.#clock = clock;
  }

  of(account: string, rate: Rate): RateBudget {
    const known = this.#budgets.get(account);
    if (known !== undefined) return known;
    const budget = new RateBudget(rate, this.#clock);
    this.#budgets.set(account, budget);
    return budget;
  }
}
