// RFC 1034 §4.3.5: secondaries serve what the primary serves.

import type { AuthorityFacts, Rule } from '../../model/audit.ts';
import { authoritiesOf } from '../authorities.ts';
import { listed, nothing } from '../published.ts';

export const authoritiesDisagree: Rule = {
  id: 'authorities-disagree',
  severity: 'error',
  title: 'Name servers disagree',
  why: 'The authoritative servers give different MX, so which exchange gets a mail is a matter of chance. A secondary that no longer gets the zone is the usual cause; after a move it keeps mail at the old place until somebody notices.',
  reference: 'RFC 1034 §4.3.5',
  example: `
    ; server ns1.example.net [192.0.2.53] answers 3600 10 mx1.example.net.
    ; server ns2.example.net [198.51.100.53] answers 3600 10 old.example.org.
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts) {
    const groups = new Map<string, AuthorityFacts[]>();
    for (const one of authoritiesOf(facts)) {
      if (one.outcome !== 'answer' && one.outcome !== 'absent') continue;
      const said = one.outcome === 'absent' || one.rdata.length === 0 ? 'no MX' : listed(one.rdata);
      groups.set(said, [...(groups.get(said) ?? []), one]);
    }
    if (groups.size < 2) return nothing;
    const sides = [...groups].map(([said, who]) => `${said} at ${listed(who.map((one) => one.server))}`);
    return [
      {
        about: null,
        reason: `name servers disagree: ${listed(sides)}`,
        instruction:
          'have every name server load the current zone: compare their SOA serials, then NOTIFY, transfer and TSIG keys',
      },
    ];
  },
};
