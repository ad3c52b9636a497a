// RFC 5321 §5.1: an exchange must have an address.

import type { DomainFacts, ExchangeFacts, Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { exchangesIn, isMissing, judgeEach, kindOfName } from '../published.ts';

export const exchangeNoAddress: Rule = {
  id: 'exchange-no-address',
  severity: 'error',
  title: 'Exchange without an address',
  why: 'Senders pass by an exchange that has neither A nor AAAA. Where no exchange has one, most return the mail at once: the address of the domain itself is never used where there is an MX.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; nxdomain mx1.example.net
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts) {
    return judgeEach(exchangesIn(facts), (one) => {
      if (!isMissing(one.addresses) || isToldElsewhere(one)) return null;
      const host = displayName(one.exchange);
      const what = one.addresses.outcome === 'nxdomain' ? 'does not exist' : 'has no address';
      const isLeft = isAnyLeft(facts);
      return {
        about: host,
        reason: `${host} ${what}: ${isLeft ? 'senders pass it by' : 'nobody can deliver'}`,
        instruction: `publish ${one.exchange} A ADDRESS, or take ${host} out of the MX`,
        severity: isLeft ? 'warn' : 'error',
      };
    });
  },
};

/** By exchange-literal and exchange-dangling. */
function isToldElsewhere({ exchange, registrable }: ExchangeFacts): boolean {
  return kindOfName(exchange) === 'literal' || registrable?.outcome === 'nxdomain';
}

/** What is unknown may have an address. */
function isAnyLeft(facts: DomainFacts): boolean {
  return (
    facts.mx.mx.length > facts.exchanges.length || facts.exchanges.some((one) => !isMissing(one.addresses))
  );
}
