// RFC 8461 §3.1: the id tells senders that the policy has changed.

import type { Rule } from '../../model/audit.ts';
import { listed, nothing } from '../published.ts';

export const stsId: Rule = {
  id: 'sts-id',
  severity: 'warn',
  title: 'MTA-STS policy changed, its id did not',
  why: 'Senders keep a policy for as long as its max_age says and fetch it anew when the id in DNS changes. With the old id they keep to the old list of hosts, for weeks as a rule. Found by comparing with the run before.',
  reference: 'RFC 8461 §3.1',
  example: `
    ; before 20260101 mx1.example.net
    _mta-sts.example.com. 300 IN TXT "v=STSv1; id=20260101"
    ; policy enforce mx1.example.net mx2.example.net
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge({ domain, sts, stsId: id }, _subject, context) {
    if (sts === null || id === null || sts.mode === 'unknown' || sts.mode === 'absent') return nothing;
    const before = context.before(domain);
    if (before?.stsId !== id || isSameSet(before.patterns, sts.patterns)) return nothing;
    return [
      {
        about: null,
        reason: `the policy lists ${listed(sts.patterns) || 'no host'} instead of ${listed(before.patterns) || 'none'}, the id is still ${id}`,
        instruction: `publish _mta-sts.${domain} TXT "v=STSv1; id=SERIAL" with an id that was never used`,
      },
    ];
  },
};

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.every((one) => b.includes(one)) && b.every((one) => a.includes(one));
}
