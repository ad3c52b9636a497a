// Health of a hop and of a path: what thresholds make of observations. Computed in health/, kept by the store.

import type { Fate } from './fate.ts';
import type { Hop } from './hop.ts';

export type HopStatus = 'unknown' | 'up' | 'down';

export interface HealthThresholds {
  /** Accumulated failures that take an up hop down. */
  readonly fall: number;
  /** The same where the hop bounces or swallows: sooner, because that mail is lost. */
  readonly fallRejecting: number;
  /** Successes in a row that forgive accumulated failures (and settle a hop that was never measured). */
  readonly forgive: number;
  /** Successes in a row that bring a down hop up. */
  readonly rise: number;
  /** Results older than this are unknown; three intervals. */
  readonly staleAfterMs: number;
}

/** Counters of one hop as seen from one vantage; persisted, so that cron runs continue them. */
export interface HopHealth {
  readonly status: HopStatus;
  /** Instant the status was reached; ms. */
  readonly since: number;
  /** Failures since the last forgiveness. */
  readonly failures: number;
  /** Of those, how many bounced or swallowed. */
  readonly rejections: number;
  /** Successes in a row. */
  readonly successes: number;
  /** Instant of the last conclusive observation; ms; 0 where none. */
  readonly lastAt: number;
  /** Fate of the last conclusive observation; while down that of the last failure, poison only once enough of them
   *  were. */
  readonly fate: Fate;
  /** Summary of the last conclusive observation. */
  readonly summary: string;
  readonly isSlow: boolean;
  /** The greeting itself was 5xx: harmless while another hop answers, a bounce (Exim) where it is the last one. */
  readonly greetsWith5xx: boolean;
  /** Instant the present run of failures began; ms; null while passing. */
  readonly failingSince: number | null;
}

/** A hop with its place in a path and its health. */
export interface RankedHop {
  readonly hop: Hop;
  readonly preference: number;
  readonly health: HopHealth;
}

export type PathStatus = 'ok' | 'degraded' | 'down' | 'unknown';

export interface PathHealth {
  readonly status: PathStatus;
  /** What a standard sender's message meets on this path now. */
  readonly fate: Fate;
  readonly hops: readonly RankedHop[];
  readonly upCount: number;
  /** One line for people: why. */
  readonly reason: string;
  /** Instant the path began to fail; ms; null while it does not. */
  readonly failingSince: number | null;
}
