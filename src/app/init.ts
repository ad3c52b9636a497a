// A first configuration out of what DNS says today: a route for the domains that publish the same MX. Who serves the
// zones and where mail may go instead, DNS does not say; that is left to be completed.

import { AppError, exitCodes } from '../errors.ts';
import type { GatherWants, Gatherer } from '../gather/gather.ts';
import type { DomainFacts } from '../model/audit.ts';
import { type DomainName, displayName, isHostName, isWithin } from '../model/domain-name.ts';
import { formatMx, isNullMx, type Mx } from '../model/mx.ts';
import type { Warning } from '../render/envelope.ts';
import { mapBounded } from './concurrency.ts';

export interface DraftRoute {
  /** As the configuration takes it; unique. */
  readonly name: string;
  /** Names by zone; `@` is the zone itself. */
  readonly records: readonly { readonly zone: DomainName; readonly names: readonly string[] }[];
  /** Seconds. */
  readonly ttl: number;
  /** In the order of preference. */
  readonly mx: readonly Mx[];
}

export interface ConfigDraft {
  readonly routes: readonly DraftRoute[];
  /** A domain that is in no route, and why. */
  readonly warnings: readonly Warning[];
}

export interface InitDeps {
  readonly gatherer: Gatherer;
  /** Of the zone the name stands in; null where nobody says. */
  readonly zoneOf: (name: DomainName, signal: AbortSignal) => Promise<DomainName | null>;
}

/** The MX as its name servers give it: a resolver's TTL is on its way down. */
const wants: GatherWants = {
  sts: false,
  dane: false,
  tlsRpt: false,
  spf: false,
  authorities: true,
  deep: false,
};
/** Somebody typed them; ms do not matter. */
const parallelDomains = 8;

interface Published {
  readonly domain: DomainName;
  readonly zone: DomainName;
  readonly ttl: number;
  readonly mx: readonly Mx[];
}

/** Throws AppError `dns-no-answer` where no domain publishes an MX that a route could have. */
export async function draftConfig(
  domains: readonly DomainName[],
  { gatherer, zoneOf }: InitDeps,
  signal: AbortSignal,
): Promise<ConfigDraft> {
  const looks = await mapBounded([...new Set(domains)], parallelDomains, async (domain) => {
    const facts = await gatherer.gather(domain, wants, signal);
    const why = whyNot(facts);
    if (why !== null) return { domain, why };
    const zone = (await zoneOf(domain, signal)) ?? domain;
    return { domain, why, zone, ttl: ttlOf(facts), mx: facts.mx.mx };
  });
  const warnings = looks.flatMap(({ domain, why }) =>
    why === null
      ? []
      : [{ code: 'not-drafted', message: `${why}; it is in no route`, subject: displayName(domain) }],
  );
  const published = looks.flatMap((one): Published[] => (one.why === null ? [one] : []));
  if (published.length === 0) throw nothingPublished(warnings);
  return { routes: routesOf(published), warnings };
}

/** Why no route can be made of it; null where one can. */
function whyNot({ mx }: DomainFacts): string | null {
  if (mx.outcome === 'unknown') return `nobody could say what it publishes (${mx.reason ?? 'no answer'})`;
  if (mx.outcome === 'nxdomain') return 'it does not exist';
  if (mx.mx.length === 0) return 'it publishes no MX';
  if (mx.mx.some(isNullMx)) return 'it takes no mail (null MX)';
  const other = mx.mx.find((one) => !isHostName(one.exchange));
  return other === undefined ? null : `it publishes ${formatMx(other)}, which is no host name`;
}

/** The longest that a cache may have been told. */
function ttlOf({ mx, authorities }: DomainFacts): number {
  return Math.max(mx.ttl, ...(authorities ?? []).map((one) => one.ttl ?? 0));
}

function nothingPublished(warnings: readonly Warning[]): AppError {
  const reasons = warnings.map(({ subject, message }) => `${subject ?? ''}: ${message}`);
  return new AppError('dns-no-answer', ['there is no MX to begin with', ...reasons].join('\n'), {
    exitCode: exitCodes.undecided,
    hint: 'name a domain that takes mail, or another resolver with --resolver',
  });
}

function routesOf(published: readonly Published[]): DraftRoute[] {
  const groups = Map.groupBy(published, ({ ttl, mx }) => `${ttl} ${mx.map(formatMx).sort().join(' ')}`);
  const names = new Set<string>();
  return [...groups.values()].flatMap((group): DraftRoute[] => {
    const [first] = group;
    if (first === undefined) return [];
    const records = [...Map.groupBy(group, ({ zone }) => zone)].map(([zone, own]) => ({
      zone,
      names: own.map(({ domain }) => relativeName(domain, zone)),
    }));
    return [{ name: routeName(first.domain, names), records, ttl: first.ttl, mx: first.mx }];
  });
}

/** Of names within the zone; any other as it is, with its dot. */
function relativeName(domain: DomainName, zone: DomainName): string {
  if (domain === zone) return '@';
  return isWithin(domain, zone) ? domain.slice(0, -(zone.length + 1)) : domain;
}

/** As long as names may be. */
const longestName = 64;

function routeName(domain: DomainName, taken: Set<string>): string {
  const base = displayName(domain)
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, longestName - 4);
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}
