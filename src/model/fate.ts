// What a standard sender does with a message at a hop (RFC 5321 §4.2.1, §5.1; the table is facts.md §1.6).

/**
 * accepted   taken, and it arrives
 * delayed    taken or reached late
 * deferred   4xx, refused or silent: the sender keeps it and retries
 * bounced    5xx after EHLO: returned to its author now, no other exchange is tried
 * swallowed  taken, never arrives
 * unknown    could not be found out
 */
export type Fate = 'accepted' | 'delayed' | 'deferred' | 'bounced' | 'swallowed' | 'unknown';

/** Fates that no healthy hop behind can absorb: senders never get that far. */
export function isPoison(fate: Fate): boolean {
  return fate === 'bounced' || fate === 'swallowed';
}
