// The standard world on paper: names, addresses, zones. Pure data, no server.
//
//   sender 127.0.0.9 ── MX of shop.example ──┬─ 10 mx1.filter.example.net 127.0.1.1 ─┐ proxy
//                                            ├─ 20 mx2.filter.example.net 127.0.1.2 ─┤
//                                            │   (10 mx.shop.example after the flip) ├─► mx.shop.example 127.0.2.1 ─► mailbox
//                                            └─ 90 spool.example.org      127.0.3.1 ─┘ backup         direct
//
// Hops have an address each (all of 127/8 is loopback on Linux) and one port in common, as the world has port 25.

import { type DomainName, displayName, domainNameOf } from '../model/domain-name.ts';
import type { PathRole } from '../model/mail-path.ts';

export interface HopPlan {
  /** What `--set NAME=FAULT` takes. */
  readonly name: string;
  readonly exchange: DomainName;
  readonly role: PathRole | 'reference';
  /** Path it belongs to; null for references. */
  readonly path: string | null;
  readonly preference: number;
  readonly address: string;
}

const hop = (
  name: string,
  exchange: string,
  role: HopPlan['role'],
  path: string | null,
  preference: number,
  address: string,
): HopPlan => ({ name, exchange: domainNameOf(exchange), role, path, preference, address });

export const hopPlans: readonly HopPlan[] = [
  hop('mx1.filter', 'mx1.filter.example.net', 'proxy', 'proxy', 10, '127.0.1.1'),
  hop('mx2.filter', 'mx2.filter.example.net', 'proxy', 'proxy', 20, '127.0.1.2'),
  hop('mx.shop', 'mx.shop.example', 'primary', 'direct', 10, '127.0.2.1'),
  hop('spool', 'spool.example.org', 'backup', 'spool', 90, '127.0.3.1'),
  hop('ref1', 'mx1.reference.example.com', 'reference', null, 10, '127.0.4.1'),
  hop('ref2', 'mx2.reference.example.com', 'reference', null, 10, '127.0.4.2'),
];

/** The short name people know an exchange by here; the exchange itself where it is not ours. */
export function shortName(exchange: string): string {
  return hopPlans.find((one) => displayName(one.exchange) === exchange.replace(/\.$/, ''))?.name ?? exchange;
}

export const routeName = 'shop';
export const mailDomain = domainNameOf('shop.example');
export const recipient = 'orders@shop.example';
export const canary = { from: 'probe@ops.example.com', to: 'canary@shop.example' } as const;
export const tsigKeyName = domainNameOf('mxctl.sandbox');

/** The controller speaks from where the system puts it, the sender from elsewhere, so that one can be cut off. */
export const controllerAddress = '127.0.0.1';
export const senderAddress = '127.0.0.9';

export const nameServers: readonly DomainName[] = [
  domainNameOf('ns1.dns.example.com'),
  domainNameOf('ns2.dns.example.com'),
];

/** TTLs of a day in seconds: addresses of hops do not change here. */
const addressTtl = 86_400;

/** Zones with their lines; the MX RRset of the mail domain has `mxTtl` seconds. */
export function zonePlans(mxTtl: number): { origin: DomainName; lines: string[] }[] {
  const published = hopPlans.filter((one) => one.path === 'proxy' || one.path === 'spool');
  const origins = ['shop.example', 'example.net', 'example.org', 'example.com'].map(domainNameOf);
  return origins.map((origin) => ({
    origin,
    lines: [
      ...hopPlans
        .filter((one) => one.exchange.endsWith(`.${origin}`))
        .map((one) => `${one.exchange} ${addressTtl} IN A ${one.address}`),
      ...nameServers
        .filter((one) => one.endsWith(`.${origin}`))
        .map((one) => `${one} ${addressTtl} IN A 127.0.0.1`),
      ...(origin === mailDomain
        ? published.map((one) => `@ ${mxTtl} IN MX ${one.preference} ${one.exchange}`)
        : []),
    ],
  }));
}
