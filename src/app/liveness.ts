// Whether a service does its rounds: what the watchdog, the health endpoint and Kubernetes are told. Measured on the
// pace of the service, never on the clock.

import type { ErrorCode } from '../errors.ts';
import { settleMs } from './deadline.ts';

/** Rounds in a row that may be missed before it is said: one is a database that restarts. */
const missedInARow = 3;

/** All instants are of the pace, in ms. A fault is a sentence without secrets, names or addresses. */
export class Liveness {
  readonly #maxRuntimeMs: number;
  /** The loop must have done something by then. */
  #dueBy: number;
  #rounds = 0;
  #missed: ErrorCode[] = [];
  #isReady = false;
  #isStopping = false;

  /** `maxRuntimeMs`: longest that a round may take before it is aborted. */
  constructor(maxRuntimeMs: number, at: number) {
    this.#maxRuntimeMs = maxRuntimeMs;
    this.#dueBy = at + settleMs;
  }

  /** Rounds that were completed. */
  get rounds(): number {
    return this.#rounds;
  }

  roundBegan(at: number): void {
    this.#dueBy = at + this.#maxRuntimeMs + settleMs;
  }

  /** `missed`: why it was not completed; null where it was. Another run that holds the lease does the work: no fault. */
  roundEnded(nextAt: number, missed: ErrorCode | null): void {
    // Slack for a reload, and for a machine that is slow to wake us.
    this.#dueBy = nextAt + settleMs;
    this.#missed =
      missed === null || missed === 'locked' ? [] : [...this.#missed, missed].slice(-missedInARow);
    if (missed === null) this.#rounds += 1;
    if (missed === null || missed === 'locked') this.#isReady = true;
  }

  stopping(): void {
    this.#isStopping = true;
  }

  /** Null while rounds begin and end when they should, however they end: else only a restart helps. */
  stuck(at: number): string | null {
    const lateMs = at - this.#dueBy;
    return lateMs > 0
      ? `no round has begun or ended for ${Math.ceil(lateMs / 1000)} s longer than it may take`
      : null;
  }

  /** Null while rounds are completed in time. */
  unhealthy(at: number): string | null {
    const stuck = this.stuck(at);
    if (stuck !== null) return stuck;
    const [last] = this.#missed.slice(-1);
    return last === undefined || this.#missed.length < missedInARow
      ? null
      : `the last ${missedInARow} rounds were missed: ${last}`;
  }

  /** Null once a round was completed, or left to another run, and while all is well. */
  unready(at: number): string | null {
    if (this.#isStopping) return 'stopping';
    return this.unhealthy(at) ?? (this.#isReady ? null : 'the first round is not completed yet');
  }
}
