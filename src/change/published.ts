// What a path would publish, and which path DNS publishes now. The active path is found by comparing the live RRsets
// with what each path would publish; it is never remembered.

import type { DomainName } from '../model/domain-name.ts';
import type { AddressPath, MailPath, MxPath } from '../model/mail-path.ts';
import { formatMx } from '../model/mx.ts';
import { pathOf, type Route, type RouteRecords } from '../model/route.ts';
import { hasSameRdata, rrsetOf, type Rrset, type RrType } from '../model/rrset.ts';

/** One owner and type of a route, with where it lives. */
export interface RrsetPlace {
  readonly records: RouteRecords;
  readonly owner: DomainName;
  readonly type: RrType;
}

/** Key of an RRset in maps. */
export function rrsetKey(owner: DomainName, type: RrType): string {
  return `${owner} ${type}`;
}

/** Every RRset a route stands on, in config order: MX of each owner, or A and AAAA. */
export function placesOf(route: Route): RrsetPlace[] {
  const types: readonly RrType[] = route.strategy === 'mx' ? ['MX'] : ['A', 'AAAA'];
  const places: RrsetPlace[] = [];
  for (const records of route.records)
    for (const owner of records.owners) for (const type of types) places.push({ records, owner, type });
  return places;
}

/** What `path` publishes at this owner and type; null = nothing (an address path without IPv6 has no AAAA). */
export function desiredRrset(
  route: Route,
  path: MailPath,
  place: Pick<RrsetPlace, 'owner' | 'type'>,
  ttl: number,
): Rrset | null {
  const rdata = path.kind === 'mx' ? mxValues(route, path) : addressValues(path, place);
  return rdata.length === 0 ? null : rrsetOf(place.owner, place.type, ttl, rdata);
}

function mxValues(route: Route, path: MxPath): string[] {
  const values = path.mx.map(formatMx);
  for (const name of route.keep) {
    const kept = name === path.name ? undefined : pathOf(route, name);
    if (kept?.kind === 'mx') values.push(...kept.mx.map(formatMx));
  }
  return values;
}

function addressValues(path: AddressPath, place: Pick<RrsetPlace, 'owner' | 'type'>): string[] {
  const wantsIpv6 = place.type === 'AAAA';
  return (path.addresses.get(place.owner) ?? []).filter((address) => address.includes(':') === wantsIpv6);
}

/** One RRset as it is live. `undefined` in the map of live RRsets = nobody could say. */
export type LiveRrsets = ReadonlyMap<string, Rrset | null>;

export type LiveMatch =
  | {
      readonly kind: 'path';
      readonly path: string;
      /** Lowest and highest TTL of the route's live RRsets; seconds. */
      readonly ttl: { readonly least: number; readonly most: number };
    }
  /** Every RRset is some declared path's, but not all the same path's: a change that stopped half way, or somebody's
   *  hand. */
  | { readonly kind: 'mixed'; readonly paths: readonly (readonly [owner: DomainName, path: string])[] }
  /** At least one RRset is what no path would publish. */
  | {
      readonly kind: 'drift';
      readonly foreign: readonly (readonly [place: RrsetPlace, live: Rrset | null])[];
    }
  /** At least one RRset could not be read. */
  | { readonly kind: 'unseen'; readonly places: readonly RrsetPlace[] };

/** Which path the live RRsets publish. TTLs do not count: a lowered TTL is not drift. */
export function matchLive(route: Route, live: LiveRrsets): LiveMatch {
  const places = placesOf(route);
  const unseen = places.filter((place) => !live.has(rrsetKey(place.owner, place.type)));
  if (unseen.length > 0) return { kind: 'unseen', places: unseen };
  const common = matchingPath(route, places, live);
  if (common === undefined) return mismatch(route, places, live);
  const ttls = places.flatMap((place) => liveAt(live, place)?.ttl ?? []);
  return { kind: 'path', path: common.name, ttl: { least: Math.min(...ttls), most: Math.max(...ttls) } };
}

function mismatch(route: Route, places: readonly RrsetPlace[], live: LiveRrsets): LiveMatch {
  const foreign = places.filter((place) => matchingPath(route, [place], live) === undefined);
  return foreign.length === 0
    ? { kind: 'mixed', paths: pathsByOwner(route, places, live) }
    : { kind: 'drift', foreign: foreign.map((place) => [place, liveAt(live, place)]) };
}

/** An owner whose own RRsets disagree (its A written, its AAAA not yet) stands there once for each. */
function pathsByOwner(
  route: Route,
  places: readonly RrsetPlace[],
  live: LiveRrsets,
): (readonly [owner: DomainName, path: string])[] {
  return [...Map.groupBy(places, (place) => place.owner)].flatMap(([owner, own]) => {
    const whole = matchingPath(route, own, live);
    const paths = whole === undefined ? own.map((place) => matchingPath(route, [place], live)) : [whole];
    return [...new Set(paths)].map((path) => [owner, path?.name ?? ''] as const);
  });
}

function liveAt(live: LiveRrsets, place: RrsetPlace): Rrset | null {
  return live.get(rrsetKey(place.owner, place.type)) ?? null;
}

/** The likeliest path that publishes exactly what these places hold. */
function matchingPath(route: Route, places: readonly RrsetPlace[], live: LiveRrsets): MailPath | undefined {
  return candidatesOf(route).find((path) =>
    places.every((place) => hasSameRdata(desiredRrset(route, path, place, 0), liveAt(live, place))),
  );
}

/** Paths that may be active: the preferred, then the failover paths in order, then the rest that are not kept. */
export function candidatesOf(route: Route): MailPath[] {
  const names = new Set([route.prefer, ...route.failoverTo]);
  const rest = route.paths.filter((path) => !names.has(path.name) && !route.keep.includes(path.name));
  return [...[...names].flatMap((name) => pathOf(route, name) ?? []), ...rest];
}
