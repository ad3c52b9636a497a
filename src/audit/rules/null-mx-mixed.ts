// RFC 7505 §3: a null MX must stand alone.

import type { Rule } from '../../model/audit.ts';
import { isNullMx } from '../../model/mx.ts';
import { deliverableOf, mxLine, mxOf, nothing } from '../published.ts';

export const nullMxMixed: Rule = {
  id: 'null-mx-mixed',
  severity: 'error',
  title: 'Null MX beside other records',
  why: 'A null MX must stand alone. Beside others it depends on the sender what happens: Postfix takes the whole set for null and returns the mail, others deliver.',
  reference: 'RFC 7505 §3',
  example: `
    example.com. 3600 IN MX 0 .
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts) {
    const mx = mxOf(facts);
    const empty = mx.length > 1 ? mx.filter(isNullMx) : [];
    const [first] = empty;
    if (first === undefined) return nothing;
    const others = deliverableOf(facts).length;
    return [
      {
        about: null,
        reason: `a null MX beside ${mx.length - 1} more: some senders return all mail`,
        instruction:
          others > 0
            ? `delete ${empty.map((one) => mxLine(facts.domain, one)).join(' and ')}`
            : `publish ${facts.domain} MX 0 . alone`,
      },
    ];
  },
};
