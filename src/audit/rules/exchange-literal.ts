// RFC 5321 §5.1: an exchange is a name that has addresses, never an address.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { deliverableOf, kindOfName, mxLine, nothing } from '../published.ts';

export const exchangeLiteral: Rule = {
  id: 'exchange-literal',
  severity: 'error',
  title: 'Exchange is an address',
  why: 'An MX names a host. An address in its place is read as a name that does not exist: Exim and many others do not deliver, Postfix happens to, and neither DANE nor a certificate can ever fit.',
  reference: 'RFC 5321 §5.1',
  example: `
    example.com. 3600 IN MX 10 192.0.2.1.`,
  judge(facts) {
    const mx = deliverableOf(facts);
    if (mx.every((one) => kindOfName(one.exchange) !== 'literal')) return nothing;
    return mx
      .filter((one) => kindOfName(one.exchange) === 'literal')
      .map((one) => ({
        about: displayName(one.exchange),
        reason: `${displayName(one.exchange)} is an address, not a name`,
        instruction: `give the host a name with an A or AAAA record and publish that instead of ${mxLine(facts.domain, one)}`,
      }));
  },
};
