// From an exchange to the addresses senders would connect to, and what it means to have none.
// RFC 5321 §5.1, RFC 2181 §10.3, RFC 3596.

import { displayName } from '../../model/domain-name.ts';
import type { Observation } from '../../model/observation.ts';
import { sanitise } from '../../model/text.ts';
import type { Lookup, Resolver } from '../../dns/reader.ts';
import type { ExchangeAddresses, ProbeTarget } from '../probe.ts';

/** Postfix takes no more than 100 records of a look-up; more addresses than that are not a mail exchange. */
const maxAddresses = 100;

export async function resolveExchange(
  target: ProbeTarget,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<ExchangeAddresses> {
  if (target.addresses !== null) {
    return target.addresses.length > 0
      ? { outcome: 'found', addresses: target.addresses }
      : { outcome: 'none', reason: 'no address declared' };
  }
  const lookups = await Promise.all([
    resolver.lookup(target.exchange, 'A', signal),
    resolver.lookup(target.exchange, 'AAAA', signal),
  ]);
  return addressesOf(lookups);
}

/** One family found is enough. Neither found, and one of them failed: nobody can say there is none. */
function addressesOf(lookups: readonly Lookup[]): ExchangeAddresses {
  const alias = aliasRemark(lookups);
  const addresses = [...new Set(lookups.flatMap((one) => one.rrset?.rdata ?? []))].slice(0, maxAddresses);
  if (addresses.length > 0) {
    return { outcome: 'found', addresses, ...(alias === '' ? {} : { reason: alias }) };
  }
  const failure = lookups.find((one) => one.outcome === 'failed');
  if (failure !== undefined) {
    return { outcome: 'unknown', reason: joined(failure.reason ?? 'no answer from any resolver', alias) };
  }
  const isMissing = lookups.every((one) => one.outcome === 'nxdomain');
  return { outcome: 'none', reason: joined(isMissing ? 'name does not exist' : 'no A or AAAA', alias) };
}

/** RFC 2181 §10.3: an exchange must not be an alias. Many senders follow it all the same, so it is only told. */
function aliasRemark(lookups: readonly Lookup[]): string {
  const target = lookups.map((one) => one.aliases.at(-1)).find((one) => one !== undefined);
  return target === undefined ? '' : sanitise(`an alias of ${displayName(target)}`);
}

function joined(reason: string, remark: string): string {
  return remark === '' ? reason : `${reason}; ${remark}`;
}

/** Stands for an exchange that cannot be probed. Without any address senders skip it (RFC 5321 §5.1); where every
 *  exchange is so Postfix bounces (smtp_defer_if_no_mx_address_found), but that is for the path to say, so the hop is
 *  `deferred`: it hides no hop behind it. */
export function unaddressed(
  target: { readonly exchange: ProbeTarget['exchange']; readonly port: number },
  why: { readonly outcome: 'none' | 'unknown'; readonly reason: string },
  seen: { readonly vantage: string; readonly at: number },
): Observation {
  const isNone = why.outcome === 'none';
  const fault = sanitise(isNone ? `no address: ${why.reason}` : `cannot be resolved: ${why.reason}`);
  return {
    exchange: target.exchange,
    address: null,
    port: target.port,
    vantage: seen.vantage,
    at: seen.at,
    elapsedMs: 0,
    verdict: isNone ? 'fail' : 'inconclusive',
    fate: isNone ? 'deferred' : 'unknown',
    stage: 'resolve',
    stages: [{ stage: 'resolve', ok: false, elapsedMs: 0, reply: null, fault }],
    reply: null,
    summary: fault,
    isSlow: false,
    tls: null,
    offersStarttls: null,
    takesCanary: null,
  };
}
