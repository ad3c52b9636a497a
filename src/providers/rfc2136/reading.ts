// Reads RRsets of one zone from its primary: its own authoritative answer or an error, nothing between.

import { rcodes } from '../../dns/message.ts';
import type { DomainName } from '../../model/domain-name.ts';
import type { Rrset } from '../../model/rrset.ts';
import type { RrsetQuestion } from '../provider.ts';
import type { Answer, Conversation } from './api.ts';
import { type Live, liveIn, rrsetIn } from './convert.ts';
import { noAnswerOf, otherZone, type RefusedRequest, refusalOf, zoneUnknown } from './refusals.ts';

/** What is in `live` is no older than the serial of the SOA. */
export interface ZoneReading {
  readonly soa: Rrset;
  /** In the order wanted. */
  readonly live: readonly Live[];
}

/** Throws ProviderError where the server does not say; rejects with the signal's reason on abort. */
export async function readZone(
  talk: Conversation,
  request: RefusedRequest,
  wanted: readonly RrsetQuestion[],
  signal: AbortSignal,
): Promise<ZoneReading> {
  const { server, zone } = request;
  // Answered before the rest is asked: a server may answer questions that are out together in any order.
  const soa = soaIn(zone, await ask(talk, request, [{ owner: zone, type: 'SOA' }], signal));
  if (soa === null) throw zoneUnknown(server, zone);
  const answers = await ask(talk, request, wanted, signal);
  const live = wanted.map(({ owner, type }, at): Live => {
    const message = answers[at]?.message;
    const one = message === undefined ? null : liveIn(message, zone, owner, type);
    if (one === null) throw otherZone(server, zone, owner);
    return one;
  });
  return { soa, live };
}

async function ask(
  talk: Conversation,
  request: RefusedRequest,
  questions: readonly RrsetQuestion[],
  signal: AbortSignal,
): Promise<Answer[]> {
  return (await talk.query(questions, signal)).map((asked) => {
    if (asked.kind !== 'answer') throw noAnswerOf(request.server, asked);
    const { rcode } = asked.message;
    if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) throw refusalOf(asked, request);
    return asked;
  });
}

function soaIn(zone: DomainName, answers: readonly Answer[]): Rrset | null {
  const message = answers[0]?.message;
  return message?.isAuthoritative === true ? rrsetIn(message, zone, 'SOA') : null;
}
