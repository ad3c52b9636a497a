// Bounds a round: told to end when it has taken too long, given up where it does not. On the pace, not the clock.

import { AppError, exitCodes } from '../errors.ts';
import type { Pace } from '../runtime/clock.ts';

/** A write that is under way is read back before a round may end, and providers take their timeouts for that; ms. */
export const settleMs = 60_000;

export interface DeadlineOptions {
  readonly maxRuntimeMs: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** Throws AppError `undecided` (retryable) where it was aborted for being late, and `bug` where it went on even then: its
 *  work is not ended, and must not be begun again beside it. */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { maxRuntimeMs, pace, signal }: DeadlineOptions,
): Promise<T> {
  const round = new AbortController();
  const done = new AbortController();
  const follow = () => round.abort(signal.reason);
  signal.addEventListener('abort', follow, { once: true });
  if (signal.aborted) follow();
  const late = lateError(maxRuntimeMs);
  pace.sleep(maxRuntimeMs, done.signal).then(
    () => round.abort(late),
    () => {},
  );
  const working = work(round.signal);
  try {
    return await Promise.race([working, stuck(round.signal, pace, done.signal)]);
  } catch (error) {
    // Whatever the abort looked like where it struck, its reason says what happened.
    const isAbort = round.signal.reason === late && !(error instanceof AppError && error.code === 'bug');
    throw isAbort ? late : error;
  } finally {
    done.abort();
    signal.removeEventListener('abort', follow);
    working.catch(() => {});
  }
}

/** Rejects a while after the abort; never resolves. */
function stuck(aborted: AbortSignal, pace: Pace, done: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () =>
      void pace.sleep(settleMs, done).then(
        () => reject(stuckError()),
        () => {},
      );
    if (aborted.aborted) onAbort();
    else aborted.addEventListener('abort', onAbort, { once: true });
  });
}

function lateError(ms: number): AppError {
  return new AppError('undecided', `the round took longer than --max-runtime (${ms / 1000} s)`, {
    exitCode: exitCodes.undecided,
    hint: 'shorten probe.timeout or give it more time; what was under way is settled by the next round',
    retryable: true,
  });
}

function stuckError(): AppError {
  return new AppError('bug', `the round went on for ${settleMs / 1000} s after it was told to end`, {
    exitCode: exitCodes.bug,
    hint: 'it is left behind and the process ends; the next run settles what was under way',
  });
}
