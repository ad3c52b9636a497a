// What a primary does with an UPDATE, as a pure function over the records of one zone: for the sandbox and for tests.
// Takes no decision about rights; the caller has checked the TSIG. RFC 2136 §3; RFC 2181 §5.2 (one TTL per RRset).

import { type DomainName, isWithin } from '../model/domain-name.ts';
import { classes, type Message, rcodes, type ResourceRecord } from './message.ts';
import { isDataType } from './rr-types.ts';

export interface AppliedUpdate {
  readonly rcode: number;
  /** The very `records` that were given where nothing changed. */
  readonly records: readonly ResourceRecord[];
}

const isAt = (record: ResourceRecord, at: ResourceRecord) => record.owner === at.owner;
const isInSet = (record: ResourceRecord, of: ResourceRecord) => isAt(record, of) && record.type === of.type;
const isSame = (record: ResourceRecord, as: ResourceRecord) =>
  isInSet(record, as) && record.rdata === as.rdata;

const textOf = (record: ResourceRecord) =>
  `${record.owner} ${record.ttl} ${record.type} ${record.rdata ?? ''}`;
const hasSameRecords = (a: readonly ResourceRecord[], b: readonly ResourceRecord[]) =>
  a.length === b.length && a.map(textOf).sort().join('\n') === b.map(textOf).sort().join('\n');

/** RFC 2136 §3.2.5. Existing RRsets are compared as sets, TTL left out (§3.2.3). */
function checkPrerequisites(
  zone: DomainName,
  records: readonly ResourceRecord[],
  prerequisites: readonly ResourceRecord[],
): number {
  for (const one of prerequisites) {
    if (one.ttl !== 0) return rcodes.FORMERR;
    if (!isWithin(one.owner, zone)) return rcodes.NOTZONE;
    const isPresent = records.some((record) =>
      one.type === 'ANY' ? isAt(record, one) : isInSet(record, one),
    );
    if (one.class === classes.any) {
      if (one.rdata !== null) return rcodes.FORMERR;
      if (!isPresent) return one.type === 'ANY' ? rcodes.NXDOMAIN : rcodes.NXRRSET;
    } else if (one.class === classes.none) {
      if (one.rdata !== null) return rcodes.FORMERR;
      if (isPresent) return one.type === 'ANY' ? rcodes.YXDOMAIN : rcodes.YXRRSET;
    } else if (one.class !== classes.in) {
      return rcodes.FORMERR;
    }
  }
  const values = prerequisites.filter((one) => one.class === classes.in);
  for (const one of values) {
    const wanted = new Set(values.filter((other) => isInSet(other, one)).map((other) => other.rdata));
    const live = new Set(records.filter((record) => isInSet(record, one)).map((record) => record.rdata));
    if (wanted.size !== live.size || ![...wanted].every((rdata) => live.has(rdata))) return rcodes.NXRRSET;
  }
  return rcodes.NOERROR;
}

/** RFC 2136 §3.4.1.3. */
function prescan(zone: DomainName, updates: readonly ResourceRecord[]): number {
  for (const one of updates) {
    if (!isWithin(one.owner, zone)) return rcodes.NOTZONE;
    const isData = isDataType(one.type);
    const isGood =
      one.class === classes.in
        ? isData && one.rdata !== null
        : one.class === classes.any
          ? one.ttl === 0 && one.rdata === null && (isData || one.type === 'ANY')
          : one.class === classes.none && one.ttl === 0 && isData;
    if (!isGood) return rcodes.FORMERR;
  }
  return rcodes.NOERROR;
}

const serialOf = (soa: ResourceRecord) => Number(soa.rdata?.split(' ')[2]);

/** RFC 1982 §3.2: true where `a` comes after `b`. */
const isSerialAfter = (a: number, b: number) => a !== b && (a - b) >>> 0 < 2 ** 31;

/** RFC 2136 §3.4.2.2. */
function add(records: readonly ResourceRecord[], one: ResourceRecord): readonly ResourceRecord[] {
  const others = records.filter((record) => isAt(record, one) && record.type !== 'CNAME');
  if (one.type === 'CNAME' ? others.length > 0 : records.some((r) => isAt(r, one) && r.type === 'CNAME'))
    return records;
  if (one.type === 'SOA') {
    const soa = records.find((record) => isInSet(record, one));
    if (soa === undefined || !isSerialAfter(serialOf(one), serialOf(soa))) return records;
  }
  const isSingle = one.type === 'CNAME' || one.type === 'SOA';
  const kept = records.filter((record) => !isSame(record, one) && !(isSingle && isInSet(record, one)));
  return [...kept.map((record) => (isInSet(record, one) ? { ...record, ttl: one.ttl } : record)), one];
}

/** RFC 2136 §3.4.2.3 (an RRset or a name) and §3.4.2.4 (one record). The apex keeps its SOA and a last NS. */
function remove(
  zone: DomainName,
  records: readonly ResourceRecord[],
  one: ResourceRecord,
): readonly ResourceRecord[] {
  const isApex = one.owner === zone;
  if (one.class === classes.any)
    return records.filter((record) => {
      const isProtected = isApex && (record.type === 'SOA' || record.type === 'NS');
      return isProtected || !(one.type === 'ANY' ? isAt(record, one) : isInSet(record, one));
    });
  if (one.type === 'SOA') return records;
  if (isApex && one.type === 'NS' && records.filter((record) => isInSet(record, one)).length <= 1)
    return records;
  return records.filter((record) => !isSame(record, one));
}

/** RFC 2136 §3.6: a changed zone has a later serial, unless the UPDATE itself set it. */
function bumpSerial(zone: DomainName, records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  return records.map((record) => {
    if (record.type !== 'SOA' || record.owner !== zone || record.rdata === null) return record;
    const fields = record.rdata.split(' ');
    // RFC 2136 §7.11 asks to avoid zero, which some secondaries take for "none yet".
    fields[2] = String((serialOf(record) + 1) >>> 0 || 1);
    return { ...record, rdata: fields.join(' ') };
  });
}

/** Judges and applies an UPDATE to a zone (class IN); all of it or nothing. */
export function applyUpdate(
  zone: DomainName,
  records: readonly ResourceRecord[],
  message: Message,
): AppliedUpdate {
  const refused = (rcode: number): AppliedUpdate => ({ rcode, records });
  const [section] = message.questions;
  // RFC 2136 §3.1.1
  if (section === undefined || message.questions.length !== 1 || section.type !== 'SOA')
    return refused(rcodes.FORMERR);
  if (section.name !== zone || section.class !== classes.in) return refused(rcodes.NOTAUTH);
  const rcode = checkPrerequisites(zone, records, message.answers) || prescan(zone, message.authorities);
  if (rcode !== rcodes.NOERROR) return refused(rcode);
  let updated = records;
  for (const one of message.authorities)
    updated = one.class === classes.in ? add(updated, one) : remove(zone, updated, one);
  if (hasSameRecords(records, updated)) return refused(rcodes.NOERROR);
  const soaOf = (all: readonly ResourceRecord[]) =>
    all.find((r) => r.type === 'SOA' && r.owner === zone)?.rdata;
  const isSerialSet = soaOf(records) !== soaOf(updated);
  return { rcode: rcodes.NOERROR, records: isSerialSet ? updated : bumpSerial(zone, updated) };
}
