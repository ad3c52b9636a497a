// RFC 8461 §4.2: the certificate must be valid and name the exchange, not the mail domain.

import type { DomainFacts, ExchangeFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { judgeDane } from '../../model/dane-fit.ts';
import { displayName } from '../../model/domain-name.ts';
import { firstExpiry, tlsFaultOf } from '../../model/tls-fit.ts';
import { exchangesIn, judgeEach, nothing } from '../published.ts';

export const certificate: Rule = {
  id: 'certificate',
  severity: 'warn',
  title: 'Certificate does not match',
  why: 'Seen with --deep: an exchange shows a certificate that is not trusted or does not name it, one that ends within a week, or offers no TLS at all. Where an MTA-STS policy enforces, senders keep such mail; others encrypt without asking, or send in clear. A host whose TLSA records fit needs no CA, unless a policy enforces.',
  reference: 'RFC 8461 §4.2',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    mx1.example.net. 3600 IN A 192.0.2.1
    ; probe mx1.example.net 192.0.2.1 misnamed`,
  judge(facts, _subject, { now }) {
    const published = exchangesIn(facts);
    if ([...published, ...facts.failover].every((one) => one.observations.length === 0)) return nothing;
    const active = judgeEach(published, (one) => judgeHost(one, facts, now));
    const others = facts.mx.outcome === 'found' ? facts.failover : [];
    const later = judgeEach(others, (one) => {
      const finding = judgeHost(one, facts, now);
      return finding === null ? null : { ...finding, severity: 'warn' };
    });
    return [...active, ...later];
  },
};

function judgeHost(one: ExchangeFacts, { sts }: DomainFacts, now: number): RuleFinding | null {
  const { exchange, observations } = one;
  const isEnforced = sts?.mode === 'enforce';
  if (!isEnforced && needsNoCa(one, now)) return null;
  const host = displayName(exchange);
  for (const hop of observations) {
    const fault = tlsFaultOf(hop);
    if (fault === null) continue;
    return {
      about: host,
      reason: `${host} [${hop.address ?? 'no address'}]: ${fault}`,
      instruction: `give ${host} a certificate of a public CA that names ${host}, and offer STARTTLS`,
      severity: isEnforced ? 'error' : 'warn',
    };
  }
  const expiry = firstExpiry(observations, now);
  if (expiry === null || !expiry.isSoon) return null;
  return {
    about: host,
    reason: `the certificate of ${host} is good for ${expiry.daysLeft} more days`,
    instruction: `renew the certificate of ${host}`,
    severity: 'warn',
  };
}

/** RFC 7672 §3.1.1: with DANE-EE(3) neither CA, name nor end of the certificate counts. Where TLSA could not be looked
 *  up, that may be so. */
function needsNoCa({ dane, observations }: ExchangeFacts, now: number): boolean {
  const kind = dane === null ? undefined : judgeDane(dane, observations, now)?.kind;
  return kind === 'fits' || kind === 'failed' || kind === 'unknown';
}
