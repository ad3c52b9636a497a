// Where the state store cannot be used: a command that only looks goes on and says what that costs, one that changes
// DNS stops and says how a person can act without it.

import type { Program } from '../compose.ts';
import { StoreError } from '../errors.ts';
import type { Warning } from '../render/envelope.ts';

export function storeWarnings({ storeFault }: Pick<Program, 'storeFault'>): Warning[] {
  if (storeFault === null) return [];
  const { code, message, hint } = storeFault;
  return [
    {
      code,
      message: `${message}: looked without it, so no history, pauses or counters${hint === null ? '' : `; ${hint}`}`,
      subject: null,
    },
  ];
}

/** For commands with --offline-state. */
export async function orTellOffline<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    // Fenced: the store works, and another run has the route.
    if (!(error instanceof StoreError) || error.code === 'store-fenced') throw error;
    const { code, message, hint, exitCode, retryable, cause } = error;
    const otherwise = 'to act without it all the same: --offline-state --reason TEXT';
    throw new StoreError(code, message, {
      hint: hint === null ? otherwise : `${hint}\n${otherwise}`,
      exitCode,
      retryable,
      cause,
    });
  }
}
