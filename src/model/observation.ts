// What one probe of one hop measured. No thresholds and no memory: those are in health/.

import type { PresentedChain } from './dane.ts';
import type { DomainName } from './domain-name.ts';
import type { Fate } from './fate.ts';

/** Stages of a probe, in their order. It never gets to DATA. */
export const stages = [
  'resolve',
  'connect',
  'banner',
  'ehlo',
  'starttls',
  'tls',
  'ehlo2',
  'mail',
  'rcpt',
  'quit',
] as const;
export type Stage = (typeof stages)[number];

/** inconclusive: our own network or machine failed, nothing is known about the hop. */
export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface SmtpReply {
  /** Three digits (RFC 5321 §4.2). */
  readonly code: number;
  /** RFC 3463, e.g. `4.7.0`; null where absent. */
  readonly enhanced: string | null;
  /** Sanitised: printable, bounded, lines joined by ` / `. */
  readonly text: string;
}

export interface StageResult {
  readonly stage: Stage;
  readonly ok: boolean;
  readonly elapsedMs: number;
  readonly reply: SmtpReply | null;
  /** What went wrong where no reply tells, e.g. `connection refused`, `no answer for 30 s`. */
  readonly fault: string | null;
}

export interface TlsFacts {
  readonly protocol: string;
  /** True where the chain is trusted and a SAN names the exchange (RFC 8461 §4.2, RFC 6125). */
  readonly isNameGood: boolean;
  readonly isChainTrusted: boolean;
  /** Why not, in a word of OpenSSL's or ours; null where good. */
  readonly fault: string | null;
  /** Instant; ms since the epoch. */
  readonly expiresAt: number | null;
  /** DNS-IDs of the certificate, at most 20. */
  readonly names: readonly string[];
  /** For comparing with TLSA records in the run that saw it; null in an observation read back from the store. */
  readonly presented: PresentedChain | null;
}

export interface Observation {
  readonly exchange: DomainName;
  readonly address: string | null;
  readonly port: number;
  readonly vantage: string;
  /** Instant the probe began; ms since the epoch. */
  readonly at: number;
  readonly elapsedMs: number;
  readonly verdict: Verdict;
  readonly fate: Fate;
  /** The stage that settled it: the failing one, or the last one that passed. */
  readonly stage: Stage;
  readonly stages: readonly StageResult[];
  /** Reply that settled it, if any. */
  readonly reply: SmtpReply | null;
  /** One sanitised line for people, e.g. `421 4.3.2 try later at banner`. */
  readonly summary: string;
  /** Slower than `slow_after`: degraded, not down. */
  readonly isSlow: boolean;
  readonly tls: TlsFacts | null;
  readonly offersStarttls: boolean | null;
  /** True where RCPT of the canary address was tried and taken; false refused; null not tried. */
  readonly takesCanary: boolean | null;
}
