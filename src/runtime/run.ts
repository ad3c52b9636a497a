// One run of one command: its identity, its clock, its end.

import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

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
