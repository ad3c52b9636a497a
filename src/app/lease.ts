// Holds a lease for the whole of a piece of work and lets it go at the end, whatever happened. While the work lasts
// the lease is renewed beside it. How long it lasts is measured by time that no set clock moves, from before it was
// asked for: so it ends here before it ends in the store, and the work stops before another may begin.

import { AppError, LeaseError, StoreError } from '../errors.ts';
import type { Lease } from '../model/lease.ts';
import type { LeaseAnswer } from '../store/store.ts';
import type { Deps } from './deps.ts';

export interface LeaseTimes {
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** Pause after a renewal that failed because the store could not be asked. */
  readonly retryMs: number;
  /** The work is stopped when this much is left. */
  readonly safeMs: number;
}

const times: LeaseTimes = {
  // Long enough for an outage of the store between two renewals, short enough that another machine takes over from a
  // dead one within a cron interval.
  leaseMs: 60_000,
  // So that 25 s of outage, a restart of the database, stay between a renewal that fails and the end of the work.
  renewEveryMs: 20_000,
  retryMs: 1000,
  // What was sent to a provider when the work is stopped may still take effect for as long as a call may take there.
  safeMs: 15_000,
};

/** Beyond this the clock was set, or the machine slept: corrections by NTP are a few milliseconds a second at most. */
const clockStepMs = 2000;

type LeaseDeps = Pick<Deps, 'store' | 'clock' | 'holder' | 'isDeadHolder'>;

export interface HeldLease {
  /** The lease as last renewed. */
  readonly lease: Lease;
  /** Aborts with the caller's signal, and when the lease is lost or about to end. `assertHeld` knows it. */
  readonly signal: AbortSignal;
}

/** Checks by the signal that `withLease` gave to its work. */
const checks = new WeakMap<AbortSignal, () => Promise<void>>();

/** To be called right before each write to the world, with the signal that `withLease` gave: a process that was stopped
 *  or a machine that slept learns so here, not from a timer that comes late too. Throws the signal's reason, or
 *  LeaseError `lease-lost`. */
export async function assertHeld(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await checks.get(signal)?.();
}

/** Runs `work` as the only holder of `route`. Throws LeaseError `locked` where somebody else is. */
export async function withLease<T>(
  route: string,
  deps: LeaseDeps,
  signal: AbortSignal,
  work: (held: HeldLease) => Promise<T>,
  limits: LeaseTimes = times,
): Promise<T> {
  const holding = await Holding.take(route, deps, limits);
  const both = AbortSignal.any([signal, holding.lost]);
  checks.set(both, () => holding.assert());
  holding.keepAlive();
  try {
    return await work({
      get lease() {
        return holding.lease;
      },
      signal: both,
    });
  } finally {
    await holding.letGo();
  }
}

