// A hosted zone as Route 53 keeps it: ordered and atomic batches on a copy, exact deletes, its own order of names. Refuses
// what the real one refuses, in its words.

import { isIPv4, isIPv6 } from 'node:net';

export interface FakeSet {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly values?: readonly string[];
  readonly setIdentifier?: string;
  readonly aliasTo?: string;
  readonly healthCheckId?: string;
  readonly trafficPolicyInstanceId?: string;
}

export interface FakeChange {
  readonly action: string;
  readonly set: FakeSet;
}

const types = new Set('SOA A TXT NS CNAME MX NAPTR PTR SRV SPF AAAA CAA DS TLSA SSHFP SVCB HTTPS'.split(' '));

/** Lower case, absolute, all but letters, digits, `-` and `_` escaped in octal. */
export function normalName(text: string): string {
  const absolute = text.endsWith('.') ? text : `${text}.`;
  return absolute.toLowerCase().replace(/\\[0-7]{3}|[^a-z0-9_.\\-]/g, (char) => {
    if (char.length > 1) {
      const plain = String.fromCharCode(parseInt(char.slice(1), 8)).toLowerCase();
      return /[a-z0-9_-]/.test(plain) ? plain : char;
    }
    return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
}

/** "com.example.www.": the order of every listing. */
export function sortKey(name: string): string {
  return `${name.slice(0, -1).split('.').reverse().join('.')}.`;
}

/** Sorts as the listing does: by name, type and set identifier. */
const keyOf = (name: string, type: string, identifier = '') => [sortKey(name), type, identifier].join('\0');
const placeOf = (set: FakeSet) => keyOf(set.name, set.type, set.setIdentifier);
const idText = (set: FakeSet) =>
  `[name='${set.name}', type='${set.type}'${set.setIdentifier === undefined ? '' : `, set-identifier='${set.setIdentifier}'`}]`;

export class FakeZone {
  readonly id: string;
  readonly name: string;
  readonly isPrivate: boolean;
  readonly nameServers: readonly string[];
  #sets = new Map<string, FakeSet>();
  #sorted: readonly (readonly [place: string, set: FakeSet])[] | null = null;
  /** Names and types that may not be changed, with the comment given. */
  readonly protections = new Map<string, string>();

  constructor(id: string, name: string, nameServers: readonly string[], isPrivate = false) {
    this.id = id;
    this.name = normalName(name);
    this.nameServers = nameServers;
    this.isPrivate = isPrivate;
    const soa = `${nameServers[0] ?? 'ns.invalid'}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400`;
    this.put({ name, type: 'NS', ttl: 172_800, values: nameServers.map((one) => `${one}.`) });
    this.put({ name, type: 'SOA', ttl: 900, values: [soa] });
  }

  /** In the order of every listing. */
  get sets(): readonly FakeSet[] {
    return this.#inOrder().map(([, set]) => set);
  }

  /** Past the API: replaces, or removes where there are no values and no alias. */
  put(set: FakeSet): void {
    const normal = { ...set, name: normalName(set.name) };
    if (set.values?.length === 0) this.#sets.delete(placeOf(normal));
    else this.#sets.set(placeOf(normal), normal);
    this.#sorted = null;
  }

  find(name: string, type: string): FakeSet | undefined {
    return this.#sets.get(keyOf(normalName(name), type));
  }

  /** From a position on. */
  list(name: string, type: string, identifier: string, count: number): readonly FakeSet[] {
    const start = keyOf(normalName(name), type, identifier);
    const all = this.#inOrder();
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (all[middle]![0] < start) low = middle + 1;
      else high = middle;
    }
    return all.slice(low, low + count).map(([, set]) => set);
  }

  #inOrder(): readonly (readonly [place: string, set: FakeSet])[] {
    this.#sorted ??= [...this.#sets].sort(([a], [b]) => (a < b ? -1 : 1));
    return this.#sorted;
  }

  /** All or nothing; the reasons where it is nothing. */
  apply(changes: readonly FakeChange[]): string[] {
    const limits = limitFaults(changes);
    if (limits.length > 0) return limits;
    const faults: string[] = [];
    const seen = new Set<string>();
    const copy = new Map(this.#sets);
    for (const { action, set: given } of changes) {
      const set = { ...given, name: normalName(given.name) };
      const key = `${action} ${placeOf(set)}`;
      if (seen.has(key))
        faults.push(
          `The request contains an invalid set of changes for a resource record set '${set.type} ${set.name}'`,
        );
      seen.add(key);
      const comment = this.protections.get(`${set.name} ${set.type}`);
      if (comment !== undefined)
        faults.push(
          `Resource record set ${idText(set)} is protected by a resource record set protection: ${comment}`,
        );
      const fault = setFault(set, this.name) ?? stepFault(action, set, copy, this.name);
      if (fault !== null) faults.push(fault);
      else if (action === 'DELETE') copy.delete(placeOf(set));
      else copy.set(placeOf(set), set);
    }
    if (faults.length === 0 && !copy.has(keyOf(this.name, 'SOA')))
      faults.push('A HostedZone must contain exactly one SOA record.');
    if (faults.length === 0 && !copy.has(keyOf(this.name, 'NS')))
      faults.push('A HostedZone must contain at least one NS record for the zone itself.');
    if (faults.length === 0) {
      this.#sets = copy;
      this.#sorted = null;
    }
    return faults;
  }
}

function limitFaults(changes: readonly FakeChange[]): string[] {
  const values = changes.flatMap(({ action, set }) =>
    (set.values ?? []).flatMap((value) => (action === 'UPSERT' ? [value, value] : [value])),
  );
  const characters = values.reduce((sum, value) => sum + value.length, 0);
  return [
    ...(values.length > 1000 ? ['Number of records limit of 1000 exceeded.'] : []),
    ...(characters > 32_000 ? ['Number of characters limit of 32000 exceeded.'] : []),
  ];
}

function stepFault(
  action: string,
  set: FakeSet,
  sets: ReadonlyMap<string, FakeSet>,
  zone: string,
): string | null {
  const live = sets.get(placeOf(set));
  if (action === 'DELETE') {
    if (live === undefined) return `Tried to delete resource record set ${idText(set)} but it was not found`;
    const same =
      live.ttl === set.ttl &&
      [...(live.values ?? [])].sort().join('\n') === [...(set.values ?? [])].sort().join('\n');
    return same
      ? null
      : `Tried to delete resource record set ${idText(set)} but the values provided do not match the current values`;
  }
  if (action === 'CREATE' && live !== undefined)
    return `Tried to create resource record set ${idText(set)} but it already exists`;
  const siblings = siblingsOf(set, sets);
  const clash = siblings.find((one) => (one.type === 'CNAME') !== (set.type === 'CNAME'));
  if (clash !== undefined)
    return `RRSet of type ${set.type} with DNS name ${set.name} is not permitted because a conflicting RRSet of type ${clash.type} with the same DNS name already exists in zone ${zone}`;
  const isPolicy = (one: FakeSet) => one.setIdentifier !== undefined;
  if (siblings.some((one) => one.type === set.type && isPolicy(one) !== isPolicy(set)))
    return `RRSet with DNS name ${set.name}, type ${set.type}, cannot be created because other RRSets exist with the same name and type.`;
  return null;
}

const identifiersTried = ['', 'eu', 'us'];

function siblingsOf({ name }: FakeSet, sets: ReadonlyMap<string, FakeSet>): FakeSet[] {
  return [...types].flatMap((type) =>
    identifiersTried.flatMap((identifier) => sets.get(keyOf(name, type, identifier)) ?? []),
  );
}

function setFault(set: FakeSet, zone: string): string | null {
  const { name, type, ttl, values = [] } = set;
  if (name !== zone && !name.endsWith(`.${zone}`))
    return `RRSet with DNS name ${name} is not permitted in zone ${zone}`;
  const labels = name
    .slice(0, -1)
    .split('.')
    .map((one) => one.replace(/\\[0-7]{3}/g, 'x'));
  if (
    !/^[\x21-\x7e]+$/.test(name) ||
    labels.some((one) => one.length > 63 || one === '') ||
    labels.join('.').length > 253
  )
    return `FATAL problem: DomainLabelEmptyOrTooLong or unsupported characters encountered with '${name}'`;
  if (!types.has(type)) return `Invalid type '${type}'`;
  if (ttl === undefined || !Number.isInteger(ttl) || ttl < 0 || ttl > 2_147_483_647)
    return `Invalid TTL '${String(ttl)}'`;
  if (values.length === 0)
    return `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none`;
  if (new Set(values).size !== values.length) return `Duplicate Resource Record: '${values.join(',')}'`;
  if (type === 'CNAME' && name === zone)
    return `RRSet of type CNAME with DNS name ${name} is not permitted at apex in zone ${zone}`;
  const bad = values.find((value) => value.length > 4000 || !isValue(type, value));
  return bad === undefined
    ? null
    : `Invalid Resource Record: FATAL problem: ${type}RRDATA (Value is not valid) encountered with '${bad}'`;
}

const host = /^(?:(?:[a-z0-9_*-]|\\[0-7]{3}){1,63}\.)*(?:[a-z0-9_-]{1,63})?\.?$/i;

function isValue(type: string, value: string): boolean {
  const fields = value.split(' ');
  switch (type) {
    case 'A':
      return isIPv4(value);
    case 'AAAA':
      return isIPv6(value);
    case 'MX':
      return (
        fields.length === 2 &&
        /^\d{1,5}$/.test(fields[0]!) &&
        Number(fields[0]) <= 65_535 &&
        host.test(fields[1]!) &&
        fields[1]!.length <= 255
      );
    case 'NS':
    case 'CNAME':
      return fields.length === 1 && host.test(value);
    case 'TXT':
      return /^("(?:[^"\\]|\\.){0,255}"\s*)+$/.test(value);
    default:
      return value !== '';
  }
}
