// Ctrl-C and SIGTERM as an AbortSignal. The first asks the command to stop where it is safe; the second stops the
// process at once, for the person who will not wait.

import { AppError, exitCodes } from '../errors.ts';

export interface AbortOnSignals {
  /** Aborted with an AppError `interrupted` as its reason. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node's defaults. */
  readonly dispose: () => void;
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const;

export function createAbortOnSignals(): AbortOnSignals {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(
      new AppError('interrupted', `stopped by ${name} before it was done`, {
        exitCode: exitCodes.interrupted,
        hint: 'mxctl status shows how things stand now',
        retryable: true,
      }),
    );
  };
  for (const name of stopSignals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of stopSignals) process.off(name, onSignal);
    },
  };
}
