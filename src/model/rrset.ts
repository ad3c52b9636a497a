// One RRset as one value. TTL belongs to the set (RFC 2181 §5.2), the rdata are canonical presentation strings
// (RFC 1035 §5.1; unknown types as RFC 3597 `\# n hex`), sorted, so that two equal sets are equal as text.

import type { DomainName } from './domain-name.ts';

/** Record types mxctl gives a name to; any other is `TYPEnnn` (RFC 3597 §5). */
export type RrType = 'A' | 'NS' | 'CNAME' | 'SOA' | 'PTR' | 'MX' | 'TXT' | 'AAAA' | 'TLSA' | `TYPE${number}`;

export interface Rrset {
  readonly owner: DomainName;
  readonly type: RrType;
  /** Seconds, 0..2^31-1 (RFC 2181 §8). */
  readonly ttl: number;
  /** Canonical presentation form, sorted, no duplicates, never empty: absence is `null` beside the type. */
  readonly rdata: readonly string[];
}

/** RFC 2181 §8. */
export const maxTtl = 2 ** 31 - 1;

export function rrsetOf(owner: DomainName, type: RrType, ttl: number, rdata: Iterable<string>): Rrset {
  return { owner, type, ttl, rdata: [...new Set(rdata)].sort() };
}

/** Same owner, type and values; TTL is not compared. */
export function hasSameRdata(a: Rrset | null, b: Rrset | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.owner === b.owner &&
    a.type === b.type &&
    a.rdata.length === b.rdata.length &&
    a.rdata.every((value, at) => value === b.rdata[at])
  );
}

/** Same owner, type, values and TTL. */
export function isSameRrset(a: Rrset | null, b: Rrset | null): boolean {
  return hasSameRdata(a, b) && a?.ttl === b?.ttl;
}

/** Zone file lines, one per value; what a person compares. */
export function formatRrset(rrset: Rrset): string[] {
  return rrset.rdata.map((value) => `${rrset.owner} ${rrset.ttl} IN ${rrset.type} ${value}`);
}