class Holding {
  lease: Lease;
  readonly #deps: LeaseDeps;
  readonly #times: LeaseTimes;
  readonly #lost = new AbortController();
  readonly #done = new AbortController();
  /** By `#elapsedMs`: when the last renewal that succeeded was asked for. */
  #since: number;
  /** Of the clock, against elapsed time, then. */
  #offset: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(lease: Lease, since: number, deps: LeaseDeps, limits: LeaseTimes) {
    this.lease = lease;
    this.#deps = deps;
    this.#times = limits;
    this.#since = since;
    this.#offset = deps.clock.now() - this.#elapsedMs();
    this.#watch();
  }

  static async take(route: string, deps: LeaseDeps, limits: LeaseTimes): Promise<Holding> {
    const since = elapsedMs(deps);
    return new Holding(await acquire(route, deps, limits.leaseMs), since, deps, limits);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Renews beside the work until it is done or the lease is lost. */
  keepAlive(): void {
    this.#renewals().catch((error: unknown) => {
      if (!this.#done.signal.aborted) this.#lost.abort(error);
    });
  }

  async assert(): Promise<void> {
    this.#lost.signal.throwIfAborted();
    if (this.#leftMs() <= 0) throw this.#lose();
    if (!this.#isClockSet()) return;
    // On one machine the store goes by that clock, and somebody may have found the lease at its end: only the store
    // knows. The answer must come in time as well.
    try {
      await this.#renew();
    } catch (error) {
      throw this.#lose(error);
    }
    if (this.#leftMs() <= 0) throw this.#lose();
  }

  async letGo(): Promise<void> {
    this.#done.abort();
    clearTimeout(this.#timer);
    try {
      await this.#deps.store.releaseLease(this.lease);
    } catch (error) {
      // It ends by itself; what the work came to matters more.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  async #renewals(): Promise<void> {
    const { clock } = this.#deps;
    for (let pauseMs = this.#times.renewEveryMs; ;) {
      await clock.sleep(pauseMs, this.#done.signal);
      pauseMs = this.#times.renewEveryMs;
      try {
        await this.#renew();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        // The lease is ours for as long as it lasts, whether the store can be asked or not.
        if (this.#leftMs() <= 0) throw this.#lose(error);
        pauseMs = this.#times.retryMs;
      }
    }
  }

  async #renew(): Promise<void> {
    const since = this.#elapsedMs();
    this.lease = await this.#deps.store.renewLease(this.lease, this.#times.leaseMs, this.#deps.clock.now());
    this.#since = since;
    this.#offset = this.#deps.clock.now() - this.#elapsedMs();
    this.#watch();
  }

  /** Real time, not the injected clock: it bounds what a real store or a real stall may take. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#done.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        if (this.#leftMs() <= 0) this.#lose();
        else this.#watch();
      },
      Math.max(1, this.#leftMs()),
    );
    this.#timer.unref();
  }

  /** Until the work must stop. */
  #leftMs(): number {
    return this.#since + this.#times.leaseMs - this.#times.safeMs - this.#elapsedMs();
  }

  #isClockSet(): boolean {
    const offset = this.#deps.clock.now() - this.#elapsedMs();
    return Math.abs(offset - this.#offset) > clockStepMs;
  }

  #elapsedMs(): number {
    return elapsedMs(this.#deps);
  }

  /** The reason of `lost`, from now on. */
  #lose(cause?: unknown): Error {
    if (!this.#lost.signal.aborted) this.#lost.abort(lostError(this.lease, cause));
    return this.#lost.signal.reason as Error;
  }
}

function elapsedMs({ clock }: Pick<Deps, 'clock'>): number {
  return clock.elapsedMs === undefined ? performance.now() : clock.elapsedMs();
}

function lostError(lease: Lease, cause: unknown): Error {
  if (cause instanceof LeaseError) return cause;
  const why =
    cause instanceof AppError
      ? cause.message
      : 'this process stood still, or the store did not answer in time';
  const message = `route ${lease.route}: lease ${lease.token} could not be kept: ${why}`;
  return new LeaseError('lease-lost', message, {
    hint: `nothing more was written; mxctl status ${lease.route}   shows how far it got`,
    cause,
  });
}

async function acquire(route: string, deps: LeaseDeps, leaseMs: number): Promise<Lease> {
  const ask = (deadHolder: string | null): Promise<LeaseAnswer> =>
    deps.store.acquireLease(route, deps.holder, leaseMs, deps.clock.now(), deadHolder);
  let answer = await ask(null);
  // A holder that was killed on this machine does not keep the next run out for the rest of its lease.
  if (answer.outcome === 'taken' && deps.isDeadHolder(answer.holder)) answer = await ask(answer.holder);
  if (answer.outcome === 'held') return answer.lease;
  const seconds = Math.max(1, Math.ceil(answer.leftMs / 1000));
  throw new LeaseError('locked', `${route} is held by another run: ${answer.holder}`, {
    hint: `nothing was changed; it ends by itself, or its lease does in ${seconds} s`,
  });
}
