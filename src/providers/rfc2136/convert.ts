// Answers as RRsets. Pure. A server's quirk is one line here with the date it was last seen.

import type { Message } from '../../dns/message.ts';
import { rcodes } from '../../dns/message.ts';
import type { DomainName } from '../../model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../model/rrset.ts';

/** What stands at one owner and type. */
export interface Live {
  readonly rrset: Rrset | null;
  /** The owner is a CNAME: nothing else may stand there, and an added record is silently ignored (RFC 2136 §3.4.2.2). */
  readonly isAlias: boolean;
}

export function rrsetIn(message: Message, owner: DomainName, type: RrType): Rrset | null {
  const records = message.answers.filter((one) => one.owner === owner && one.type === type);
  if (records.length === 0) return null;
  // RFC 2181 §5.2: one TTL; where a server breaks that, the least is what the earliest cache keeps.
  const ttl = Math.min(...records.map((one) => one.ttl));
  return rrsetOf(
    owner,
    type,
    ttl,
    records.flatMap((one) => one.rdata ?? []),
  );
}

/** Null where the answer is not this server's own about this zone. */
export function liveIn(message: Message, zone: DomainName, owner: DomainName, type: RrType): Live | null {
  const isAnswer = message.rcode === rcodes.NOERROR || message.rcode === rcodes.NXDOMAIN;
  if (!isAnswer || !message.isAuthoritative) return null;
  const rrset = rrsetIn(message, owner, type);
  const isAlias = rrset === null && rrsetIn(message, owner, 'CNAME') !== null;
  // RFC 2308 §2: whose SOA proves the absence.
  const soa = message.authorities.find((one) => one.type === 'SOA');
  if (rrset === null && !isAlias && soa !== undefined && soa.owner !== zone) return null;
  return { rrset, isAlias };
}
