// What an authoritative server says to a question, from the zones it serves. Pure.
// RFC 1034 §4.3.2 (the algorithm), RFC 2308 §2, §3 (negative answers carry the SOA), RFC 2181 §5.4.1 (AA).

import { type DomainName, isWithin } from '../model/domain-name.ts';
import type { Rrset } from '../model/rrset.ts';
import { keyOf, type ZoneSet, type ZoneSnapshot, zoneOf } from './zone.ts';

export interface Answer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  readonly isAuthoritative: boolean;
  readonly answers: readonly Rrset[];
  readonly authorities: readonly Rrset[];
}

/** Longer chains are loops or mistakes; resolvers stop at about this many too. */
const maxAliases = 8;

/** `type` is a name such as `MX`, or `ANY`. */
export function answerQuestion(zones: ZoneSet, name: DomainName, type: string): Answer {
  const zone = zoneOf(zones, name);
  // RFC 8499 §5: a server that does not serve the zone refuses rather than guesses.
  if (zone === null) return { rcode: 'REFUSED', isAuthoritative: false, answers: [], authorities: [] };
  const answers: Rrset[] = [];
  let owner = name;
  for (let alias = 0; alias <= maxAliases; alias++) {
    const found = lookUp(zone, owner, type);
    if (found.length > 0) return positive([...answers, ...found]);
    const cname = zone.rrsets.get(keyOf(owner, 'CNAME'));
    if (cname === undefined) break;
    answers.push(cname);
    owner = cname.rdata[0] as DomainName;
    if (!isWithin(owner, zone.origin)) return positive(answers);
  }
  return {
    rcode: hasName(zone, owner) ? 'NOERROR' : 'NXDOMAIN',
    isAuthoritative: true,
    answers,
    authorities: negativeSoa(zone),
  };
}

const positive = (answers: Rrset[]): Answer => ({
  rcode: 'NOERROR',
  isAuthoritative: true,
  answers,
  authorities: [],
});

function lookUp(zone: ZoneSnapshot, owner: DomainName, type: string): Rrset[] {
  if (type === 'ANY') return [...zone.rrsets.values()].filter((one) => one.owner === owner);
  const rrset = zone.rrsets.get(keyOf(owner, type));
  return rrset === undefined ? [] : [rrset];
}

/** A name exists where it or something below it owns records (RFC 8020). */
function hasName(zone: ZoneSnapshot, name: DomainName): boolean {
  for (const rrset of zone.rrsets.values()) if (isWithin(rrset.owner, name)) return true;
  return false;
}

/** RFC 2308 §3: the TTL of that SOA is the least of MINIMUM and its own. */
function negativeSoa(zone: ZoneSnapshot): Rrset[] {
  const soa = zone.rrsets.get(keyOf(zone.origin, 'SOA'));
  if (soa === undefined) return [];
  const minimum = Number((soa.rdata[0] ?? '').split(' ')[6]);
  return [{ ...soa, ttl: Math.min(soa.ttl, minimum) }];
}
