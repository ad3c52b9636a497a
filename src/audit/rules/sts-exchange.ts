// RFC 8461 §5: a sender must not deliver to a host that an enforced policy does not list.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { unlistedBy } from '../../model/sts.ts';
import { deliverableOf, nothing } from '../published.ts';

export const stsExchange: Rule = {
  id: 'sts-exchange',
  severity: 'error',
  title: 'MTA-STS policy does not list a published exchange',
  why: 'Senders that keep MTA-STS do not deliver to an exchange that the enforced policy does not list: they pass it by, and where none is listed the mail waits with them until it is returned. In mode testing they deliver and report it.',
  reference: 'RFC 8461 §5',
  example: `
    _mta-sts.example.com. 300 IN TXT "v=STSv1; id=20260101"
    ; policy enforce mx1.example.net
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 20 mx2.example.net.`,
  judge(facts) {
    const { sts } = facts;
    if (sts === null || (sts.mode !== 'enforce' && sts.mode !== 'testing')) return nothing;
    const published = deliverableOf(facts).map((one) => one.exchange);
    const isTesting = sts.mode === 'testing';
    return unlistedBy(sts, published).map((exchange) => ({
      about: displayName(exchange),
      reason: `the policy (${sts.mode}) does not list ${displayName(exchange)}: ${isTesting ? 'reported' : 'senders pass it by'}`,
      instruction: `add "mx: ${displayName(exchange)}" to the policy, then a new id to _mta-sts.${displayName(facts.domain)}`,
      severity: isTesting ? 'warn' : 'error',
    }));
  },
};
