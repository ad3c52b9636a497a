// Contract of the canary probe: hands one message to one hop, and looks into the mailbox where it should arrive.
// Whatever the remotes do comes back as a value; throws for an abort, our own bug, and ConfigError for a secret.

import type { TraceHop } from '../model/canary.ts';
import type { Hop } from '../model/hop.ts';
import type { SmtpReply } from '../model/observation.ts';

export interface CanaryOrder {
  readonly token: string;
  readonly route: string;
  readonly path: string;
  readonly vantage: string;
  readonly hop: Hop;
  /** Of its Date field: the first attempt, so that a second attempt is the same message; ms. */
  readonly sentAt: number;
}

/**
 * handed       2yz to the end of DATA
 * deferred     4yz to anything, or 421 at the greeting
 * refused      5yz to anything
 * unreachable  no greeting, no connection, or lost before the message was on the wire
 * unknown      lost after the message was on the wire: it may have been taken
 */
export interface HandOver {
  readonly outcome: 'handed' | 'deferred' | 'refused' | 'unreachable' | 'unknown';
  /** Instant it was settled; ms. */
  readonly at: number;
  readonly reply: SmtpReply | null;
  readonly queueId: string | null;
  /** One sanitised line, e.g. `450 4.2.0 greylisted at rcpt`. */
  readonly summary: string;
}

/** A letter in the mailbox that carries a token; whether the token is ours is for `idOf` to say. */
export interface FoundLetter {
  /** As the letter has it: from its own header field, or from the subject where a filter took that off. */
  readonly token: string;
  readonly isBySubject: boolean;
  /** When the store says it came (INTERNALDATE, mtime, the endpoint's word); ms; null where it does not. */
  readonly storedAt: number | null;
  readonly isSpam: boolean;
  readonly trace: readonly TraceHop[];
}

/** A delivery status notification about a letter of ours (RFC 3464). */
export interface FoundBounce {
  readonly token: string;
  /** One sanitised line: status, diagnostic code, reporting host. */
  readonly text: string;
}

export type MailboxAnswer =
  | {
      readonly outcome: 'read';
      readonly letters: readonly FoundLetter[];
      readonly bounces: readonly FoundBounce[];
      /** More letters than one look takes: the rest is for the next. */
      readonly isCut: boolean;
    }
  /** Sanitised: what failed, why, and what to do about it. */
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** An opened place of arrival. Not used by two callers at once. */
export interface ArrivalMailbox {
  /** Letters with tokens that came at or after `sinceAt` (ms), with a margin for clocks. */
  look(sinceAt: number, signal: AbortSignal): Promise<MailboxAnswer>;
  /** Takes letters and notifications with these tokens away, those alone. Best effort: false where it could not, or
   *  where the place does not know how. */
  remove(tokens: ReadonlySet<string>, signal: AbortSignal): Promise<boolean>;
  /** Returns when something may have come, at the latest after `mostMs`. */
  changed(mostMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The canary probe of one route. */
export interface CanaryProbe {
  /** Routes with the same text share a place of arrival, so one look serves them all. Holds no secret. */
  readonly mailboxKey: string;
  tokenOf(id: string): string;
  /** The id of a token of our making; null for any other. Constant time. */
  idOf(token: string): string | null;
  handOver(order: CanaryOrder, signal: AbortSignal): Promise<HandOver>;
  /** Opens the place of arrival; what is wrong with it is told by the first look. */
  openMailbox(): ArrivalMailbox;
}
