// One timer for all questions that are out, however many: a timer each costs as much as the question. Waits of the same
// length end in the order they began, so only the first of each length is ever looked at.

export interface Expiring {
  /** Set by `start`; ms of performance.now(). */
  deadlineAt: number;
  readonly timeoutMs: number;
  onDeadline(): void;
}

export class Deadlines {
  readonly #byTimeout = new Map<number, Set<Expiring>>();
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;

  /** Holds the process open until the last wait has ended: somebody waits for the answer. */
  start(wait: Expiring): void {
    wait.deadlineAt = performance.now() + wait.timeoutMs;
    let waits = this.#byTimeout.get(wait.timeoutMs);
    if (waits === undefined) {
      waits = new Set();
      this.#byTimeout.set(wait.timeoutMs, waits);
    }
    waits.add(wait);
    if (wait.deadlineAt < this.#timerAt) this.#arm(wait.deadlineAt);
  }

  /** Nothing where the wait has ended. */
  stop(wait: Expiring): void {
    const waits = this.#byTimeout.get(wait.timeoutMs);
    if (waits?.delete(wait) !== true || waits.size > 0) return;
    this.#byTimeout.delete(wait.timeoutMs);
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
      for (const wait of waits) {
        if (wait.deadlineAt > now) break;
        this.stop(wait);
        wait.onDeadline();
      }
    }
    let nextAt = Infinity;
    for (const waits of this.#byTimeout.values()) {
      for (const { deadlineAt } of waits) {
        nextAt = Math.min(nextAt, deadlineAt);
        break;
      }
    }
    if (nextAt < this.#timerAt) this.#arm(nextAt);
  }
}
