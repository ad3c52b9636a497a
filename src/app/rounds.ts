// A round of `auto` or `observe`. Every round is recorded, so that `status` can say when the last one was; history is
// pruned now and then.

import type { ExitCode } from '../errors.ts';
import { leastSettledKeepMs, settledKeepMs } from '../health/canary-schedule.ts';
import { runCycle, type CycleResult } from './cycle.ts';
import type { Deps } from './deps.ts';
import { worstExitCode } from './outcome.ts';

/** History is pruned by the first round of each hour, whichever minutes cron picks. ms. */
const pruneEveryMs = 3_600_000;

/** What runs unattended: `auto` acts, `observe` only measures and says what it would have done. */
export type RoundCommand = 'auto' | 'observe';

export async function runRound(
  deps: Deps,
  signal: AbortSignal,
  command: RoundCommand = 'auto',
): Promise<CycleResult> {
  await deps.syncClock?.();
  const result = await runCycle(deps, signal);
  const { startedAt, finishedAt } = result;
  const before = await deps.store.lastRun(command);
  const exitCode = exitCodeOf(result);
  await deps.store.recordRun({ id: deps.newId(), command, startedAt, finishedAt, exitCode });
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
