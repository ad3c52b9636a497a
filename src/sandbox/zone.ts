// The records of the sandbox's zones: one store behind the authorities and the update port. Every change makes a
// new immutable set of zones and keeps the old ones, so that an authority can lag behind or be held at a moment.
// Never does I/O. RFC 1035 §5.1 (zone lines), RFC 1982 (serial), RFC 2136 §3.6 (serial moves with every change).

import { type DomainName, domainNameOf, isWithin, root } from '../model/domain-name.ts';
import { isSameRrset, type Rrset, type RrType, rrsetOf } from '../model/rrset.ts';
import type { Clock } from '../runtime/clock.ts';

/** Key of an RRset within a zone: `owner type`. */
export type RrsetKey = `${string} ${string}`;

export interface ZoneSnapshot {
  readonly origin: DomainName;
  readonly rrsets: ReadonlyMap<RrsetKey, Rrset>;
}

export type ZoneSet = ReadonlyMap<DomainName, ZoneSnapshot>;

/** One RRset that changed; null = absent. */
export interface ZoneChange {
  /** Instant; ms. */
  readonly at: number;
  readonly zone: DomainName;
  readonly before: Rrset | null;
  readonly after: Rrset | null;
}

/** What a tour and its tests look back at; older sets and changes are dropped. */
const maxHistory = 1000;

export const keyOf = (owner: DomainName, type: string): RrsetKey => `${owner} ${type}`;

/** The zone that holds `name`: the longest origin above it; null where we serve none. */
export function zoneOf(zones: ZoneSet, name: DomainName): ZoneSnapshot | null {
  let best: ZoneSnapshot | null = null;
  for (const zone of zones.values()) {
    if (isWithin(name, zone.origin) && (best === null || isWithin(zone.origin, best.origin))) best = zone;
  }
  return best;
}

/** One zone line, e.g. `@ 5 IN MX 10 mx1.example.net.`; owner relative to `origin`. Throws RangeError. */
export function parseZoneLine(origin: DomainName, line: string): Rrset {
  const match = /^(\S+)\s+(\d+)\s+IN\s+([A-Z]+[0-9]*)\s+(.+)$/.exec(line.trim());
  if (match === null) throw new RangeError(`not a zone line: ${JSON.stringify(line)}`);
  const [, owner = '', ttl = '', type = '', rdata = ''] = match;
  return rrsetOf(absolute(owner, origin), type as RrType, Number(ttl), [canonicalRdata(type, rdata, origin)]);
}

function absolute(name: string, origin: DomainName): DomainName {
  if (name === '@') return origin;
  if (name.endsWith('.')) return domainNameOf(name);
  return domainNameOf(origin === root ? name : `${name}.${origin}`);
}

function canonicalRdata(type: string, rdata: string, origin: DomainName): string {
  const words = rdata.split(/\s+/);
  if (type === 'NS' || type === 'CNAME') return absolute(rdata, origin);
  if (type === 'MX') return `${words[0] ?? ''} ${absolute(words[1] ?? '', origin)}`;
  return rdata;
}

/** RFC 1982 §3.1: serials wrap at 2^32. */
function withNextSerial(soa: Rrset): Rrset {
  const words = (soa.rdata[0] ?? '').split(' ');
  words[2] = String((Number(words[2]) + 1) % 2 ** 32);
  return { ...soa, rdata: [words.join(' ')] };
}

function serialOf(zone: ZoneSnapshot): string | undefined {
  return zone.rrsets.get(keyOf(zone.origin, 'SOA'))?.rdata[0]?.split(' ')[2];
}

export class ZoneData {
  readonly #clock: Clock;
  readonly #history: { readonly since: number; readonly zones: ZoneSet }[] = [];
  readonly #changes: ZoneChange[] = [];

  constructor(clock: Clock, zones: ZoneSet) {
    this.#clock = clock;
    this.#history.push({ since: Number.NEGATIVE_INFINITY, zones });
  }

  get current(): ZoneSet {
    return this.#history.at(-1)?.zones ?? new Map<DomainName, ZoneSnapshot>();
  }

  /** Every RRset that changed, oldest first; serials apart. */
  get changes(): readonly ZoneChange[] {
    return this.#changes;
  }

