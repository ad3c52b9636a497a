// RFC 5321 §5.1: a preference a host.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { deliverableOf, mxLine, nothing } from '../published.ts';

export const duplicateExchange: Rule = {
  id: 'duplicate-exchange',
  severity: 'warn',
  title: 'Exchange named twice',
  why: 'The same exchange at two preferences looks like a backup and is none: senders try the same host again. Left over, as a rule, from a change of preference.',
  reference: 'RFC 5321 §5.1',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 20 mx1.example.net.`,
  judge(facts) {
    const mx = deliverableOf(facts);
    if (new Set(mx.map((one) => one.exchange)).size === mx.length) return nothing;
    return mx
      .filter((one, at) => mx.findIndex((other) => other.exchange === one.exchange) < at)
      .map((one) => ({
        about: displayName(one.exchange),
        reason: `${displayName(one.exchange)} is named more than once, again at preference ${one.preference}`,
        instruction: `delete ${mxLine(facts.domain, one)}`,
      }));
  },
};
