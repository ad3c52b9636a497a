// RFC 1034 §4.2.2: the servers that the parent names must serve the zone.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { authoritiesOf } from '../authorities.ts';
import { listed, nothing } from '../published.ts';

export const brokenDelegation: Rule = {
  id: 'broken-delegation',
  severity: 'error',
  title: 'Broken delegation',
  why: 'None of the name servers that the zone is delegated to serves it. Resolvers answer SERVFAIL, or from a cache that ends soon; senders keep the mail and return it after days. Whoever gets one of those servers to serve the zone decides where mail goes.',
  reference: 'RFC 1034 §4.2.2',
  example: `
    ; server ns1.example.net [192.0.2.53] lame REFUSED
    ; server ns2.example.net [198.51.100.53] lame REFUSED
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts) {
    const all = authoritiesOf(facts);
    if (all.length === 0 || all.some((one) => one.outcome !== 'lame')) return nothing;
    const servers = listed(
      all.map(({ server, reason }) => (reason === null ? server : `${server}: ${reason}`)),
    );
    return [
      {
        about: null,
        reason: `no name server serves the zone (${servers})`,
        instruction: `correct the NS records of ${displayName(facts.domain)} at the registrar, or serve the zone where they point`,
      },
    ];
  },
};
