// Which servers a zone is delegated to where the resolver cannot tell, as the zone above says, and what each of them says
// of an MX. A resolver answers SERVFAIL for a zone that nobody serves, for its NS too. RFC 1034 §4.2.1, §4.2.2.

import type { AuthorityAnswer, AuthorityReader, Referral, Resolver } from '../dns/reader.ts';
import type { AuthorityFacts } from '../model/audit.ts';
import { displayName, type DomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import { authorityFactsOf } from './facts.ts';
import type { Tally } from './tally.ts';

export interface DelegatedOptions {
  readonly resolver: Resolver;
  readonly reader: AuthorityReader;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Servers of a registry that are asked again for the next zone below it: one, and one more where that is away. */
const enoughParents = 2;
/** Registries of a list. */
const maxParents = 1000;
/** Of the servers of one zone; 32 names with both families. */
const maxAddresses = 64;

type Named = ServerAddress & { readonly name: DomainName };

export class Delegated {
  readonly #options: DelegatedOptions;
  /** Servers that were seen to tell of delegations. */
  readonly #parents = new Map<DomainName, readonly ServerAddress[]>();

  constructor(options: DelegatedOptions) {
    this.#options = options;
  }

  /** `above`: a zone that the domain stands in or below. Null where nothing is told of a delegation. */
  async authoritiesOf(domain: DomainName, above: DomainName): Promise<AuthorityFacts[] | null> {
    const found = await this.#referralOf(domain, above);
    if (found === null) return null;
    const { referral, port } = found;
    const looked = await Promise.all(referral.servers.map((server) => this.#addressesOf(server, port)));
    const servers = looked.flatMap((one) => one.servers).slice(0, maxAddresses);
    const question = { zone: referral.zone, owner: domain, type: 'MX', authorities: servers } as const;
    const view = await this.#options.reader.readPublished(question, this.#options.signal);
    // The reader was given addresses; who they belong to is what people look for.
    const answers = view.answers.map((one) => ({ ...one, server: nameOf(one, servers) }));
    return [...authorityFactsOf({ ...view, answers }), ...looked.flatMap((one) => one.facts)];
  }

  async #referralOf(
    domain: DomainName,
    above: DomainName,
  ): Promise<{ readonly referral: Referral; readonly port: number } | null> {
    const known = this.#parents.get(above) ?? null;
    const { reader, signal } = this.#options;
    const question = { zone: above, owner: domain, type: 'NS', authorities: known } as const;
    const { answers } = await reader.readPublished(question, signal);
    const told = answers.filter((one) => one.referral !== undefined);
    const [first] = told;
    if (first?.referral === undefined) return null;
    if (this.#parents.size >= maxParents) this.#parents.clear();
    this.#parents.set(
      above,
      told.slice(0, enoughParents).map(({ server: { address, port } }) => ({ address, port })),
    );
    return { referral: first.referral, port: first.server.port };
  }

  /** Without glue by the resolver. A name that has no address is told as lame, one that cannot be looked up as failed. */
  async #addressesOf(
    { name, addresses }: Referral['servers'][number],
    port: number,
  ): Promise<{ readonly servers: readonly Named[]; readonly facts: readonly AuthorityFacts[] }> {
    if (addresses.length > 0) {
      return { servers: addresses.map((address) => ({ name, address, port })), facts: [] };
    }
    const { resolver, tally, signal } = this.#options;
    const lookups = await Promise.all([
      resolver.lookup(name, 'A', signal),
      resolver.lookup(name, 'AAAA', signal),
    ]);
    lookups.forEach((one) => tally.count(one));
    const found = lookups.flatMap(({ rrset }) => rrset?.rdata ?? []);
    if (found.length > 0) return { servers: found.map((address) => ({ name, address, port })), facts: [] };
    const failed = lookups.find(({ outcome }) => outcome === 'failed');
    const outcome = failed === undefined ? 'lame' : 'failed';
    const reason = failed === undefined ? 'it has no address' : failed.reason;
    const nothing = { ttl: null, highestTtl: null, rdata: [] };
    return { servers: [], facts: [{ server: displayName(name), outcome, ...nothing, reason }] };
  }
}

function nameOf({ server }: AuthorityAnswer, servers: readonly Named[]): AuthorityAnswer['server'] {
  return servers.find((one) => one.address === server.address) ?? server;
}
