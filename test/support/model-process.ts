// A process in the model: whatever it asks of the outside takes time, may never be answered because it was killed, or
// late because its machine stood still. It has the clock of its machine, right or wrong.

import type { Clock } from '../../src/runtime/clock.ts';
import type { Dice, Scheduler } from './model-time.ts';

const never = <T>() => new Promise<T>(() => {});

/** What happens to a machine as a whole. */
export class ModelMachine {
  readonly index: number;
  readonly name: string;
  readonly scheduler: Scheduler;
  skewMs: number;
  frozenUntil = 0;
  /** Runs before each call to the outside, with how many the running action of this machine has made. */
  onCall: ((process: ModelProcess, calls: number | null) => void) | null = null;
  #processes = 0;

  constructor(index: number, name: string, skewMs: number, scheduler: Scheduler) {
    this.index = index;
    this.name = name;
    this.skewMs = skewMs;
    this.scheduler = scheduler;
  }

  start(what: string, dice: Dice): ModelProcess {
    this.#processes += 1;
    return new ModelProcess(this, `${this.name}:${this.#processes}:${what}`, dice);
  }
}

export class ModelProcess implements Clock {
  readonly machine: ModelMachine;
  readonly holder: string;
  isAlive = true;
  /** Calls made since an intent was written; null while there is none. */
  calls: number | null = null;
  roundStartedAt = 0;
  /** When it last took the lease of the route. */
  leasedAt = 0;
  /** Of that lease. */
  token = 0;
  probedAt = 0;
  /** When it last asked a provider to write: from there on no lease can call it back. */
  askedAt = 0;
  readonly dice: Dice;

  constructor(machine: ModelMachine, holder: string, dice: Dice) {
    this.machine = machine;
    this.holder = holder;
    this.dice = dice;
  }

  get #scheduler(): Scheduler {
    return this.machine.scheduler;
  }

  now(): number {
    return this.#scheduler.now + this.machine.skewMs;
  }

  /** What no set clock moves. */
  elapsedMs(): number {
    return this.#scheduler.now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.abortable(this.#rest(ms), signal);
  }

  kill(): void {
    this.isAlive = false;
  }

  /** The request is sent, `work` is done where it arrives, and the answer comes back if somebody is left to take it.
   *  Without `most` it takes no time but where the machine stands still. */
  async call<T>(work: () => Promise<T>, most = 0): Promise<T> {
    if (!this.isAlive) return never();
    this.machine.onCall?.(this, this.calls);
    if (this.calls !== null) this.calls += 1;
    await this.thaw();
    const isSlow = most > 0 && this.dice.chance(0.4);
    if (isSlow) await this.#scheduler.wait(this.dice.between(0, most));
    try {
      return await work();
    } finally {
      if (isSlow) await this.#rest(this.dice.between(0, most));
      else await this.thaw();
    }
  }

  /** Time passes there, whoever lives here. */
  away(ms: number): Promise<void> {
    return this.#scheduler.wait(ms);
  }

  async thaw(): Promise<void> {
    if (!this.isAlive) return never();
    if (this.#scheduler.now < this.machine.frozenUntil) await this.#rest(0);
  }

  abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => signal.removeEventListener('abort', onAbort);
    work
      .then(resolve, reject)
      .finally(done)
      .catch(() => {});
    return promise;
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        if (!this.isAlive) return;
        if (this.#scheduler.now < this.machine.frozenUntil)
          this.#scheduler.at(this.machine.frozenUntil, wake);
        else resolve();
      };
      this.#scheduler.at(this.#scheduler.now + ms, wake);
    });
  }
}
