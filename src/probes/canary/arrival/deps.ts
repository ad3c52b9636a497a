// What places of arrival need of the program.

import type { Secret, SecretSource } from '../../../model/secret.ts';

export interface ArrivalDeps {
  /** Instant; ms. */
  now(): number;
  /** Throws ConfigError. */
  readSecret(source: SecretSource): Promise<Secret>;
  /** Rejects with the signal's reason on abort. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Bound of each step of a conversation; tests have shorter ones. ms. */
  readonly timeoutMs?: number;
}
