// Where a standard sender would try to deliver, by the resolver it asks: the domain's exchanges in preference order,
// equals shuffled, each with its addresses. Never connects. RFC 5321 §5.1, RFC 7505 §3 (null MX).

import type { DnsClient } from '../dns/client.ts';
import { rcodes } from '../dns/message.ts';
import { type DomainName, displayName } from '../model/domain-name.ts';
import { byPreference, isNullMx, type Mx, parseMx } from '../model/mx.ts';
import type { ServerAddress } from '../model/route.ts';
import type { RrType } from '../model/rrset.ts';
import { ask, type Reply } from './ask.ts';

export interface Stop {
  readonly exchange: DomainName;
  readonly address: string;
}

/** defer: DNS could not say, keep the mail; bounce: DNS said it cannot be delivered. */
export type Walk =
  | { readonly kind: 'stops'; readonly stops: readonly Stop[] }
  | { readonly kind: 'defer' | 'bounce'; readonly reason: string };

/** Postfix, smtp_mx_address_limit: no more addresses than these are considered. */
const maxAddresses = 5;
/** As long as a stub resolver waits (resolv.conf). */
const askTimeoutMs = 5000;

export async function walkMx(
  via: { readonly client: DnsClient; readonly resolver: ServerAddress },
  domain: DomainName,
  random: () => number,
): Promise<Walk> {
  const context = {
    client: via.client,
    server: via.resolver,
    timeoutMs: askTimeoutMs,
    recursionDesired: true,
  };
  const put = (name: DomainName, type: RrType) => ask(context, name, type);
  const reply = await put(domain, 'MX');
  if (isTemporary(reply)) return { kind: 'defer', reason: `no MX answer for ${displayName(domain)}` };
  if (reply?.rcode === rcodes.NXDOMAIN)
    return { kind: 'bounce', reason: `${displayName(domain)} does not exist` };
  const published = valuesOf(reply, 'MX')
    .map(parseMx)
    .filter((one): one is Mx => one !== null);
  // Postfix takes one null MX anywhere in the set as the whole set (RFC 7505 §3 forbids the mixture).
  if (published.some(isNullMx)) return { kind: 'bounce', reason: '556 5.1.10 null MX' };
  // RFC 5321 §5.1: without MX records the domain itself, preference 0.
  const exchanges = published.length > 0 ? inOrder(published, random) : [{ preference: 0, exchange: domain }];
  const stops: Stop[] = [];
  let isUnsure = false;
  for (const { exchange } of exchanges) {
    const addresses = await put(exchange, 'A');
    isUnsure ||= isTemporary(addresses);
    for (const address of valuesOf(addresses, 'A')) stops.push({ exchange, address });
  }
  if (stops.length > 0) return { kind: 'stops', stops: stops.slice(0, maxAddresses) };
  const reason = `no exchange of ${displayName(domain)} has an address`;
  // Postfix, smtp_defer_if_no_mx_address_found=no: bounced unless some look-up may still succeed.
  return { kind: isUnsure ? 'defer' : 'bounce', reason };
}

const isTemporary = (reply: Reply | null): boolean =>
  reply === null || (reply.rcode !== 0 && reply.rcode !== rcodes.NXDOMAIN);

function valuesOf(reply: Reply | null, type: string): string[] {
  return (reply?.answers ?? []).filter((one) => one.type === type).flatMap((one) => one.rdata);
}

/** RFC 5321 §5.1: by preference, equals at random. */
function inOrder(published: readonly Mx[], random: () => number): Mx[] {
  return published
    .map((mx) => ({ mx, rank: random() }))
    .sort((a, b) => byPreference(a.mx, b.mx) || a.rank - b.rank)
    .map(({ mx }) => mx);
}