  /** The zones as they stood at an instant. */
  asOf(at: number): ZoneSet {
    return this.#history.findLast((one) => one.since <= at)?.zones ?? this.current;
  }

  rrset(owner: DomainName, type: RrType): Rrset | null {
    return zoneOf(this.current, owner)?.rrsets.get(keyOf(owner, type)) ?? null;
  }

  /** Puts one RRset in the place of what its owner has of that type. Throws RangeError outside our zones. */
  put(rrset: Rrset): void {
    const zone = this.#zoneFor(rrset.owner);
    this.replaceZone(zone.origin, [
      ...[...zone.rrsets.values()].filter((one) => one.owner !== rrset.owner || one.type !== rrset.type),
      rrset,
    ]);
  }

  remove(owner: DomainName, type: RrType): void {
    const zone = this.#zoneFor(owner);
    const rest = [...zone.rrsets.values()].filter((one) => one.owner !== owner || one.type !== type);
    this.replaceZone(zone.origin, rest);
  }

  /** Puts the whole content of a zone at once: readers see all of it or nothing. No change keeps the serial. */
  replaceZone(origin: DomainName, rrsets: Iterable<Rrset>): void {
    const before = this.#zoneFor(origin);
    let after: ZoneSnapshot = {
      origin,
      rrsets: new Map([...rrsets].map((one) => [keyOf(one.owner, one.type), one])),
    };
    const changes = this.#differences(before, after);
    if (changes.length === 0) return;
    const soa = after.rrsets.get(keyOf(origin, 'SOA'));
    if (soa !== undefined && serialOf(after) === serialOf(before)) {
      after = { origin, rrsets: new Map([...after.rrsets, [keyOf(origin, 'SOA'), withNextSerial(soa)]]) };
    }
    this.#changes.push(...changes);
    this.#changes.splice(0, this.#changes.length - maxHistory);
    this.#history.push({ since: this.#clock.now(), zones: new Map([...this.current, [origin, after]]) });
    this.#history.splice(0, this.#history.length - maxHistory);
  }

  #zoneFor(name: DomainName): ZoneSnapshot {
    const zone = zoneOf(this.current, name);
    if (zone === null) throw new RangeError(`the sandbox serves no zone for ${name}`);
    return zone;
  }

  #differences(before: ZoneSnapshot, after: ZoneSnapshot): ZoneChange[] {
    const at = this.#clock.now();
    const keys = new Set([...before.rrsets.keys(), ...after.rrsets.keys()]);
    const changes: ZoneChange[] = [];
    for (const key of keys) {
      const [was, is] = [before.rrsets.get(key) ?? null, after.rrsets.get(key) ?? null];
      if ((was ?? is)?.type === 'SOA' || isSameRrset(was, is)) continue;
      changes.push({ at, zone: before.origin, before: was, after: is });
    }
    return changes;
  }
}

/** SOA and NS every sandbox zone has. MINIMUM 2 s: a negative answer outlives a typo in the demo only just. */
function frame(origin: DomainName, nameServers: readonly DomainName[]): Rrset[] {
  const mname = nameServers[0] ?? origin;
  return [
    rrsetOf(origin, 'SOA', 2, [`${mname} hostmaster.${mname} 1 60 10 3600 2`]),
    rrsetOf(origin, 'NS', 3600, nameServers),
  ];
}

/** Zones from zone lines, SOA and NS added. Lines of one owner and type make one RRset with the first TTL. */
export function createZoneData(
  clock: Clock,
  nameServers: readonly DomainName[],
  zones: readonly { readonly origin: DomainName; readonly lines: readonly string[] }[],
): ZoneData {
  const set = new Map<DomainName, ZoneSnapshot>();
  for (const { origin, lines } of zones) {
    const rrsets = new Map<RrsetKey, Rrset>();
    for (const one of [...frame(origin, nameServers), ...lines.map((line) => parseZoneLine(origin, line))]) {
      const key = keyOf(one.owner, one.type);
      const before = rrsets.get(key);
      rrsets.set(
        key,
        rrsetOf(one.owner, one.type, before?.ttl ?? one.ttl, [...(before?.rdata ?? []), ...one.rdata]),
      );
    }
    set.set(origin, { origin, rrsets });
  }
  return new ZoneData(clock, set);
}
