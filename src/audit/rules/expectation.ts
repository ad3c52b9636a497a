// RFC 5321 §5.1: mail goes where the MX records say, whatever was agreed.

import type { Rule } from '../../model/audit.ts';
import { isNullMx } from '../../model/mx.ts';
import { root } from '../../model/domain-name.ts';
import { hosts, mxLines, mxOf, nothing, records } from '../published.ts';

export const expectation: Rule = {
  id: 'expectation',
  severity: 'error',
  title: 'Declared exchanges are not published',
  why: 'Mail goes where the MX records say. Exchanges that were declared and are not published get none of it: after a move that was never finished, mail still goes to the old place. What is published beside the declared is told by foreign-exchange.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; expect exact mx1.example.net mx2.example.net
    example.com. 3600 IN MX 10 old.example.org.`,
  judge(facts, { expectation: wanted }) {
    const mx = mxOf(facts);
    if (wanted === null || wanted.mx.length === 0 || mx.length === 0) return nothing;
    // Told by null-mx and null-mx-mixed.
    if (mx.some(isNullMx) && !wanted.mx.includes(root)) return nothing;
    const missing = wanted.mx.filter((exchange) => !mx.some((one) => one.exchange === exchange));
    const isMet = wanted.match === 'any' ? missing.length < wanted.mx.length : missing.length === 0;
    if (isMet) return nothing;
    const what = wanted.match === 'any' ? `none of ${hosts(wanted.mx)}` : `not ${hosts(missing)}`;
    const which = wanted.match === 'any' ? 'at least one of ' : '';
    return [
      {
        about: null,
        reason: `publishes ${records(mx)}, ${what}`,
        instruction: `publish ${which}${mxLines(facts.domain, wanted.mx)}`,
      },
    ];
  },
};
