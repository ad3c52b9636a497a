// RFC 2182 §3.1: what is to stand in for another must not fail with it. Said of name servers, true of exchanges.

import type { DomainFacts, ExchangeFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { displayName, type DomainName, isWithin, parentOf } from '../../model/domain-name.ts';
import { isSameNetwork, type Place, placesOf } from '../networks.ts';
import { deliverableOf, exchangesIn, hosts, nothing } from '../published.ts';

export const sharedFate: Rule = {
  id: 'shared-fate',
  severity: 'warn',
  title: 'Backup shares the fate of the primary',
  why: 'A backup at the same address or in the same network (IPv4 /24, IPv6 /48) goes down with what it backs up. One whose name is served by the same name servers cannot be found when those are down; noted for declared backups. Found where every address of the backup is concerned.',
  reference: 'RFC 2182 §3.1',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    example.com. 3600 IN MX 20 mx2.example.net.
    mx1.example.net. 300 IN A 192.0.2.1
    mx2.example.net. 300 IN A 192.0.2.2`,
  judge(facts, _subject, { backups }) {
    const exchanges = exchangesIn(facts);
    if (exchanges.length < 2) return nothing;
    const primaries = primariesOf(facts, exchanges);
    const places = primaries.flatMap((one) => placesOf(one.addresses));
    const found: RuleFinding[] = [];
    for (const one of exchanges) {
      if (primaries.some((primary) => primary.exchange === one.exchange)) continue;
      const finding =
        judgeAddresses(one, places, primaries) ??
        (backups.has(one.exchange) ? judgeServers(one, primaries) : null);
      if (finding !== null) found.push(finding);
    }
    return found.length === 0 ? nothing : found;
  },
};

/** Those of the best preference; of exchanges that are all level the first, for which the others stand in. */
function primariesOf(facts: DomainFacts, exchanges: readonly ExchangeFacts[]): readonly ExchangeFacts[] {
  const mx = deliverableOf(facts);
  const best = mx[0];
  const isLevel = mx.at(-1)?.preference === best?.preference;
  const names = mx.filter((one) => (isLevel ? one === best : one.preference === best?.preference));
  return exchanges.filter((one) => names.some((name) => name.exchange === one.exchange));
}

function judgeAddresses(
  { exchange, addresses }: ExchangeFacts,
  others: readonly Place[],
  primaries: readonly ExchangeFacts[],
): RuleFinding | null {
  const own = placesOf(addresses);
  const isSame = (one: Place) => others.some((other) => other.address === one.address);
  const isNear = (one: Place) => isSame(one) || others.some((other) => isSameNetwork(one, other));
  if (own.length === 0 || !own.every(isNear)) return null;
  const where = own.every(isSame) ? 'at the same address as' : 'in the same network as';
  return {
    about: displayName(exchange),
    reason: `${displayName(exchange)} is ${where} ${hosts(primaries.map((one) => one.exchange))}: they fail together`,
    instruction: `move ${displayName(exchange)} to another network, best at another site and provider`,
  };
}

function judgeServers(one: ExchangeFacts, primaries: readonly ExchangeFacts[]): RuleFinding | null {
  const own = one.nameServers;
  const others = primaries.flatMap((primary) => primary.nameServers ?? []);
  if (own === null || own.length === 0 || others.length === 0) return null;
  if (!own.every((server) => others.some((other) => isOfOneDomain(server, other)))) return null;
  const domains = [...new Set(own.map((server) => displayName(parentOf(server))))];
  return {
    about: displayName(one.exchange),
    reason: `${displayName(one.exchange)} is served by the name servers of the primary (${domains.join(', ')})`,
    instruction: `have the zone of ${displayName(one.exchange)} served by another DNS provider`,
    severity: 'note',
  };
}

function isOfOneDomain(a: DomainName, b: DomainName): boolean {
  const parent = parentOf(a);
  return a === b || (parent !== '.' && isWithin(b, parent));
}
