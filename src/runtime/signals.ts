// SIGINT and SIGTERM as an AbortSignal. The first asks for an orderly end: what is under way is settled or journalled
// and leases are released. The second ends the process at once; the journal is made for that. SIGHUP, for services, as a
// wish that waits until there is time for it.

import { AppError, exitCodes } from '../errors.ts';

const names = ['SIGINT', 'SIGTERM'] as const;
type SignalName = (typeof names)[number] | 'SIGHUP';

export interface SignalSource {
  on(name: SignalName, listener: () => void): unknown;
  off(name: SignalName, listener: () => void): unknown;
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

export interface ReloadRequests {
  /** Aborts when somebody asks; a new one after each `take`. */
  readonly signal: AbortSignal;
  /** True once for however many requests came since the last call. */
  take(): boolean;
  /** Gives SIGHUP back to Node's default, which ends the process. */
  dispose(): void;
}

export function listenForReload(source: SignalSource = process): ReloadRequests {
  let asked = new AbortController();
  const onHangUp = () => asked.abort();
  source.on('SIGHUP', onHangUp);
  return {
    get signal() {
      return asked.signal;
    },
    take: () => {
      if (!asked.signal.aborted) return false;
      asked = new AbortController();
      return true;
    },
    dispose: () => void source.off('SIGHUP', onHangUp),
  };
}
