// RFC 7672 §2.2: what holds for the exchange of every day holds for the one that a failover publishes.

import type { DomainFacts, ExchangeFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { judgeDane } from '../../model/dane-fit.ts';
import { displayName } from '../../model/domain-name.ts';
import { exchangesIn, judgeEach, nothing } from '../published.ts';

export const daneFailover: Rule = {
  id: 'dane-failover',
  severity: 'warn',
  title: 'TLSA missing or wrong at a failover host',
  why: 'A failover to a host whose TLSA records do not fit keeps out the mail of every sender with DANE, which nothing shows before. Without TLSA mail flows, but the protection that the active exchanges have is gone while it lasts.',
  reference: 'RFC 7672 §2.2',
  example: `
    ; failover spool.example.org
    example.com. 3600 IN MX 10 mx1.example.net.
    _25._tcp.mx1.example.net. 3600 IN TLSA 3 1 1 c0ffee00
    ; tlsa spool.example.org none`,
  judge(facts, _subject, { now }) {
    return facts.failover.length === 0 || facts.mx.outcome !== 'found'
      ? nothing
      : judgeEach(facts.failover, (one) => judgeHost(one, facts, now));
  },
};

function judgeHost(one: ExchangeFacts, facts: DomainFacts, now: number): RuleFinding | null {
  if (one.dane === null) return null;
  const host = displayName(one.exchange);
  const about = host;
  const fit = judgeDane(one.dane, one.observations, now);
  const instruction = `publish _${one.dane.port}._tcp.${one.exchange} TLSA 3 1 1 with the SHA-256 of the key that ${host} shows`;
  if (fit?.kind === 'broken' || fit?.kind === 'unusable') {
    return { about, reason: `a failover may publish ${host}: ${fit.reason}`, instruction };
  }
  const isMissing = one.dane.outcome === 'none' || one.dane.outcome === 'insecure';
  if (!isMissing || !exchangesIn(facts).some((active) => active.dane?.outcome === 'usable')) return null;
  const why = one.dane.outcome === 'insecure' ? 'its zone is not signed' : 'it has no TLSA records';
  return {
    about,
    reason: `a failover to ${host} gives up DANE: ${why}`,
    instruction:
      one.dane.outcome === 'insecure' ? `sign the zone of ${host}, then ${instruction}` : instruction,
  };
}
