// Holds a lease for the whole of a piece of work and lets it go at the end, whatever happened. While the work lasts
// the lease is renewed beside it; a lost lease aborts the work before its next write.

import { LeaseError } from '../errors.ts';
import type { Lease } from '../model/lease.ts';
import type { LeaseAnswer } from '../store/store.ts';
import type { Deps } from './deps.ts';

/** Long enough for a provider call with its timeouts between two renewals, short enough that another machine takes
 *  over from a dead one within a cron interval; ms. */
const leaseMs = 60_000;

type LeaseDeps = Pick<Deps, 'store' | 'clock' | 'holder' | 'isDeadHolder'>;

export interface HeldLease {
  /** The lease as last renewed. */
  readonly lease: Lease;
  /** Aborts with the caller's signal, and when the lease is lost. */
  readonly signal: AbortSignal;
}

/** Runs `work` as the only holder of `route`. Throws LeaseError `locked` where somebody else is. */
export async function withLease<T>(
  route: string,
  deps: LeaseDeps,
  signal: AbortSignal,
  work: (held: HeldLease) => Promise<T>,
): Promise<T> {
  let lease = await acquire(route, deps);
  const lost = new AbortController();
  const done = new AbortController();
  const renewals = keepAlive(lease, deps, done.signal, (renewed) => (lease = renewed)).catch(
    (error: unknown) => {
      if (!done.signal.aborted) lost.abort(error);
    },
  );
  try {
    return await work({
      get lease() {
        return lease;
      },
      signal: AbortSignal.any([signal, lost.signal]),
    });
  } finally {
    done.abort();
    await renewals;
    await deps.store.releaseLease(lease);
  }
}

async function acquire(route: string, deps: LeaseDeps): Promise<Lease> {
  const ask = (deadHolder: string | null): Promise<LeaseAnswer> =>
    deps.store.acquireLease(route, deps.holder, leaseMs, deps.clock.now(), deadHolder);
  let answer = await ask(null);
  // A holder that was killed on this machine does not keep the next run out for the rest of its lease.
  if (answer.outcome === 'taken' && deps.isDeadHolder(answer.holder)) answer = await ask(answer.holder);
  if (answer.outcome === 'held') return answer.lease;
  const seconds = Math.max(1, Math.ceil((answer.expiresAt - deps.clock.now()) / 1000));
  throw new LeaseError('locked', `${route} is held by another run: ${answer.holder}`, {
    hint: `nothing was changed; it ends by itself, or its lease does in ${seconds} s`,
  });
}

async function keepAlive(
  first: Lease,
  deps: Pick<Deps, 'store' | 'clock'>,
  done: AbortSignal,
  onRenewed: (lease: Lease) => void,
): Promise<void> {
  for (let lease = first; ;) {
    await deps.clock.sleep(leaseMs / 3, done);
    lease = await deps.store.renewLease(lease, leaseMs, deps.clock.now());
    onRenewed(lease);
  }
}
