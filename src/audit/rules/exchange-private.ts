// RFC 1918 §3: private addresses mean nothing outside.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { placesOf, unreachableAs } from '../networks.ts';
import { exchangesIn, judgeEach, listed } from '../published.ts';

export const exchangePrivate: Rule = {
  id: 'exchange-private',
  severity: 'error',
  title: 'Exchange at a private or loopback address',
  why: 'Nobody outside reaches a private or loopback address: senders wait for a timeout, connect to themselves, or to a stranger on their own network. Right only in a view of DNS that is not public.',
  reference: 'RFC 1918 §3',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    mx1.example.net. 3600 IN A 10.0.0.25`,
  judge(facts) {
    return judgeEach(exchangesIn(facts), ({ exchange, addresses }) => {
      const all = placesOf(addresses);
      let bad: string[] | null = null;
      for (const place of all) {
        const why = unreachableAs(place);
        if (why !== null) (bad ??= []).push(`${place.address} (${why})`);
      }
      if (bad === null) return null;
      return {
        about: displayName(exchange),
        reason: `${displayName(exchange)} has ${listed(bad)}: nobody outside reaches it`,
        instruction: `give ${displayName(exchange)} public A and AAAA records only`,
        severity: bad.length === all.length ? 'error' : 'warn',
      };
    });
  },
};
