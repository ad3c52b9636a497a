// `auto`: one round, or one round an interval until it is told to stop. Every round is recorded, so that `status` can
// say when the last one was; history is pruned now and then.

import { AppError, exitCodes, type ExitCode } from '../errors.ts';
import { runCycle, type CycleResult, type RouteOutcome } from './cycle.ts';
import type { Deps } from './deps.ts';
import { errorOf } from './execute.ts';

/** One round in this many prunes: often enough that the store stays small, seldom enough to cost nothing. */
const pruneEvery = 60;

export async function runRound(deps: Deps, signal: AbortSignal): Promise<CycleResult> {
  const result = await runCycle(deps, signal);
  const { startedAt, finishedAt } = result;
  await deps.store.recordRun({
    id: deps.newId(),
    command: 'auto',
    startedAt,
    finishedAt,
    exitCode: exitCodeOf(result),
  });
  if (Math.floor(finishedAt / 60_000) % pruneEvery === 0)
    await deps.store.prune(finishedAt - deps.config.historyMs);
  return result;
}

/** The worst of the round's routes; 0 where all is well or what had to be done was done. */
export function exitCodeOf(result: CycleResult): ExitCode {
  const order: readonly ExitCode[] = [
    exitCodes.bug,
    exitCodes.partial,
    exitCodes.unconfirmed,
    exitCodes.credentials,
    exitCodes.config,
    exitCodes.locked,
    exitCodes.undecided,
    exitCodes.refused,
    exitCodes.found,
  ];
  const codes = new Set(result.routes.map(routeExitCode));
  return order.find((code) => codes.has(code)) ?? exitCodes.ok;
}

export function routeExitCode(outcome: RouteOutcome): ExitCode {
  const error = routeError(outcome);
  if (error !== null) return error.exitCode;
  const decision = outcome.decided?.decision;
  switch (decision?.kind) {
    case 'undecided':
      return exitCodes.undecided;
    case 'report':
      return exitCodes.found;
    case 'hold':
      if (decision.action === 'raise-ttl') return exitCodes.ok;
      // A person's turn is a finding; a guard's no is a refusal. Coming back may wait: mail is well where it is.
      if (decision.action === 'return') return exitCodes.ok;
      return decision.isModeOnly ? exitCodes.found : exitCodes.refused;
    default:
      return exitCodes.ok;
  }
}

/** What went wrong with a route in this round; null where nothing did. */
export function routeError({ error, moved }: RouteOutcome): AppError | null {
  if (error !== null) return error;
  if (moved === null) return null;
  if (moved.action === null) {
    const [first] = moved.refusedBy;
    return first === undefined
      ? null
      : new AppError('refused', `refused by ${first.name} at the last look: ${first.reason}`, {
          exitCode: exitCodes.refused,
        });
  }
  return errorOf({ action: moved.action, fault: moved.fault });
}

/** Rounds until the signal; each begins an interval after the last one began, or at once where that took longer. */
export async function runRounds(
  intervalMs: number,
  deps: Deps,
  signal: AbortSignal,
  onRound: (result: CycleResult) => void,
  onMissed: (error: AppError) => void,
): Promise<void> {
  while (!signal.aborted) {
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
