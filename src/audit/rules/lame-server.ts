// RFC 1912 §2.8: a lame delegation names a server that does not serve the zone.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { authoritiesOf } from '../authorities.ts';
import { nothing } from '../published.ts';

export const lameServer: Rule = {
  id: 'lame-server',
  severity: 'warn',
  title: 'Lame name server',
  why: 'A name server that the zone is delegated to does not serve it. Look-ups get slower, and one server less is left when another is down. Where it is a host that somebody else can get hold of, so is the zone.',
  reference: 'RFC 1912 §2.8',
  example: `
    ; server ns1.example.net [192.0.2.53] answers 3600 10 mx1.example.net.
    ; server ns2.example.net [198.51.100.53] lame REFUSED
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts) {
    const all = authoritiesOf(facts);
    // All of them: told by broken-delegation.
    if (all.every((one) => one.outcome !== 'lame') || all.every((one) => one.outcome === 'lame'))
      return nothing;
    return all
      .filter((one) => one.outcome === 'lame')
      .map(({ server, reason }) => ({
        about: server,
        reason: `${server} does not serve the zone${reason === null ? '' : `: ${reason}`}`,
        instruction: `serve ${displayName(facts.domain)} at ${server}, or take it out of the NS records at the registrar and in the zone`,
      }));
  },
};
