// RFC 1123 §2.1: host names are letters, digits and hyphens.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { deliverableOf, kindOfName, mxLine, nothing } from '../published.ts';

export const exchangeName: Rule = {
  id: 'exchange-name',
  severity: 'warn',
  title: 'Exchange is no host name',
  why: 'DNS takes any octets, mail servers do not: Postfix drops exchanges with an underscore or other characters that no host name has, and returns the mail where no other is left. No CA issues a certificate for one.',
  reference: 'RFC 1123 §2.1',
  example: `
    example.com. 3600 IN MX 10 mail_1.example.net.`,
  judge(facts) {
    const mx = deliverableOf(facts);
    if (mx.every((one) => kindOfName(one.exchange) !== 'other')) return nothing;
    return mx
      .filter((one) => kindOfName(one.exchange) === 'other')
      .map((one) => ({
        about: displayName(one.exchange),
        reason: `${displayName(one.exchange)} is no host name: some senders pass it by`,
        instruction: `publish a name of letters, digits and hyphens instead of ${mxLine(facts.domain, one)}`,
      }));
  },
};
