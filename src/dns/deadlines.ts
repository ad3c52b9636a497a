// One timer for all questions that are out, however many: a timer each costs as much as the question. Waits of the same
// length end in the order they began, so only the first of each length is ever looked at.

import { Chain, type ChainLink } from './chain.ts';

interface Expiring {
  /** ms of performance.now(). */
  readonly at: number;
  readonly timeoutMs: number;
  readonly onDeadline: () => void;
}

/** Given to `stop`. */
export type Deadline = ChainLink<Expiring>;

export class Deadlines {
  readonly #byTimeout = new Map<number, Chain<Expiring>>();
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;

  /** Holds the process open until the last wait has ended: somebody waits for the answer. */
  start(timeoutMs: number, onDeadline: () => void): Deadline {
    const at = performance.now() + timeoutMs;
    let waits = this.#byTimeout.get(timeoutMs);
    if (waits === undefined) {
      waits = new Chain();
      this.#byTimeout.set(timeoutMs, waits);
    }
    if (at < this.#timerAt) this.#arm(at);
    return waits.add({ at, timeoutMs, onDeadline });
  }

  /** Nothing where the wait has ended. */
  stop(deadline: Deadline): void {
    const { timeoutMs } = deadline.value;
    const waits = this.#byTimeout.get(timeoutMs);
    waits?.remove(deadline);
    if (waits?.isEmpty !== true) return;
    this.#byTimeout.delete(timeoutMs);
    if (this.#byTimeout.size === 0) this.#disarm();
  }

  #arm(at: number): void {
    this.#disarm();
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, Math.ceil(at - performance.now())));
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
  }

  #expire(): void {
    this.#disarm();
    const now = performance.now();
    for (const waits of [...this.#byTimeout.values()]) {
      for (let { first } = waits; first !== null && first.value.at <= now; { first } = waits) {
        this.stop(first);
        first.value.onDeadline();
      }
    }
    let nextAt = Infinity;
    for (const { first } of this.#byTimeout.values()) nextAt = Math.min(nextAt, first?.value.at ?? Infinity);
    if (nextAt < this.#timerAt) this.#arm(nextAt);
  }
}
