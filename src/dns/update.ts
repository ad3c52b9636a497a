// Builds the UPDATE that replaces whole RRsets by compare-and-set: every prerequisite holds or nothing is changed.
// RFC 2136 §2.4 (prerequisites), §2.5 (updates), §3.2 (they are judged before any update, as one transaction).

import type { DomainName } from '../model/domain-name.ts';
import type { Rrset, RrType } from '../model/rrset.ts';
import { makeMessage } from './encode.ts';
import { classes, type Message, opcodes, type ResourceRecord } from './message.ts';

export interface UpdateChange {
  readonly owner: DomainName;
  readonly type: RrType;
  /** What must be there; null = no such RRset. Its TTL is not compared (RFC 2136 §3.2.3). */
  readonly expected: Rrset | null;
  /** What shall be there; null = no such RRset. */
  readonly desired: Rrset | null;
}

/** RFC 2136 §2.4.2, value dependent: each value, no other, TTL 0 or the server answers FORMERR. §2.4.3 where absent. */
function prerequisiteOf(owner: DomainName, type: RrType, expected: Rrset | null): ResourceRecord[] {
  if (expected === null) return [{ owner, type, class: classes.none, ttl: 0, rdata: null }];
  return expected.rdata.map((rdata) => ({ owner, type, class: classes.in, ttl: 0, rdata }));
}

/** RFC 2136 §2.5.2, then §2.5.1. Never adds alone: Knot ignores an added value it has already, new TTL and all
 *  (Knot 3.2, seen 2026-08). */
function replacementOf(change: UpdateChange): ResourceRecord[] {
  const { owner, type, desired } = change;
  const removal: ResourceRecord = { owner, type, class: classes.any, ttl: 0, rdata: null };
  const additions = (desired?.rdata ?? []).map((rdata): ResourceRecord => ({
    owner,
    type,
    class: classes.in,
    ttl: desired?.ttl ?? 0,
    rdata,
  }));
  return [removal, ...additions];
}

/** One message for a whole batch of a zone, changes in their order. `also` must be there too (the zone's SOA, say). */
export function makeUpdate(update: {
  readonly id: number;
  readonly zone: DomainName;
  readonly changes: readonly UpdateChange[];
  readonly also?: readonly Rrset[];
}): Message {
  return makeMessage({
    id: update.id,
    opcode: opcodes.update,
    questions: [{ name: update.zone, type: 'SOA', class: classes.in }],
    answers: [
      ...(update.also ?? []).flatMap((rrset) => prerequisiteOf(rrset.owner, rrset.type, rrset)),
      ...update.changes.flatMap((change) => prerequisiteOf(change.owner, change.type, change.expected)),
    ],
    authorities: update.changes.flatMap(replacementOf),
  });
}
