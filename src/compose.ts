// Builds what a command needs, as late as it can: a command that reads no config loads neither zod nor SQL.

import { systemClock } from './runtime/clock.ts';
import type { Clock } from './runtime/clock.ts';
import { createLogger } from './runtime/logger.ts';
import type { Logger } from './runtime/logger.ts';
import { createAbortOnSignals } from './runtime/signals.ts';

/** One run of one command. */
export interface Runtime {
  /** ULID: names the run in the envelope, the journal and the history. */
  readonly runId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Registers what must be closed at the end of the run; the last registered closes first. */
  onClose(close: () => Promise<void> | void): void;
  /** Closes everything, whatever fails on the way; throws the first failure. */
  close(): Promise<void>;
}

export async function createRuntime(options: { isVerbose: boolean }): Promise<Runtime> {
  const { ulid } = await import('ulid');
  const { signal, dispose } = createAbortOnSignals();
  const closers: (() => Promise<void> | void)[] = [dispose];
  return {
    runId: ulid(systemClock.now()),
    clock: systemClock,
    logger: createLogger(process.stderr, options.isVerbose),
    signal,
    onClose: (close) => void closers.push(close),
    close: async () => {
      const failures: unknown[] = [];
      for (const close of closers.splice(0).reverse()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
