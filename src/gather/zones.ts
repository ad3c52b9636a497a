// Which zone a name stands in, and what each of its authoritative servers says of an MX. The zone is found upwards: the
// first name that has NS. RFC 1034 §4.2.

import type { AuthorityReader, Resolver } from '../dns/reader.ts';
import type { AuthorityFacts } from '../model/audit.ts';
import {
  displayName,
  type DomainName,
  labelsOf,
  parentOf,
  parseDomainName,
  root,
} from '../model/domain-name.ts';
import { Delegated } from './delegated.ts';
import { authorityFactsOf, failedAuthority } from './facts.ts';
import { Memo } from './memo.ts';
import type { Tally } from './tally.ts';

export interface ZoneOptions {
  readonly resolver: Resolver;
  readonly reader: AuthorityReader;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** absent: no zone below the top-level domains. */
type Zone =
  | { readonly outcome: 'found'; readonly zone: DomainName; readonly nameServers: readonly DomainName[] }
  | { readonly outcome: 'absent' | 'unknown'; readonly reason: string };

/** Mail domains and exchanges stand at an apex or shortly below one; `ip6.arpa` could lead further. */
const maxSteps = 5;
/** Some 500 bytes each; of a list of mail domains each is asked once anyway. */
const maxZones = 10_000;
/** The root has 13. */
const maxNameServers = 32;

export class Zones {
  readonly #options: ZoneOptions;
  readonly #apexes: Memo<DomainName, Zone>;
  readonly #delegated: Delegated;

  constructor(options: ZoneOptions) {
    this.#options = options;
    this.#delegated = new Delegated(options);
    this.#apexes = new Memo({
      size: maxZones,
      find: (name) => this.#apexOf(name),
      isUnknown: ({ outcome }) => outcome === 'unknown',
    });
  }

  async authoritiesOf(domain: DomainName): Promise<AuthorityFacts[]> {
    const { reader, signal } = this.#options;
    const found = await this.#zoneOf(domain);
    if (found.outcome !== 'found') {
      const told = found.outcome === 'unknown' ? await this.#delegatedTo(domain) : null;
      return told ?? [failedAuthority(domain, found.reason)];
    }
    const { zone } = found;
    const view = await reader.readPublished({ zone, owner: domain, type: 'MX', authorities: null }, signal);
    return authorityFactsOf(view);
  }

  /** Of the zone that a host stands in; null where not found out. */
  async nameServersOf(host: DomainName): Promise<readonly DomainName[] | null> {
    const found = await this.#zoneOf(parentOf(host));
    return found.outcome === 'found' ? found.nameServers : null;
  }

  /** Where the resolver has no answer for the NS: as the nearest zone above says that has some. */
  async #delegatedTo(domain: DomainName): Promise<AuthorityFacts[] | null> {
    for (let above = parentOf(domain); above !== root; above = parentOf(above)) {
      const { outcome } = await this.#apexes.get(above);
      if (outcome === 'found') return this.#delegated.authoritiesOf(domain, above);
    }
    return null;
  }

  async #zoneOf(name: DomainName): Promise<Zone> {
    let current = name;
    for (let step = 0; step < maxSteps && labelsOf(current).length > 1; step++) {
      const apex = await this.#apexes.get(current);
      if (apex.outcome !== 'absent') return apex;
      current = parentOf(current);
    }
    return { outcome: 'absent', reason: `no zone of ${displayName(name)} was found` };
  }

  async #apexOf(name: DomainName): Promise<Zone> {
    const { resolver, tally, signal } = this.#options;
    const ns = await resolver.lookup(name, 'NS', signal);
    tally.count(ns);
    if (ns.outcome === 'failed') return { outcome: 'unknown', reason: ns.reason ?? 'no answer for the NS' };
    if (ns.rrset === null || ns.aliases.length > 0) return { outcome: 'absent', reason: '' };
    const parsed = ns.rrset.rdata.slice(0, maxNameServers).map(parseDomainName);
    const nameServers = parsed.flatMap((one) => (one.ok ? [one.name] : []));
    return { outcome: 'found', zone: name, nameServers };
  }
}
