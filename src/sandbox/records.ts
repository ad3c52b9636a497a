// RRsets as the records of a DNS message, and back. RFC 2181 §5.

import { classes, type ResourceRecord } from '../dns/message.ts';
import { isDataType } from '../dns/rr-types.ts';
import { type Rrset, rrsetOf } from '../model/rrset.ts';
import { keyOf } from './zone.ts';

export function recordsOf(rrset: Rrset): ResourceRecord[] {
  const { owner, type, ttl } = rrset;
  return rrset.rdata.map((rdata) => ({ owner, type, class: classes.in, ttl, rdata }));
}

/** In order of appearance; of unequal TTLs the least (RFC 2181 §5.2). */
export function rrsetsOf(records: readonly ResourceRecord[]): Rrset[] {
  const sets = new Map<string, Rrset>();
  for (const { owner, type, ttl, rdata } of records) {
    if (!isDataType(type) || rdata === null) continue;
    const before = sets.get(keyOf(owner, type));
    const rrset = rrsetOf(owner, type, Math.min(before?.ttl ?? ttl, ttl), [...(before?.rdata ?? []), rdata]);
    sets.set(keyOf(owner, type), rrset);
  }
  return [...sets.values()];
}
