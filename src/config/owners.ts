// Owner names of a route's records, and the checks that need all routes: an RRset has one owner in the file too.

import { isIP } from 'node:net';
import { type DomainName, displayName, isWithin, labelsOf, parseDomainName } from '../model/domain-name.ts';
import type { RouteRecords } from '../model/route.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import type { RouteShape } from './route-schema.ts';
import { nearest } from '../model/nearest.ts';

export interface DeclaredOwner {
  readonly owner: DomainName;
  readonly zone: DomainName;
  readonly path: ConfigPath;
}

export interface Owners {
  readonly records: readonly RouteRecords[];
  readonly declared: readonly DeclaredOwner[];
  /** Of the names in the file; more than `declared` where some could not be read. */
  readonly nameCount: number;
}

type OwnerName = { readonly name: DomainName } | { readonly fault: string; readonly meant: string | null };

/** A name in a zone: `@`, relative, or absolute with its trailing dot. */
function parseOwner(text: string, zone: DomainName): OwnerName {
  if (text === '@') return { name: zone };
  if (text === '') return { fault: 'is empty; the zone itself is "@"', meant: '"@"' };
  const absolute = parseDomainName(text);
  if (!absolute.ok) return { fault: `is not a domain name (${absolute.error})`, meant: null };
  if (text.endsWith('.')) {
    if (isWithin(absolute.name, zone)) return { name: absolute.name };
    return {
      fault: `lies outside the zone ${displayName(zone)}; move it to the records of its own zone`,
      meant: null,
    };
  }
  if (isIP(text) !== 0) return { fault: 'is an address; owner names are relative to the zone', meant: null };
  if (isWithin(absolute.name, zone)) {
    const below = labelsOf(absolute.name).slice(0, -labelsOf(zone).length).join('.');
    const fault = `would be ${text}.${displayName(zone)}: names are relative to the zone`;
    return { fault, meant: below === '' ? '"@"' : below };
  }
  const joined = parseDomainName(`${text}.${zone}`);
  return joined.ok
    ? { name: joined.name }
    : { fault: `is too long in its zone (${joined.error})`, meant: null };
}

export function ownersOfRoute(
  shape: RouteShape,
  path: ConfigPath,
  providers: readonly string[],
  report: Report,
): Owners {
  const declared: DeclaredOwner[] = [];
  const records = shape.records.map((one, index): RouteRecords => {
    const place = [...path, 'records', index];
    if (!providers.includes(one.provider))
      report.problem([...place, 'provider'], 'is no name under providers', {
        suggestion: nearest(one.provider, providers),
      });
    const owners: DomainName[] = [];
    one.names.forEach((text, at) => {
      const namePath = [...place, 'names', at];
      const parsed = parseOwner(text, one.zone);
      if ('fault' in parsed) {
        report.problem(namePath, parsed.fault, { suggestion: parsed.meant });
        return;
      }
      owners.push(parsed.name);
      declared.push({ owner: parsed.name, zone: one.zone, path: namePath });
    });
    return { provider: one.provider, zone: one.zone, owners, authorities: one.authorities ?? null };
  });
  const nameCount = shape.records.reduce((sum, one) => sum + one.names.length, 0);
  return { records, declared, nameCount };
}

/** An owner whose RRsets two routes (or one route twice) would both rewrite. */
export function reportSharedOwners(
  routes: readonly { readonly name: string; readonly strategy: string; readonly owners: Owners }[],
  report: Report,
): void {
  const holders = new Map<string, string>();
  for (const route of routes)
    for (const { owner, path } of route.owners.declared) {
      const key = `${owner} ${route.strategy}`;
      const holder = holders.get(key);
      const type = route.strategy === 'mx' ? 'MX' : 'A and AAAA';
      if (holder === undefined) holders.set(key, route.name);
      else if (holder === route.name)
        report.problem(path, `${displayName(owner)} stands twice in this route; keep one`);
      else
        report.problem(
          path,
          `the ${type} records of ${displayName(owner)} already belong to route ${holder}; a name has one route`,
        );
    }
}
