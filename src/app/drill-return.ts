// Brings a drilled route back. In good order by what TTLs ask for: first the path of before with the short TTL, so that
// a relapse there can still be answered, and once no cache holds the drill's records the exact ones of before. In a
// hurry (Ctrl-C, a candidate that failed) at once to the exact ones. Nobody's patience ends it.

import { planOf, rollbackChanges, ttlFor } from '../change/plan.ts';
import { AppError, LeaseError } from '../errors.ts';
import type { Action, ActionKind, RrsetChange } from '../model/change.ts';
import { isSameRrset } from '../model/rrset.ts';
import { carryOut, type ActResult } from './act.ts';
import type { Deps } from './deps.ts';
import { type HoldEnd, keepPaused, lookOnce, type WatchedDrill } from './drill-hold.ts';
import { errorOf } from './execute.ts';
import { withLease } from './lease.ts';
import { recoverRoute } from './recover.ts';

export interface ComeBack {
  /** The last action of it; null where it stays where it is. */
  readonly action: Action | null;
  /** The path of before was published again, an instant; ms; null where it was not. */
  readonly backAt: number | null;
  readonly reason: string;
  readonly fault: AppError | null;
}

/** Another run that holds the route is through by then; ms. */
const longestLockedMs = 120_000;
const lockedPauseMs = 2000;
/** Between two looks while caches let go of the drill's records; ms. */
const lookEveryMs = 30_000;

export async function comeBack(
  watched: WatchedDrill,
  end: HoldEnd,
  deps: Deps,
  signal: AbortSignal,
): Promise<ComeBack> {
  const stay = (reason: string): ComeBack => ({ action: null, backAt: null, reason, fault: null });
  if (end.kind === 'taken') return stay(end.reason);
  if (end.kind === 'over' && (await isHomeDown(watched, deps)))
    return stay(`${watched.flip.plan.from ?? ''} is down, and ${watched.flip.plan.to ?? ''} is not`);
  try {
    return await new Return(watched, deps).run(end.kind === 'over', signal);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { action: null, backAt: null, reason: error.message, fault: error };
  }
}

const own = () => new AbortController().signal;

async function isHomeDown(watched: WatchedDrill, deps: Deps): Promise<boolean> {
  const { home, target } = await lookOnce(watched, deps, own());
  return home.status === 'down' && target.status !== 'down';
}

class Return {
  readonly #watched: WatchedDrill;
  readonly #deps: Deps;

  constructor(watched: WatchedDrill, deps: Deps) {
    this.#watched = watched;
    this.#deps = deps;
  }

  async run(isOrderly: boolean, signal: AbortSignal): Promise<ComeBack> {
    const { route, flip } = this.#watched;
    const exact = rollbackChanges((await this.#deps.store.findAction(flip.id)) ?? flip);
    const short = exact.map((one) => withTtl(one, ttlFor(route, 'return')));
    const isStaged =
      isOrderly && short.some((one, at) => !isSameRrset(one.desired, exact[at]?.desired ?? null));
    if (!isStaged || signal.aborted) return this.#finish(await this.#write(exact, 'rollback'), null);
    const first = await this.#write(short, 'return');
    const fault = errorOf(first);
    if (fault !== null) return this.#finish(first, fault);
    const trouble = await this.#waitForCaches(first.action, signal);
    if (trouble !== null)
      return { action: first.action, backAt: first.action.appliedAt, reason: trouble, fault: null };
    const rest = exact.map((one, at) => ({ ...one, expected: short[at]?.desired ?? null }));
    const last = await this.#write(rest, 'raise-ttl');
    return { ...this.#finish(last, null), backAt: first.action.appliedAt };
  }

  #finish(result: ActResult, fault: AppError | null): ComeBack {
    const { action } = result;
    const wrong = fault ?? errorOf(result);
    return {
      action,
      backAt: action.appliedAt,
      reason: wrong === null ? 'the exact records are back' : wrong.message,
      fault: wrong,
    };
  }

  /** What is wrong with the path of before meanwhile: then the short TTL stays, for the next move. */
  async #waitForCaches({ clearAt }: Action, signal: AbortSignal): Promise<string | null> {
    const { clock } = this.#deps;
    while (clearAt !== null && clock.now() < clearAt && !signal.aborted) {
      await keepPaused(this.#watched, this.#deps);
      const { home } = await lookOnce(this.#watched, this.#deps, own());
      if (home.status === 'down')
        return `${this.#watched.flip.plan.from ?? ''} failed after it: ${home.reason}`;
      try {
        await clock.sleep(Math.max(1, Math.min(lookEveryMs, clearAt - clock.now())), signal);
      } catch {
        // In a hurry from here on.
      }
    }
    return null;
  }

  async #write(changes: readonly RrsetChange[], kind: ActionKind): Promise<ActResult> {
    const { route, flip, by } = this.#watched;
    const deps = this.#deps;
    return whenFree(deps, (held) =>
      withLease(route.name, deps, held, async ({ lease, signal }) => {
        await recoverRoute(route, lease, deps, signal, 'leave');
        const { from: home, to } = flip.plan;
        const intent = { route: route.name, kind, from: kind === 'raise-ttl' ? home : to, to: home };
        const plan = planOf({ ...intent, madeAt: deps.clock.now() }, changes, deps.digest);
        const reason = `back from drill ${flip.plan.id}`;
        const rollbackOf = kind === 'raise-ttl' ? null : flip.id;
        return carryOut({ route, plan, by, reason, overrides: [], rollbackOf, lease }, deps, signal);
      }),
    );
  }
}

/** Never above what it had before, nor below what the flip had, which the provider takes. */
function withTtl(change: RrsetChange, ttl: number): RrsetChange {
  const { desired, expected } = change;
  if (desired === null) return change;
  return {
    ...change,
    desired: { ...desired, ttl: Math.min(desired.ttl, Math.max(ttl, expected?.ttl ?? ttl)) },
  };
}

/** A round of `auto` that clears an old action must not keep a drill from coming back. */
async function whenFree<T>(
  { clock }: Pick<Deps, 'clock'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = own();
  const deadline = clock.now() + longestLockedMs;
  for (;;) {
    try {
      return await work(signal);
    } catch (error) {
      const isLocked = error instanceof LeaseError && error.code === 'locked';
      if (!isLocked || clock.now() > deadline) throw error;
      await clock.sleep(lockedPauseMs, signal);
    }
  }
}
