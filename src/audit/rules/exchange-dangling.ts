// RFC 5321 §5.1: mail goes to whoever holds the name in the MX.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { exchangesIn, isMissing, judgeEach, kindOfName } from '../published.ts';

export const exchangeDangling: Rule = {
  id: 'exchange-dangling',
  severity: 'error',
  title: 'Exchange in a domain that anybody may register',
  why: 'The domain of the exchange is not registered. Whoever registers it takes all mail that goes there, can have certificates issued for the domain, and can reset passwords everywhere. A misspelt name is the usual cause, a provider that gave up its domain the other.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; unregistered exmaple.net
    example.com. 3600 IN MX 10 mx1.exmaple.net.`,
  judge(facts) {
    return judgeEach(exchangesIn(facts), ({ exchange, addresses, registrable }) => {
      if (registrable?.outcome !== 'nxdomain' || !isMissing(addresses)) return null;
      if (kindOfName(exchange) === 'literal') return null;
      const host = displayName(exchange);
      return {
        about: host,
        reason: `${host} stands in ${displayName(registrable.domain)}, which is not registered: whoever registers it gets the mail`,
        instruction: `take ${host} out of the MX now, or register ${displayName(registrable.domain)}`,
      };
    });
  },
};
