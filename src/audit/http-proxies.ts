// Blocks in which a provider's HTTP proxies answer and nobody takes mail, as the providers publish them. A copy ages: an
// old entry does little harm, a new block is missed until it is added here.

import type { ExchangeFacts } from '../model/audit.ts';
import { type DomainName, isWithin } from '../model/domain-name.ts';
import { type Block, blockAround, blockOf, type Place, placesOf } from './networks.ts';

const published: Readonly<Record<string, readonly string[]>> = {
  // https://www.cloudflare.com/ips-v4 and https://www.cloudflare.com/ips-v6 as of 2026-02-11.
  Cloudflare: [
    '103.21.244.0/22',
    '103.22.200.0/22',
    '103.31.4.0/22',
    '104.16.0.0/13',
    '104.24.0.0/14',
    '108.162.192.0/18',
    '131.0.72.0/22',
    '141.101.64.0/18',
    '162.158.0.0/15',
    '172.64.0.0/13',
    '173.245.48.0/20',
    '188.114.96.0/20',
    '190.93.240.0/20',
    '197.234.240.0/22',
    '198.41.128.0/17',
    '2400:cb00::/32',
    '2405:8100::/32',
    '2405:b500::/32',
    '2606:4700::/32',
    '2803:f800::/32',
    '2a06:98c0::/29',
    '2c0f:f248::/32',
  ],
  // https://api.fastly.com/public-ip-list as of 2026-02-11.
  Fastly: [
    '23.235.32.0/20',
    '43.249.72.0/22',
    '103.244.50.0/24',
    '103.245.222.0/23',
    '103.245.224.0/24',
    '104.156.80.0/20',
    '140.248.64.0/18',
    '140.248.128.0/17',
    '146.75.0.0/17',
    '151.101.0.0/16',
    '157.52.64.0/18',
    '167.82.0.0/17',
    '167.82.128.0/20',
    '167.82.160.0/20',
    '167.82.224.0/20',
    '172.111.64.0/18',
    '185.31.16.0/22',
    '199.27.72.0/21',
    '199.232.0.0/16',
    '2a04:4e40::/32',
    '2a04:4e42::/32',
  ],
};

/** Exchanges of the same providers that do take mail, in the same blocks: Cloudflare's Email Routing and Email
 *  Security, as of 2026-02-11. */
const mailServices = [
  'mx.cloudflare.net.',
  'cf-emailsecurity.net.',
  'mxrecord.io.',
  'mxrecord.mx.',
] as DomainName[];

const blocks: readonly (Block & { readonly provider: string })[] = Object.entries(published).flatMap(
  ([provider, texts]) => texts.map((text) => ({ ...blockOf(text), provider })),
);

/** Whose HTTP proxy answers at the address; null where none is known to. */
function proxyAt(exchange: DomainName, place: Place): string | null {
  const provider = blockAround(place, blocks)?.provider;
  if (provider === undefined || mailServices.some((one) => isWithin(exchange, one))) return null;
  return provider;
}

export interface Proxied {
  readonly address: string;
  readonly provider: string;
}

/** Exchanges are shared by thousands of domains; their addresses are looked for once. */
const known = new WeakMap<ExchangeFacts, Proxied | null>();

/** The first address of the exchange at which an HTTP proxy answers; null where none is known to. */
export function proxyOf(one: ExchangeFacts): Proxied | null {
  let found = known.get(one);
  if (found === undefined) {
    found = null;
    for (const place of placesOf(one.addresses)) {
      const provider = proxyAt(one.exchange, place);
      if (provider !== null) found ??= { address: place.address, provider };
    }
    known.set(one, found);
  }
  return found;
}
