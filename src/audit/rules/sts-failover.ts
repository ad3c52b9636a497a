// RFC 8461 §8.4: senders that reach the active exchange never test the others.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { unlistedBy } from '../../model/sts.ts';
import { deliverableOf, nothing } from '../published.ts';

export const stsFailover: Rule = {
  id: 'sts-failover',
  severity: 'warn',
  title: 'MTA-STS policy does not list the failover hosts',
  why: 'The policy lists the exchanges of every day and not those that a failover would publish. Nothing shows it until the outage: then senders that keep MTA-STS hold the mail, and a new policy reaches them only after they ask again. Failover hosts belong into the policy for good.',
  reference: 'RFC 8461 §8.4',
  example: `
    ; failover spool.example.org
    _mta-sts.example.com. 300 IN TXT "v=STSv1; id=20260101"
    ; policy enforce mx1.example.net
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts, _subject, context) {
    const { sts } = facts;
    if (sts === null || (sts.mode !== 'enforce' && sts.mode !== 'testing')) return nothing;
    const published = deliverableOf(facts).map((one) => one.exchange);
    if (published.length === 0) return nothing;
    const possible = context.failoverHosts(published).filter((one) => !published.includes(one));
    const isTesting = sts.mode === 'testing';
    return unlistedBy(sts, possible).map((exchange) => ({
      about: displayName(exchange),
      reason: `a failover may publish ${displayName(exchange)}, which the policy (${sts.mode}) does not list`,
      instruction: `add "mx: ${displayName(exchange)}" to the policy, then a new id to _mta-sts.${displayName(facts.domain)}`,
      severity: isTesting ? 'note' : 'warn',
    }));
  },
};
