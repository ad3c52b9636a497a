// RFC 5321 §5.1: a sender may limit how many addresses it tries.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { addressesOf, deliverableOf, exchangesIn, nothing } from '../published.ts';

/** Postfix's `smtp_mx_address_limit` as shipped: addresses it considers for a destination, best preferences first. */
const postfixAddressLimit = 5;

export const hiddenBackup: Rule = {
  id: 'hidden-backup',
  severity: 'warn',
  title: 'Backup that Postfix never tries',
  why: 'Postfix considers five addresses of a destination, the best preferences first, IPv4 and IPv6 together. Where the better exchanges have five or more, the rest is never tried, however long they are down.',
  reference: 'RFC 5321 §5.1',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 90 spool.example.org.
    mx1.example.net. 300 IN A 192.0.2.1
    mx1.example.net. 300 IN A 192.0.2.2
    mx1.example.net. 300 IN A 192.0.2.3
    mx1.example.net. 300 IN A 192.0.2.4
    mx1.example.net. 300 IN A 192.0.2.5
    spool.example.org. 300 IN A 198.51.100.1`,
  judge(facts) {
    const mx = deliverableOf(facts);
    const best = mx[0]?.preference;
    if (best === undefined || mx.at(-1)?.preference === best) return nothing;
    const exchanges = exchangesIn(facts);
    const seen = new Set<string>();
    let tier = best;
    for (const one of mx) {
      if (one.preference !== tier) {
        // What is unknown adds nothing: at least this many.
        if (seen.size >= postfixAddressLimit) {
          const host = displayName(one.exchange);
          return [
            {
              about: host,
              reason: `before ${host} come ${seen.size} addresses: Postfix tries ${postfixAddressLimit} and never gets to it`,
              instruction: `publish fewer than ${postfixAddressLimit} addresses at the preferences before ${one.preference}`,
            },
          ];
        }
        tier = one.preference;
      }
      const known = exchanges.find((other) => other.exchange === one.exchange);
      if (known !== undefined) for (const address of addressesOf(known.addresses)) seen.add(address);
    }
    return nothing;
  },
};
