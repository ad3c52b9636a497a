// Which servers serve a zone: its NS and all their addresses, as the resolver tells them. Kept for their TTL, so
// that a thousand routes of one zone ask once. Walks no delegations itself: the zone is given, and what is no apex
// is a fault.

import { type DomainName, displayName, parseDomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import type { Lookup, Resolver } from './reader.ts';
import { inParallel, SharedWork } from './shared-work.ts';

export interface NamedServer extends ServerAddress {
  readonly name: DomainName | null;
}

export type Delegation =
  | {
      readonly ok: true;
      /** By name, IPv4 first; an address that several names share stands once. */
      readonly servers: readonly NamedServer[];
      /** Name servers of which no address, or not every family's, could be found out. */
      readonly unresolved: readonly { readonly name: DomainName; readonly reason: string }[];
    }
  | { readonly ok: false; readonly fault: string };

export interface DelegationOptions {
  readonly resolver: Resolver;
  readonly clock: { now(): number };
  /** Port of every name server found. */
  readonly port: number;
}

/** Address look-ups at once for one zone: two per name server, and most zones have two to four. */
const parallelLookups = 8;
/** The root has 13 name servers; more than this is a mistake or an attack on us. */
const maxNameServers = 32;
const maxAddresses = 64;
/** Bounds on how long a list is kept; ms. At least a moment though the TTL be 0, at most an hour: NS do move. */
const shortestMs = 10_000;
const longestMs = 3_600_000;
/** How long a failure is kept (RFC 9520 §3.2: at least 1 s, at most 5 min); ms. */
const failureMs = 5_000;
/** Zones kept; an audit that meets more begins anew. */
const maxZones = 10_000;

export class Delegations {
  readonly #options: DelegationOptions;
  readonly #shared = new SharedWork<Delegation>();
  readonly #kept = new Map<DomainName, { readonly delegation: Delegation; readonly untilAt: number }>();

  constructor(options: DelegationOptions) {
    this.#options = options;
  }

  /** Rejects only on abort. */
  find(zone: DomainName, signal: AbortSignal): Promise<Delegation> {
    const kept = this.#kept.get(zone);
    if (kept !== undefined && kept.untilAt > this.#options.clock.now())
      return Promise.resolve(kept.delegation);
    return this.#shared.join(
      zone,
      async (shared) => {
        const { delegation, keepMs } = await this.#ask(zone, shared);
        if (this.#kept.size >= maxZones) this.#kept.clear();
        this.#kept.set(zone, { delegation, untilAt: this.#options.clock.now() + keepMs });
        return delegation;
      },
      signal,
    );
  }

  async #ask(zone: DomainName, signal: AbortSignal): Promise<{ delegation: Delegation; keepMs: number }> {
    const found = await this.#options.resolver.lookup(zone, 'NS', signal);
    const fault = faultOf(zone, found);
    if (found.rrset === null || fault !== null) {
      return { delegation: { ok: false, fault: fault ?? '' }, keepMs: failureMs };
    }
    const names = found.rrset.rdata
      .map(parseDomainName)
      .flatMap((parsed) => (parsed.ok ? [parsed.name] : []));
    const questions = names.flatMap((name) => [
      { name, type: 'A' as const },
      { name, type: 'AAAA' as const },
    ]);
    const lookups = await inParallel(questions, parallelLookups, async ({ name, type }) => ({
      name,
      lookup: await this.#options.resolver.lookup(name, type, signal),
    }));
    const servers = this.#serversOf(lookups);
    if (servers.length > maxAddresses) {
      const many = `${displayName(zone)} has ${servers.length} name server addresses, more than the ${maxAddresses} read`;
      return { delegation: { ok: false, fault: many }, keepMs: failureMs };
    }
    const unresolved = names.flatMap((name) => unresolvedOf(name, lookups));
    const ttls = [found, ...lookups.map((one) => one.lookup)].flatMap((lookup) => lookup.rrset?.ttl ?? []);
    const keepMs = Math.min(longestMs, Math.max(shortestMs, Math.min(...ttls) * 1000));
    return {
      delegation: { ok: true, servers, unresolved },
      keepMs: unresolved.length > 0 ? failureMs : keepMs,
    };
  }

  #serversOf(lookups: readonly AddressLookup[]): NamedServer[] {
    const byAddress = new Map<string, NamedServer>();
    for (const { name, lookup } of lookups) {
      for (const address of lookup.rrset?.rdata ?? []) {
        if (!byAddress.has(address)) byAddress.set(address, { name, address, port: this.#options.port });
      }
    }
    return [...byAddress.values()];
  }
}

interface AddressLookup {
  readonly name: DomainName;
  readonly lookup: Lookup;
}

/** Why there is no list of name servers to go on with; null where there is one. */
function faultOf(zone: DomainName, found: Lookup): string | null {
  const shown = displayName(zone);
  if (found.outcome === 'failed')
    return sanitise(`cannot find the name servers of ${shown}: ${found.reason ?? ''}`);
  if (found.outcome === 'nxdomain') return `${shown} does not exist in DNS`;
  if (found.aliases.length > 0) return `${shown} is an alias (CNAME), so it is no zone`;
  if (found.rrset === null) return `${shown} has no NS records, so it is not the apex of a zone`;
  if (found.rrset.rdata.length > maxNameServers) {
    return `${shown} has ${found.rrset.rdata.length} name servers, more than the ${maxNameServers} read`;
  }
  return null;
}

/** A name server of which a look-up failed may have an address we know nothing of: that must be seen. */
function unresolvedOf(
  name: DomainName,
  lookups: readonly AddressLookup[],
): { name: DomainName; reason: string }[] {
  const own = lookups.filter((one) => one.name === name).map((one) => one.lookup);
  const failure = own.find((lookup) => lookup.outcome === 'failed');
  const shown = displayName(name);
  if (failure !== undefined) {
    return [{ name, reason: sanitise(`addresses of ${shown} not found out: ${failure.reason ?? ''}`) }];
  }
  if (own.some((lookup) => lookup.outcome === 'found')) return [];
  const isGone = own.some((lookup) => lookup.outcome === 'nxdomain');
  return [{ name, reason: `name server ${shown} ${isGone ? 'does not exist' : 'has no address'}` }];
}
