// RFC 2181 §10.3: the name in an MX must not be an alias.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { exchangesIn, judgeEach } from '../published.ts';

export const exchangeCname: Rule = {
  id: 'exchange-cname',
  severity: 'error',
  title: 'Exchange is an alias',
  why: 'An exchange must have addresses of its own and be no CNAME. Many senders follow one all the same, some do not, and a host that does not know itself by that name may return the mail as a loop.',
  reference: 'RFC 2181 §10.3',
  example: `
    example.com. 3600 IN MX 10 mail.example.com.
    mail.example.com. 3600 IN CNAME mx1.example.net.
    mx1.example.net. 3600 IN A 192.0.2.1`,
  judge(facts) {
    return judgeEach(exchangesIn(facts), ({ exchange, addresses }) => {
      const target = addresses.aliases.at(-1);
      if (target === undefined || addresses.outcome === 'unknown') return null;
      return {
        about: displayName(exchange),
        reason: `${displayName(exchange)} is an alias of ${displayName(target)}`,
        instruction: `name ${displayName(target)} in the MX, or give ${displayName(exchange)} its own A and AAAA records instead of the CNAME`,
      };
    });
  },
};
