// Reads RRsets of one zone from its primary: its own authoritative answer or an error, nothing between.

import { rcodes } from '../../dns/message.ts';
import type { DomainName } from '../../model/domain-name.ts';
import type { Rrset, RrType } from '../../model/rrset.ts';
import type { Answer, Conversation } from './api.ts';
import { type Live, liveIn, rrsetIn } from './convert.ts';
import { noAnswerOf, otherZone, type RefusedRequest, refusalOf, zoneUnknown } from './refusals.ts';

export interface Wanted {
  readonly owner: DomainName;
  readonly type: RrType;
}

/** The SOA is read first: what is in `live` is no older than its serial. */
export interface ZoneReading {
  readonly soa: Rrset;
  /** In the order wanted. */
  readonly live: readonly Live[];
}

/** Throws ProviderError where the server does not say; rejects with the signal's reason on abort. */
export async function readZone(
  talk: Conversation,
  request: RefusedRequest,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<ZoneReading> {
  const { server, zone } = request;
  const ask = async (owner: DomainName, type: RrType): Promise<Answer> => {
    const asked = await talk.query(owner, type, signal);
    if (asked.kind !== 'answer') throw noAnswerOf(server, asked);
    const { rcode } = asked.message;
    if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) throw refusalOf(asked, request);
    return asked;
  };
  const { message } = await ask(zone, 'SOA');
  const soa = message.isAuthoritative ? rrsetIn(message, zone, 'SOA') : null;
  if (soa === null) throw zoneUnknown(server, zone);
  const live: Live[] = [];
  for (const { owner, type } of wanted) {
    const one = liveIn((await ask(owner, type)).message, zone, owner, type);
    if (one === null) throw otherZone(server, zone, owner);
    live.push(one);
  }
  return { soa, live };
}
