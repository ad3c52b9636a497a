// SIGINT and SIGTERM as an AbortSignal. The first asks for an orderly end: what is under way is settled or journalled
// and leases are released. The second ends the process at once; the journal is made for that.

import { AppError, exitCodes } from '../errors.ts';

const names = ['SIGINT', 'SIGTERM'] as const;

export interface SignalSource {
  on(name: (typeof names)[number], listener: () => void): unknown;
  off(name: (typeof names)[number], listener: () => void): unknown;
  exit(code: number): void;
}

export interface ShutdownSignal {
  /** Its reason is an AppError `interrupted`. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node's defaults. */
  readonly dispose: () => void;
}

export function listenForShutdown(source: SignalSource = process): ShutdownSignal {
  const controller = new AbortController();
  const listeners = names.map((name) => ({
    name,
    listener: () => {
      if (controller.signal.aborted) {
        source.exit(exitCodes.interrupted);
        return;
      }
      controller.abort(
        new AppError('interrupted', `stopped by ${name}`, {
          hint: 'the next run settles what was under way; mxctl status shows it',
          exitCode: exitCodes.interrupted,
          retryable: true,
        }),
      );
    },
  }));
  for (const { name, listener } of listeners) source.on(name, listener);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const { name, listener } of listeners) source.off(name, listener);
    },
  };
}
