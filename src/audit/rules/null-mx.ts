// RFC 7505 §3: a single MX of preference 0 and no name says that the domain takes no mail.

import type { Rule } from '../../model/audit.ts';
import { root } from '../../model/domain-name.ts';
import { isNullMx } from '../../model/mx.ts';
import { mxLine, mxLines, mxOf, nothing } from '../published.ts';

export const nullMx: Rule = {
  id: 'null-mx',
  severity: 'error',
  title: 'Null MX',
  why: 'A null MX says that the domain takes no mail: senders return everything at once, and some refuse mail from it. Right for a domain that only serves web pages, and then only noted; an error where exchanges were declared.',
  reference: 'RFC 7505 §3',
  example: `
    ; expect exact mx1.example.net
    example.com. 3600 IN MX 0 .`,
  judge(facts, { expectation }) {
    const mx = mxOf(facts);
    const [only] = mx;
    if (only === undefined || mx.length > 1 || !isNullMx(only)) return nothing;
    const isWanted = expectation?.mx.includes(root) === true;
    if (only.preference !== 0) {
      return [
        {
          about: null,
          reason: `a null MX of preference ${only.preference}: some senders look for a host without a name`,
          instruction: `publish ${mxLine(facts.domain, { preference: 0, exchange: root })}`,
          severity: isWanted ? 'warn' : 'error',
        },
      ];
    }
    if (isWanted) return nothing;
    const reason = 'takes no mail: senders return it at once';
    return expectation === null
      ? [{ about: null, reason, instruction: 'nothing, if the domain is to take no mail', severity: 'note' }]
      : [{ about: null, reason, instruction: `publish ${mxLines(facts.domain, expectation.mx)}` }];
  },
};
