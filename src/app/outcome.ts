// What a round makes of one route, as an error and an exit code.

import { AppError, exitCodes, type ExitCode } from '../errors.ts';
import type { Decision } from '../decision/decide.ts';
import { errorOf } from './execute.ts';
import type { MoveResult } from './move.ts';

/** What went wrong with a move; null where nothing did. */
export function moveError(moved: MoveResult | null): AppError | null {
  if (moved === null) return null;
  if (moved.action !== null) return errorOf({ action: moved.action, fault: moved.fault });
  const [first] = moved.refusedBy;
  if (first === undefined) return null;
  return new AppError('refused', `refused by ${first.name} at the last look: ${first.reason}`, {
    exitCode: exitCodes.refused,
  });
}

/** A person's turn is a finding; a guard's no is a refusal. Coming back may wait: mail is well where it is. */
export function decisionExitCode(decision: Decision): ExitCode {
  switch (decision.kind) {
    case 'undecided':
      return exitCodes.undecided;
    case 'report':
      return exitCodes.found;
    case 'hold':
      if (decision.action === 'raise-ttl' || decision.action === 'return') return exitCodes.ok;
      return decision.isModeOnly ? exitCodes.found : exitCodes.refused;
    default:
      return exitCodes.ok;
  }
}

/** Codes from the one that matters most; a round has the first that any of its routes has. */
const byWeight: readonly ExitCode[] = [
  exitCodes.bug,
  exitCodes.partial,
  exitCodes.unconfirmed,
  exitCodes.interrupted,
  exitCodes.credentials,
  exitCodes.config,
  exitCodes.locked,
  exitCodes.undecided,
  exitCodes.refused,
  exitCodes.found,
];

export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  const unweighed = codes.find((code) => code !== exitCodes.ok) ?? exitCodes.ok;
  return byWeight.find((code) => codes.includes(code)) ?? unweighed;
}
