// Records as RRsets, and a change as operations on records. Pure. Cloudflare has no RRsets: each record is an object with
// an id, its own TTL, comment and tags. A quirk is one line here with the date it was last seen.

import { canonicalRdata } from '../../dns/canonical.ts';
import { type DomainName, displayName, parseDomainName } from '../../model/domain-name.ts';
import { parseMx } from '../../model/mx.ts';
import { type Rrset, rrsetOf, type RrType } from '../../model/rrset.ts';
import type { ZoneChange } from '../provider.ts';
import type { CloudflareRecord } from './shapes.ts';

/** API reference: TTL 1 means automatic; it is served as 300. */
const autoTtl = 1;
const servedAutoTtl = 300;

/** What stands at one owner and type. */
export interface Live {
  readonly rrset: Rrset | null;
  readonly records: readonly CloudflareRecord[];
}

/** A record as it is posted or patched; without comment and tags, so that a patch keeps the user's. */
interface RecordBody {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly content: string;
  readonly priority?: number;
  readonly proxied?: false;
}

/** One batch; the API does them in this order, whatever order they are sent in. */
export interface Operations {
  readonly deletes: readonly { readonly id: string }[];
  readonly patches: readonly (RecordBody & { readonly id: string })[];
  readonly posts: readonly RecordBody[];
}

function servedTtl({ ttl }: Pick<CloudflareRecord, 'ttl'>): number {
  return ttl === autoTtl ? servedAutoTtl : ttl;
}

/** Names without the trailing dot, IDN as A-labels; null MX is `.` (RFC 7505 §3; seen 2026-11). */
const absolute = (content: string) => (content.endsWith('.') ? content : `${content}.`);

/** Null where the content is none of its type. */
function rdataOf({ type, content = '', priority }: CloudflareRecord): string | null {
  switch (type) {
    case 'MX':
      return priority == null ? null : canonicalRdata('MX', `${priority} ${absolute(content)}`);
    case 'CNAME':
    case 'NS':
      return canonicalRdata(type, absolute(content));
    case 'TXT':
      // Records made before 2024 come without the quotes.
      return canonicalRdata('TXT', content.startsWith('"') ? content : quoted(content));
    case 'A':
    case 'AAAA':
    case 'TLSA':
      return canonicalRdata(type, content);
    default:
      return null;
  }
}

const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** Those of the records that stand at this owner and type; null where one of them cannot be understood. */
export function liveIn(records: readonly CloudflareRecord[], owner: DomainName, type: RrType): Live | null {
  const own = records.filter((one) => one.type === type && isNamed(one, owner));
  if (own.length === 0) return { rrset: null, records: [] };
  const rdata = own.map(rdataOf);
  if (rdata.includes(null)) return null;
  // RFC 2181 §5.2: one TTL; where siblings differ, the least is what the earliest cache keeps.
  const ttl = Math.min(...own.map(servedTtl));
  return {
    rrset: rrsetOf(
      owner,
      type,
      ttl,
      rdata.flatMap((one) => one ?? []),
    ),
    records: own,
  };
}

function isNamed({ name }: CloudflareRecord, owner: DomainName): boolean {
  const parsed = parseDomainName(name);
  return parsed.ok && parsed.name === owner;
}

/** What a person should know of these records before they are written. */
export function oddities({ rrset, records }: Live): string[] {
  if (rrset === null) return [];
  const what = `${displayName(rrset.owner)} ${rrset.type}`;
  const ttls = [...new Set(records.map(servedTtl))].sort((a, b) => a - b);
  const mixed =
    ttls.length > 1
      ? [`${what} has records with TTLs ${ttls.join(', ')} (RFC 2181 §5.2 wants one): taken as ${rrset.ttl}`]
      : [];
  return isLocked(records) ? [...mixed, `${what} is locked by Cloudflare Email Routing`] : mixed;
}

/** Email Routing locks what it put there (route1.mx.cloudflare.net and others). */
export function isLocked(records: readonly CloudflareRecord[]): boolean {
  return records.some((one) => one.meta?.read_only === true);
}

/** Answered by Cloudflare's HTTP proxies, whatever its content says. */
export function isProxied(records: readonly CloudflareRecord[]): boolean {
  return records.some((one) => one.proxied === true);
}

/** What takes the records to `desired`. Records that are as desired are not touched; of the others as many as are
 *  needed keep their id, comment and tags, and get another value; the rest is deleted. A value is given to one record
 *  only, and none that stands already: so no order of these operations meets an identical record (81058). */
export function operationsFor({ owner, type, desired }: ZoneChange, { records }: Live): Operations {
  if (desired === null) return { deletes: records.map(({ id }) => ({ id })), patches: [], posts: [] };
  const wanted = new Set(desired.rdata);
  const patches: (RecordBody & { id: string })[] = [];
  const spare: CloudflareRecord[] = [];
  for (const record of records) {
    const rdata = rdataOf(record) ?? '';
    if (!wanted.delete(rdata)) spare.push(record);
    else if (servedTtl(record) !== desired.ttl)
      patches.push({ id: record.id, ...bodyOf(owner, type, desired.ttl, rdata) });
  }
  const posts: RecordBody[] = [];
  for (const rdata of wanted) {
    const body = bodyOf(owner, type, desired.ttl, rdata);
    const record = takeNearest(spare, body.content);
    if (record === undefined) posts.push(body);
    else patches.push({ id: record.id, ...body });
  }
  return { deletes: spare.map(({ id }) => ({ id })), patches, posts };
}

/** The record of the same exchange if there is one: only its preference changes then. */
function takeNearest(spare: CloudflareRecord[], content: string): CloudflareRecord | undefined {
  const at = spare.findIndex((one) => one.content === content);
  return spare.splice(at === -1 ? 0 : at, 1)[0];
}

function bodyOf(owner: DomainName, type: RrType, ttl: number, rdata: string): RecordBody {
  const common = { name: displayName(owner), type, ttl };
  switch (type) {
    case 'MX': {
      const mx = parseMx(rdata);
      if (mx === null) throw new RangeError(`not an MX value: ${rdata}`);
      return { ...common, content: displayName(mx.exchange), priority: mx.preference };
    }
    case 'A':
    case 'AAAA':
      // A new address must answer as itself, not through Cloudflare's HTTP proxies.
      return { ...common, content: rdata, proxied: false };
    case 'CNAME':
      return { ...common, content: rdata.replace(/\.$/, '') };
    default:
      return { ...common, content: rdata };
  }
}

export function countOf({ deletes, patches, posts }: Operations): number {
  return deletes.length + patches.length + posts.length;
}

/** Several changes as one batch. */
export function joined(all: readonly Operations[]): Operations {
  return {
    deletes: all.flatMap((one) => one.deletes),
    patches: all.flatMap((one) => one.patches),
    posts: all.flatMap((one) => one.posts),
  };
}
