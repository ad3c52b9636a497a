// What a host shows in TLS, as a sender that insists on a name finds it: for the guard on a move and for the audit.
// RFC 8461 §4.2; senders without MTA-STS or DANE ignore all of it (RFC 7672 §2.2, RFC 8461 §5).

import type { Observation } from './observation.ts';

/** What is wrong with what the hop shows, one sanitised line; null where it fits, or the hop did not get that far. */
export function tlsFaultOf(hop: Observation): string | null {
  if (hop.verdict !== 'pass') return null;
  if (hop.tls !== null && !(hop.tls.isNameGood && hop.tls.isChainTrusted)) {
    return hop.tls.fault ?? 'certificate does not fit';
  }
  return hop.tls === null && hop.offersStarttls === false ? 'offers no STARTTLS' : null;
}

/** A week: a renewal that failed is noticed by then, and there is a working day left to do it by hand; ms. */
const soonMs = 7 * 86_400_000;

export interface Expiry {
  /** Whole days; 0 where it is over. */
  readonly daysLeft: number;
  readonly isSoon: boolean;
}

/** Of the certificate that ends first; null where none was seen. */
export function firstExpiry(hops: readonly Observation[], now: number): Expiry | null {
  let endsAt = Infinity;
  for (const { verdict, tls } of hops) {
    if (verdict === 'pass' && tls?.expiresAt != null) endsAt = Math.min(endsAt, tls.expiresAt);
  }
  if (endsAt === Infinity) return null;
  const leftMs = endsAt - now;
  return { daysLeft: Math.max(0, Math.floor(leftMs / 86_400_000)), isSoon: leftMs < soonMs };
}
