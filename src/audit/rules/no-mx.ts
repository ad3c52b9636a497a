// RFC 5321 §5.1: without an MX the domain itself is the exchange, at preference 0.

import type { AddressFacts, AuditSubject, DomainFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { addressesOf, isMissing, listed, mxLines, nothing } from '../published.ts';

export const noMx: Rule = {
  id: 'no-mx',
  severity: 'error',
  title: 'No MX',
  why: 'Without an MX senders deliver to the address of the domain itself, as a rule a web server: it refuses the mail, or takes it for somebody else. Without an address too, mail is returned at once. A domain that takes no mail says so with a null MX.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; expect exact mx1.example.net
    example.com. 3600 IN A 192.0.2.80`,
  judge(facts, subject) {
    if (facts.mx.outcome !== 'absent' || facts.mx.malformed.length > 0) return nothing;
    return [findingOf(facts, subject)];
  },
};

function findingOf({ domain, own }: DomainFacts, { expectation }: AuditSubject): RuleFinding {
  const wanted = expectation === null || expectation.mx.length === 0 ? null : expectation.mx;
  return {
    about: null,
    reason: `publishes no MX: ${consequence(own)}`,
    instruction:
      wanted === null
        ? `publish an MX, or ${domain} MX 0 . if the domain is to take no mail`
        : `publish ${mxLines(domain, wanted)}`,
    severity: wanted === null ? 'warn' : 'error',
  };
}

function consequence(own: AddressFacts | null): string {
  if (own === null || own.outcome === 'unknown')
    return 'mail goes to the address of the domain, if it has one';
  return isMissing(own)
    ? 'and no address, so mail to it is returned'
    : `mail goes to the domain itself at ${listed(addressesOf(own))}`;
}
