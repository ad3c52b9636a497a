// A canary: a small message of our own that a path must carry to a mailbox we read. What SMTP says of a hop ends at
// 250; whether mail arrives, and when, only a message shows.

import type { Hop } from './hop.ts';
import type { SmtpReply } from './observation.ts';
import type { SecretSource } from './secret.ts';

/** Where arrived canaries are looked for. */
export type ArrivalSource =
  | {
      readonly kind: 'imap';
      readonly host: string;
      readonly port: number;
      /** tls: from the first octet (RFC 8314 §3); starttls: before anything else is said. Never in clear. */
      readonly security: 'tls' | 'starttls';
      readonly user: string;
      readonly password: SecretSource;
      readonly mailbox: string;
      /** Mailboxes that count as arrived, and are said. */
      readonly spam: readonly string[];
      /** Absolute file with CAs in PEM trusted beside the system's; null = none. */
      readonly caFile: string | null;
    }
  | { readonly kind: 'maildir'; readonly directory: string; readonly spam: readonly string[] }
  | {
      readonly kind: 'https';
      readonly url: string;
      /** Sent as `Authorization: Bearer`; null = none. */
      readonly token: SecretSource | null;
      readonly caFile: string | null;
    }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: SecretSource;
}

export interface CanaryPolicy {
  /** Envelope sender and From: a domain of our own, never the route's. */
  readonly from: string;
  /** The mailbox that is looked into, reached by every path. */
  readonly to: string;
  /** Time between canaries of one path from one vantage; ms. */
  readonly everyMs: number;
  /** Not arrived for so long after it was handed over: late. ms. */
  readonly delayedAfterMs: number;
  /** Not arrived for so long: swallowed. ms. */
  readonly swallowedAfterMs: number;
  /** Late canaries that take a path down. */
  readonly fall: number;
  /** Canaries in a row that arrived in time and bring it back. */
  readonly rise: number;
  /** Of the HMAC in every token: who does not know it cannot make a canary that counts. */
  readonly key: SecretSource;
  readonly dkim: DkimKey | null;
  /** Paths that get canaries, in config order. */
  readonly paths: readonly string[];
  readonly arrival: ArrivalSource;
}

/**
 * deferred     refused for now (4yz): greylisting, or worse; tried again
 * handed       accepted (2yz to the end of DATA), on its way
 * arrived      seen in the mailbox
 * refused      5yz: the hop takes no such message
 * unreachable  no SMTP conversation came about
 * unknown      the connection was lost after DATA: it may arrive, and counts for nothing if not
 * bounced      a delivery status notification came back (RFC 3464)
 * swallowed    never arrived while its path was in trouble: what a replay must bring
 * lost         never arrived while its path was well: said, and forgiven
 */
export const canaryStates = [
  'deferred',
  'handed',
  'arrived',
  'refused',
  'unreachable',
  'unknown',
  'bounced',
  'swallowed',
  'lost',
] as const;
export type CanaryState = (typeof canaryStates)[number];

/** One `Received` field (RFC 5321 §4.4), sanitised. */
export interface TraceHop {
  readonly from: string | null;
  readonly by: string | null;
  readonly protocol: string | null;
  /** By that hop's clock; ms; null where unreadable. */
  readonly at: number | null;
}

export interface Canary {
  /** ULID; orders canaries by the time they were made. */
  readonly id: string;
  /** What the message carries: `id` and its HMAC. No secret. */
  readonly token: string;
  readonly route: string;
  readonly path: string;
  readonly vantage: string;
  /** The hop it was handed to, or was tried last. */
  readonly hop: Hop;
  /** First attempt; ms. */
  readonly sentAt: number;
  readonly attempts: number;
  /** When a deferred one is tried again; ms; else null. */
  readonly nextAttemptAt: number | null;
  readonly state: CanaryState;
  /** Instant of the reply that took responsibility (RFC 5321 §6.1); ms. */
  readonly handedAt: number | null;
  /** The reply that settled the last attempt. */
  readonly reply: SmtpReply | null;
  /** The hop's own name for the message, from that reply: what to look for in its logs and queues. */
  readonly queueId: string | null;
  /** One sanitised line: how the last attempt ended. */
  readonly summary: string;
  /** When it came to the mailbox, as exactly as is known; ms. */
  readonly arrivedAt: number | null;
  /** In a spam folder: arrived all the same. */
  readonly isSpam: boolean;
  /** Copies found. More than one is no fault: a sender whose reply was lost sends again (RFC 5321 §4.5.3.2.6). */
  readonly copies: number;
  /** Known by the token in its subject alone: something on its way takes header fields off. */
  readonly isBySubject: boolean;
  /** `Received` fields, the first hop first; empty where a filter took them off. */
  readonly trace: readonly TraceHop[];
  /** What the delivery status notification said; null without one. */
  readonly bounce: string | null;
  /** A person said that what this path swallowed was replayed; ms. */
  readonly replayedAt: number | null;
}

/** The last looks into the mailbox of a route's canaries. */
export interface MailboxLook {
  /** Last look that could see what is there; ms; null = none yet. */
  readonly readAt: number | null;
  /** The last look, whether it succeeded or not; ms. */
  readonly triedAt: number;
  /** Why it could not be read; null where it could. */
  readonly fault: string | null;
  /** How far the mailbox's clock is ahead of ours, where that showed; ms. */
  readonly skewMs: number | null;
  /** Letters with tokens of a stranger's making, in the last look. */
  readonly forged: number;
}

/** Latencies of the canaries of one path that were handed over in one hour. */
export interface LatencyHour {
  readonly route: string;
  readonly path: string;
  /** Start of the hour; ms. */
  readonly hourAt: number;
  readonly handed: number;
  readonly arrived: number;
  /** Of those that arrived; null where none did; ms. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly maxMs: number | null;
}
