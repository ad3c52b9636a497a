// Of what was declared, not of DNS: an exception that nobody has looked at since its last day.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { nothing } from '../published.ts';

export const expiredIgnore: Rule = {
  id: 'expired-ignore',
  severity: 'warn',
  title: 'Ignore past its last day',
  why: 'Somebody decided not to be told of this domain until a day that is over. It is judged again since then; the entry in the configuration says what nobody means any more. Whatever was to be done meanwhile is done, or is found beside this.',
  reference: null,
  example: `
    ; ignored-until 2026-10-31 migrating, OPS-1182
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 20 mx2.example.org.`,
  judge({ domain }, _subject, context) {
    const ignore = context.expiredIgnore(domain);
    if (ignore === null) return nothing;
    const name = displayName(domain);
    return [
      {
        about: null,
        reason: `was to be ignored until ${ignore.until ?? ''} (${ignore.reason}), and is judged again`,
        instruction: `take ${name} out of ignore in the configuration, or give it a later until and a reason for that`,
      },
    ];
  },
};
