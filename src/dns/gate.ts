// How much may be out at once, and how fast: manners towards a server, and a bound for ourselves. First come, first
// served; a wait ends at once on abort.

import { AbortWatch } from './abort-watch.ts';
import { Chain } from './chain.ts';
import { abortReasonOf, pause } from './exchange.ts';

export interface GateLimits {
  /** Most holders at once. */
  readonly concurrency: number;
  /** Most entries a second, over time; Infinity = no such limit. */
  readonly perSecond: number;
}

/** Share of a second's allowance that may go out in one burst, so that a short run is not slowed for nothing. */
const burstSeconds = 0.1;

export class Gate {
  readonly #limits: GateLimits;
  readonly #queue = new Chain<() => void>();
  readonly #aborts = new AbortWatch();
  #held = 0;
  /** When the allowance is used up to; ms of performance.now(). */
  #spentUntil = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get isIdle(): boolean {
    return this.#held === 0 && this.#queue.isEmpty;
  }

  /** Enters where there is room at once; otherwise false, and `enter` waits for it. The caller must `leave()` then. */
  tryEnter(): boolean {
    if (this.#limits.perSecond !== Infinity || this.#held >= this.#limits.concurrency) return false;
    this.#held += 1;
    return true;
  }

  /** Resolves when there is room; the caller must `leave()` once then. Rejects only on abort. */
  async enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortReasonOf(signal);
    if (this.#held < this.#limits.concurrency) this.#held += 1;
    else await this.#wait(signal);
    const delayMs = this.#spend();
    if (delayMs < 1) return;
    try {
      await pause(delayMs, signal);
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  leave(): void {
    // The place passes from the one that leaves to the one that waited longest; `#held` stays.
    const next = this.#queue.shift();
    if (next === null) this.#held -= 1;
    else next();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const watch = this.#aborts.join(signal, () => {
        this.#queue.remove(link);
        reject(abortReasonOf(signal));
      });
      const link = this.#queue.add(() => {
        this.#aborts.leave(watch);
        resolve();
      });
    });
  }

  /** Books one entry and says how long to hold it back; ms. */
  #spend(): number {
    if (this.#limits.perSecond === Infinity) return 0;
    const now = performance.now();
    this.#spentUntil = Math.max(this.#spentUntil, now - burstSeconds * 1000) + 1000 / this.#limits.perSecond;
    return this.#spentUntil - now;
  }
}
