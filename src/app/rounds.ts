// `auto`: one round, or one round an interval until it is told to stop. Every round is recorded, so that `status` can
// say when the last one was; history is pruned now and then.

import { AppError, exitCodes, type ExitCode } from '../errors.ts';
import { leastSettledKeepMs, settledKeepMs } from '../health/canary-schedule.ts';
import { runCycle, type CycleResult } from './cycle.ts';
import type { Deps } from './deps.ts';
import { worstExitCode } from './outcome.ts';

/** History is pruned by the first round of each hour, whichever minutes cron picks. ms. */
const pruneEveryMs = 3_600_000;

export async function runRound(deps: Deps, signal: AbortSignal): Promise<CycleResult> {
  const result = await runCycle(deps, signal);
  const { startedAt, finishedAt } = result;
  const before = await deps.store.lastRun('auto');
  const exitCode = exitCodeOf(result);
  await deps.store.recordRun({ id: deps.newId(), command: 'auto', startedAt, finishedAt, exitCode });
  const hourOf = (at: number) => Math.floor(at / pruneEveryMs);
  if (before === null || hourOf(before.finishedAt) !== hourOf(finishedAt)) {
    await prune(finishedAt, deps);
  }
  return result;
}

async function prune(now: number, { store, config }: Pick<Deps, 'store' | 'config'>): Promise<void> {
  const keeps = [...config.routes.values()].map((one) =>
    one.canary === null ? 0 : settledKeepMs(one.canary),
  );
  const canariesMs = Math.min(config.historyMs, Math.max(leastSettledKeepMs, ...keeps));
  await store.prune(now - config.historyMs, now - canariesMs);
}

/** The worst of the round's routes; 0 where all is well or what had to be done was done. */
export function exitCodeOf(result: CycleResult): ExitCode {
  return worstExitCode(result.routes.map((one) => one.exitCode));
}

/** Rounds until the signal; each begins an interval after the last one began, or at once where that took longer. */
export async function runRounds(
  intervalMs: number,
  deps: Deps,
  signal: AbortSignal,
  onRound: (result: CycleResult) => void,
  onMissed: (error: AppError) => void,
): Promise<void> {
  for (;;) {
    const startedAt = deps.clock.now();
    try {
      onRound(await runRound(deps, signal));
    } catch (error) {
      if (signal.aborted) return;
      // Locked out, or the store is away: said, and tried again at the next interval. A bug ends the service.
      if (!(error instanceof AppError) || error.exitCode === exitCodes.bug) throw error;
      onMissed(error);
    }
    const leftMs = Math.max(0, startedAt + intervalMs - deps.clock.now());
    try {
      await deps.clock.sleep(leftMs, signal);
    } catch {
      return;
    }
  }
}
