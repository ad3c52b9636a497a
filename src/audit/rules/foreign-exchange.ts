// RFC 5321 §5.1: every published exchange gets mail, the one that was forgotten too.

import type { AuditContext, AuditSubject, Rule, RuleFinding } from '../../model/audit.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import { type Mx } from '../../model/mx.ts';
import { deliverableOf, mxLine, nothing } from '../published.ts';

export const foreignExchange: Rule = {
  id: 'foreign-exchange',
  severity: 'warn',
  title: 'Stale or foreign exchange beside ours',
  why: 'An exchange left from before, or of somebody else, takes part of the mail: all of it where it is preferred, and what spammers aim at the last exchange where it is not. It passes by the filters in front of ours. Not judged where the declaration is `contains`: there others are allowed.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; expect exact mx1.example.net
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 50 old.example.org.`,
  judge(facts, subject, context) {
    const { expectation } = subject;
    if (expectation?.match === 'contains') return nothing;
    const mx = deliverableOf(facts);
    if (mx.length < 2 || mx.every((one) => isAllowed(one.exchange, subject, context))) return nothing;
    const ours = mx.filter((one) => isAllowed(one.exchange, subject, context));
    const best = ours[0];
    // None of ours: then this is no leftover, and `expectation` tells it.
    if (best === undefined) return nothing;
    return mx
      .filter((one) => !ours.includes(one))
      .map((one) => findingOf(one, best, facts.domain, expectation?.match === 'exact'));
  },
};

function isAllowed(exchange: DomainName, { expectation }: AuditSubject, { ours }: AuditContext): boolean {
  if (expectation?.mx.includes(exchange) === true) return true;
  return expectation?.match !== 'exact' && ours.has(exchange);
}

function findingOf(one: Mx, best: Mx, domain: DomainName, isExact: boolean): RuleFinding {
  const host = displayName(one.exchange);
  const takes = one.preference < best.preference ? 'mail before ours' : 'mail beside ours';
  const isFirst = one.preference <= best.preference;
  return {
    about: host,
    reason: `${host} is not declared and takes ${takes}`,
    instruction: `delete ${mxLine(domain, one)}`,
    severity: isExact || isFirst ? 'error' : 'warn',
  };
}
