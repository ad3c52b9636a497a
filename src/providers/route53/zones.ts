// Which hosted zone a zone of the config is. By id where one is given, else by name: ListHostedZonesByName takes a name
// as a start position and not as a filter, several zones may share a name, and a zone below ours may hold the owner.

import { type DomainName, isWithin, parentOf, root } from '../../model/domain-name.ts';
import type { Route53Api } from './api.ts';
import { nameFrom, nameTo } from './convert.ts';
import type { Pace } from './pace.ts';
import type { ListedZone, ZonePage } from './shapes.ts';
import { otherZone, wrongZone, zonesAmbiguous, zoneUnknown } from './refusals.ts';

export interface ZoneSearch {
  readonly provider: string;
  readonly api: Route53Api;
  readonly pace: Pace;
  readonly hostedZones: Readonly<Record<DomainName, string>>;
  /** The name servers that the parent delegates a zone to; null where DNS does not say. */
  readonly lookupNs: (zone: DomainName, signal: AbortSignal) => Promise<readonly DomainName[] | null>;
}

export interface HostedZone {
  readonly id: string;
  /** Public hosted zones below it that the account has too. */
  readonly inner: readonly DomainName[];
}

/** Pages of zones walked below ours: 1,000 zones. An owner in a later one goes unnoticed. */
const maxPages = 10;

export async function findZone(
  search: ZoneSearch,
  zone: DomainName,
  signal: AbortSignal,
): Promise<HostedZone> {
  const id = search.hostedZones[zone];
  if (id !== undefined) return { id: await checkedId(search, zone, id, signal), inner: [] };
  const listed = await zonesWithin(search, zone, signal);
  // Private zones answer inside a VPC only: no sender ever sees them.
  const open = listed.filter((one) => !one.isPrivate);
  const named = open.filter((one) => nameFrom(one.name) === zone);
  const [first, ...more] = named;
  if (first === undefined) throw zoneUnknown(search.provider, zone, await nearestAbove(search, zone, signal));
  const inner = open.flatMap((one) => nameFrom(one.name) ?? []).filter((name) => name !== zone);
  if (more.length === 0) return { id: first.id, inner };
  return { id: await delegatedId(search, zone, named, signal), inner };
}

/** Throws where a longer hosted zone holds one of the names. */
export function checkOwners(zone: DomainName, hosted: HostedZone, owners: Iterable<DomainName>): void {
  if (hosted.inner.length === 0) return;
  for (const owner of owners) {
    const inner = hosted.inner.find((one) => isWithin(owner, one));
    if (inner !== undefined) throw otherZone(zone, owner, inner);
  }
}

async function checkedId(
  { api, pace }: ZoneSearch,
  zone: DomainName,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  const details = await pace.call(true, signal, () => api.readZone(id, signal));
  if (nameFrom(details.name) !== zone) throw wrongZone(zone, id, `is called ${details.name}`);
  if (details.isPrivate) throw wrongZone(zone, id, 'is private: senders never see it');
  return id;
}

/** The zone and those below it: the order of names puts them one after the other. */
async function zonesWithin(
  { api, pace }: ZoneSearch,
  zone: DomainName,
  signal: AbortSignal,
): Promise<ListedZone[]> {
  const found: ListedZone[] = [];
  let start: { readonly name: string; readonly id: string | null } = { name: nameTo(zone), id: null };
  for (let page = 0; page < maxPages; page++) {
    const from = start;
    const { zones, next }: ZonePage = await pace.call(true, signal, () => api.listZones(from, signal));
    found.push(...zones.filter((one) => isBelow(one.name, zone)));
    if (next === null || !isBelow(next.name, zone)) break;
    start = next;
  }
  return found;
}

function isBelow(text: string, zone: DomainName): boolean {
  const name = nameFrom(text);
  return name !== null && isWithin(name, zone);
}

/** For the hint: the zone above that the account does have. */
async function nearestAbove(
  { api, pace }: ZoneSearch,
  zone: DomainName,
  signal: AbortSignal,
): Promise<DomainName | null> {
  for (let above = parentOf(zone); above !== root; above = parentOf(above)) {
    const { zones } = await pace.call(true, signal, () =>
      api.listZones({ name: nameTo(above), id: null }, signal),
    );
    if (zones.some((one) => !one.isPrivate && nameFrom(one.name) === above)) return above;
  }
  return null;
}

/** Of zones that share a name the one that the world is sent to. */
async function delegatedId(
  { api, pace, lookupNs }: ZoneSearch,
  zone: DomainName,
  named: readonly ListedZone[],
  signal: AbortSignal,
): Promise<string> {
  const ids = named.map((one) => one.id);
  const delegated = await lookupNs(zone, signal);
  if (delegated === null) throw zonesAmbiguous(zone, ids, 'and DNS does not say which is delegated to');
  const matching: string[] = [];
  for (const id of ids) {
    const { nameServers } = await pace.call(true, signal, () => api.readZone(id, signal));
    const servers = nameServers.flatMap((one) => nameFrom(one) ?? []);
    if (isSameSet(servers, delegated)) matching.push(id);
  }
  const [only, ...more] = matching;
  if (only === undefined) throw zonesAmbiguous(zone, ids, 'and the zone is delegated to none of them');
  // One reusable delegation set may serve both: then DNS cannot tell them apart.
  if (more.length > 0) throw zonesAmbiguous(zone, matching, 'all on the name servers it is delegated to');
  return only;
}

function isSameSet(some: readonly DomainName[], others: readonly DomainName[]): boolean {
  const all = new Set(others);
  return some.length > 0 && all.size === new Set(some).size && some.every((one) => all.has(one));
}
