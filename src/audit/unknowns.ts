// What could not be found out of a domain, in lines for people. Never a finding.

import type { DomainFacts, ExchangeFacts, Unknowns } from '../model/audit.ts';
import { displayName } from '../model/domain-name.ts';
import { sanitise } from '../model/text.ts';

const noReason = 'not found out';

/** `A/AAAA of mx1.example.net: SERVFAIL from 192.0.2.53#53`. */
export function unknownsOf(facts: DomainFacts): Unknowns {
  const lines: string[] = [];
  const add = (what: string, reason: string | null) => lines.push(sanitise(`${what}: ${reason ?? noReason}`));
  const { mx, own, authorities, sts, tlsRpt, spf } = facts;
  if (mx.outcome === 'unknown') add(`MX of ${displayName(facts.domain)}`, mx.reason);
  if (own?.outcome === 'unknown') add(`A/AAAA of ${displayName(facts.domain)}`, own.reason);
  for (const one of facts.exchanges) addExchange(one, add);
  for (const one of facts.failover) addExchange(one, add);
  for (const one of authorities ?? []) if (one.outcome === 'failed') add(`MX at ${one.server}`, one.reason);
  if (sts?.mode === 'unknown' && sts.fault === null) add(`MTA-STS policy of ${sts.domain}`, sts.reason);
  if (tlsRpt?.outcome === 'unknown') add(`TXT of _smtp._tls.${displayName(facts.domain)}`, tlsRpt.reason);
  if (spf?.outcome === 'unknown') add(`SPF of ${displayName(facts.domain)}`, spf.reason);
  return lines;
}

function addExchange(
  { exchange, addresses, registrable, dane, observations }: ExchangeFacts,
  add: (what: string, reason: string | null) => unknown,
): void {
  if (addresses.outcome === 'unknown') add(`A/AAAA of ${displayName(exchange)}`, addresses.reason);
  if (registrable?.outcome === 'unknown') add(`existence of ${displayName(registrable.domain)}`, null);
  // failed: senders skip the host, but from here it cannot be told from a fault of our own resolver.
  if (dane?.outcome === 'failed' || dane?.outcome === 'unknown') {
    add(`TLSA of _${dane.port}._tcp.${displayName(exchange)}`, dane.reason);
  }
  for (const one of observations) {
    if (one.verdict !== 'inconclusive') continue;
    add(`probe of ${displayName(exchange)} [${one.address ?? 'no address'}]`, one.summary);
  }
}
