// RFC 1035 §3.2.1: a cache may keep a record for its TTL, whatever is published meanwhile.

import type { AuditContext, DomainFacts, ExchangeFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { highestTtlOf } from '../authorities.ts';
import { exchangesIn, mxOf, nothing } from '../published.ts';

export const ttlTooLong: Rule = {
  id: 'ttl-too-long',
  severity: 'warn',
  title: 'TTL too long to recover in time',
  why: 'Caches keep the old records for their TTL, so a failover takes at least as long. The limit follows from what is declared for the route: detection, writing and TTL together must stay within the recovery budget. A TTL that is lowered during an outage comes too late.',
  reference: 'RFC 1035 §3.2.1',
  example: `
    ; max-ttl 3600
    example.com. 86400 IN MX 10 mx1.example.net.`,
  judge(facts, _subject, context) {
    const found: RuleFinding[] = [];
    const own = judgeMx(facts, context);
    if (own !== null) found.push(own);
    for (const one of exchangesIn(facts)) {
      const finding = judgeAddresses(one, context);
      if (finding !== null) found.push(finding);
    }
    return found.length === 0 ? nothing : found;
  },
};

function judgeMx(facts: DomainFacts, { maxTtl }: AuditContext): RuleFinding | null {
  if (maxTtl === null || mxOf(facts).length === 0) return null;
  // What a resolver gives has counted down; at least that long.
  const ttl = Math.max(facts.mx.ttl, highestTtlOf(facts));
  if (ttl <= maxTtl) return null;
  return {
    about: null,
    reason: `MX may be cached for ${ttl} s, the recovery budget allows ${maxTtl} s`,
    instruction: `publish the MX of ${displayName(facts.domain)} with a TTL of ${maxTtl} or less`,
  };
}

function judgeAddresses({ exchange, addresses }: ExchangeFacts, context: AuditContext): RuleFinding | null {
  if (addresses.outcome !== 'found') return null;
  const most = context.maxAddressTtl(exchange);
  if (most === null || addresses.ttl <= most) return null;
  return {
    about: displayName(exchange),
    reason: `addresses of ${displayName(exchange)} may be cached for ${addresses.ttl} s, the recovery budget allows ${most} s`,
    instruction: `publish the A and AAAA of ${displayName(exchange)} with a TTL of ${most} or less`,
  };
}
