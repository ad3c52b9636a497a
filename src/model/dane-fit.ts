// Whether a host presents what its TLSA records promise, as a sender that insists on it finds out. One judgement for
// the guard on a move and for the audit. RFC 7672 §2.1.2, §2.2, §3.1.

import { fitsTlsa, type DaneFacts } from './dane.ts';
import { displayName } from './domain-name.ts';
import type { Observation } from './observation.ts';

export interface DaneFit {
  /** fits: a certificate was seen that the records name; unseen: none was seen to compare; unusable: TLS, but not from
   *  whom; unknown: no address could be looked up; failed: the TLSA look-up fails, so senders skip the host; broken: no
   *  TLS, or none that fits, so senders skip the host. */
  readonly kind: 'fits' | 'unseen' | 'unusable' | 'unknown' | 'failed' | 'broken';
  /** One sanitised line; of `fits` the host. */
  readonly reason: string;
}

/** Null where DANE does not concern the host. Of `observations` those of the host and port count. */
export function judgeDane(
  facts: DaneFacts,
  observations: readonly Observation[],
  now: number,
): DaneFit | null {
  const host = displayName(facts.exchange);
  switch (facts.outcome) {
    case 'insecure':
    case 'none':
      return null;
    case 'unknown':
      return { kind: 'unknown', reason: `${host}: TLSA unknown: ${facts.reason ?? 'not found out'}` };
    case 'failed':
      return {
        kind: 'failed',
        reason: `senders with DANE skip ${host}, its TLSA lookup fails: ${facts.reason ?? 'no answer'}`,
      };
    default:
      return judgeHops(facts, hopsOf(facts, observations), now);
  }
}

function hopsOf(facts: DaneFacts, observations: readonly Observation[]): Observation[] {
  return observations.filter((one) => one.exchange === facts.exchange && one.port === facts.port);
}

function judgeHops(facts: DaneFacts, hops: readonly Observation[], now: number): DaneFit {
  const misfit = hops.flatMap((hop) => misfitOf(facts, hop, now) ?? [])[0];
  if (misfit !== undefined) return { kind: 'broken', reason: misfit };
  const host = displayName(facts.exchange);
  if (facts.outcome === 'unusable') {
    return { kind: 'unusable', reason: `no TLSA record of ${host} is usable: TLS without authentication` };
  }
  return hops.some((one) => one.tls?.presented != null)
    ? { kind: 'fits', reason: host }
    : { kind: 'unseen', reason: `${host} has TLSA records but no certificate was seen to compare` };
}

/** What of this hop does not fit the records; null where it fits or nothing was seen. */
function misfitOf({ outcome, records }: DaneFacts, hop: Observation, now: number): string | null {
  const where = `${displayName(hop.exchange)} [${hop.address ?? 'no address'}]`;
  const isTlsBroken = hop.verdict === 'fail' && (hop.stage === 'starttls' || hop.stage === 'tls');
  // A hop that failed at EHLO or before has not said what it offers.
  if (hop.offersStarttls === false && !(hop.verdict === 'fail' && hop.stage === 'ehlo')) {
    return `${where} has TLSA records but offers no STARTTLS`;
  }
  if (isTlsBroken) return `${where} has TLSA records but no TLS: ${hop.summary}`;
  const presented = hop.tls?.presented ?? null;
  // RFC 7672 §2.2: with unusable records TLS is demanded, but not from whom.
  if (presented === null || outcome === 'unusable' || fitsTlsa(records, presented, now)) return null;
  return `${where} presents no certificate that its TLSA records name`;
}
