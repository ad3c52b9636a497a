// Between the API's RRsets and ours. Pure.

import { canonicalRdata } from '../../dns/canonical.ts';
import type { DomainName } from '../../model/domain-name.ts';
import { parseDomainName } from '../../model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../model/rrset.ts';
import type { ZoneChange } from '../provider.ts';
import type { PowerdnsZone, RrsetPatch } from './api.ts';

/** What the zone holds at this owner and type; disabled records are not served and do not count. The API keeps the
 *  case in which names were written (seen in 4.7.3, 2026-11-21); ours are in lower case. */
export function rrsetIn(zone: PowerdnsZone, owner: DomainName, type: RrType): Rrset | null {
  const found = zone.rrsets.find((one) => one.type === type && isNamed(one.name, owner));
  const contents = (found?.records ?? []).filter((one) => one.disabled !== true).map((one) => one.content);
  if (found === undefined || contents.length === 0) return null;
  return rrsetOf(
    owner,
    type,
    found.ttl,
    contents.map((content) => canonicalRdata(type, content) ?? content),
  );
}

function isNamed(text: string, owner: DomainName): boolean {
  const parsed = parseDomainName(text);
  return parsed.ok && parsed.name === owner;
}

/** REPLACE takes the whole set; EXTEND and PRUNE came with 4.9.12 and 5.0.2 and are not needed. */
export function patchOf({ owner, type, desired }: ZoneChange): RrsetPatch {
  if (desired === null) return { name: owner, type, changetype: 'DELETE' };
  const records = desired.rdata.map((content) => ({ content, disabled: false as const }));
  return { name: owner, type, changetype: 'REPLACE', ttl: desired.ttl, records };
}

/** Secondaries learn of a change by the serial, and without SOA-EDIT-API an API change does not raise it: the flip
 *  would be true on the primary alone. API-made zones have DEFAULT; zones loaded by pdnsutil have nothing. */
export function serialTrap(zone: PowerdnsZone): string | null {
  const hasSecondaries = /^(master|primary|producer)$/i.test(zone.kind);
  return hasSecondaries && (zone.soa_edit_api ?? '') === ''
    ? `PowerDNS will not raise the serial of ${zone.name} on changes by its API, so secondaries will not learn of this: ` +
        `pdnsutil set-meta ${zone.name} SOA-EDIT-API DEFAULT`
    : null;
}
