// Which zone object a zone's name means. A token may see several of one name: of other accounts, internal ones, one
// that was never activated. Only an active, full one answers for its names; where two do, nobody here chooses.

import { type DomainName, displayName, parentOf, root } from '../../model/domain-name.ts';
import type { CloudflareApi } from './api.ts';
import { ambiguousZone, noZone } from './refusals.ts';
import type { CloudflareZone } from './shapes.ts';

export interface FoundZone {
  readonly id: string;
  readonly name: DomainName;
  readonly account: { readonly id: string; readonly name?: string | undefined };
}

export interface ZoneChoice {
  readonly accountId: string | null;
  /** Zone id by zone name without the trailing dot. */
  readonly zoneIds: Readonly<Record<string, string>>;
}

/** Labels above an exchange that are tried as a zone: more than anybody delegates within Cloudflare. */
const maxParents = 6;

const isInService = (zone: CloudflareZone) =>
  zone.status === 'active' && (zone.type === undefined || zone.type === 'full');

export class Zones {
  readonly #api: CloudflareApi;
  readonly #accountId: string | null;
  readonly #ids: ReadonlyMap<string, string>;
  /** What was found stays so for the life of a command. */
  readonly #found = new Map<DomainName, FoundZone>();
  readonly #absent = new Set<DomainName>();

  constructor(api: CloudflareApi, { accountId, zoneIds }: ZoneChoice) {
    this.#api = api;
    this.#accountId = accountId;
    this.#ids = new Map(Object.entries(zoneIds).map(([name, id]) => [name.replace(/\.$/, ''), id]));
  }

  /** The account of the first zone that was found. */
  get account(): FoundZone['account'] | null {
    const [first] = this.#found.values();
    return first?.account ?? null;
  }

  /** As found before; asks nobody. */
  known(name: DomainName): FoundZone | null {
    return this.#found.get(name) ?? null;
  }

  /** Throws ProviderError `zone-unknown` where there is none in service, or more than one. */
  async find(name: DomainName, signal: AbortSignal): Promise<FoundZone> {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const seen = await this.#seen(name, signal);
    const [one, ...more] = seen.filter(isInService);
    if (one === undefined) throw noZone(this.#api.host, name, seen);
    if (more.length > 0) throw ambiguousZone(this.#api.host, name, [one, ...more]);
    const found = { id: one.id, name, account: one.account };
    this.#found.set(name, found);
    return found;
  }

  /** The zone that holds `name`, if this token sees one. */
  async holding(name: DomainName, signal: AbortSignal): Promise<FoundZone | null> {
    for (let at = name, tries = 0; at !== root && tries < maxParents; at = parentOf(at), tries++) {
      if (parentOf(at) === root) return null;
      if (this.#absent.has(at)) continue;
      const known = this.#found.get(at);
      if (known !== undefined) return known;
      const seen = await this.#seen(at, signal);
      if (seen.some(isInService)) return this.find(at, signal);
      this.#absent.add(at);
    }
    return null;
  }

  /** A configured id is looked up too: records written into another zone would be named `example.com.other.example`. */
  async #seen(name: DomainName, signal: AbortSignal): Promise<CloudflareZone[]> {
    const id = this.#ids.get(displayName(name));
    const zones =
      id === undefined
        ? await this.#api.findZones(name, this.#accountId, signal)
        : [await this.#api.readZone(id, name, signal)];
    return zones.filter(
      (one) =>
        one.name.toLowerCase() === displayName(name) &&
        (this.#accountId === null || one.account.id === this.#accountId),
    );
  }
}
