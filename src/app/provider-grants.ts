// What one provider must let mxctl do, from the configuration alone: the names and types of every route that it serves.

import { placesOf } from '../change/published.ts';
import type { Config } from '../config/config.ts';
import { UsageError } from '../errors.ts';
import type { DomainName } from '../model/domain-name.ts';
import { nearest } from '../model/nearest.ts';
import type { Route } from '../model/route.ts';
import type { RrType } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import { drillPlaces } from './drill-canary.ts';

export interface ZoneGrant {
  readonly zone: DomainName;
  /** The provider's id of it, where the configuration says it. */
  readonly zoneId: string | null;
  /** Sorted. One grant for all routes of a zone that write the same types, so that one change is within one grant. */
  readonly names: readonly DomainName[];
  readonly types: readonly RrType[];
}

export interface ProviderGrants {
  readonly provider: string;
  readonly type: 'route53' | 'cloudflare' | 'powerdns' | 'rfc2136';
  /** In config order. */
  readonly zones: readonly ZoneGrant[];
  /** Of route53. */
  readonly roleArn: string | null;
  readonly region: string | null;
  /** TSIG key of rfc2136. */
  readonly keyName: DomainName | null;
}

/** With `hasDrills` the TXT record of canary drills too. Throws UsageError where there is no such provider, or no route
 *  that uses it. */
export function grantsOf(
  name: string,
  { providers, routes }: Pick<Config, 'providers' | 'routes'>,
  hasDrills = false,
): ProviderGrants {
  const block = providers.get(name);
  if (block === undefined) {
    const names = [...providers.keys()];
    const meant = nearest(name, names);
    throw new UsageError('usage', `there is no provider ${JSON.stringify(sanitise(name, 80))}`, {
      hint: meant === null ? `providers: ${names.slice(0, 20).join(', ')}` : `did you mean ${meant}?`,
    });
  }
  const uses = [...routes.values()].flatMap((route) => {
    const types = [...new Set(placesOf(route).map((one) => one.type))].sort();
    return route.records
      .filter((one) => one.provider === name)
      .map(({ zone, owners }): Use => ({ zone, owners, types }))
      .concat(hasDrills ? drillUses(route, name) : []);
  });
  const zones = [...Map.groupBy(uses, (one) => `${one.zone} ${one.types.join()}`).values()].flatMap(
    (same) => {
      const [first] = same;
      if (first === undefined) return [];
      const { zone, types } = first;
      const names = [...new Set(same.flatMap((one) => one.owners))].sort();
      return [{ zone, zoneId: zoneIdIn(block, zone), names, types }];
    },
  );
  if (zones.length === 0)
    throw new UsageError('usage', `no route uses provider ${name}, so it needs no rights`, {
      hint: 'name it under the records of a route first',
    });
  return {
    provider: name,
    type: block.type,
    zones,
    roleArn: block.type === 'route53' ? block.roleArn : null,
    region: block.type === 'route53' ? block.region : null,
    keyName: block.type === 'rfc2136' ? block.tsig.name : null,
  };
}

interface Use {
  readonly zone: DomainName;
  readonly owners: readonly DomainName[];
  readonly types: readonly RrType[];
}

function drillUses(route: Route, provider: string): Use[] {
  return drillPlaces(route)
    .filter((one) => one.records.provider === provider)
    .map(({ records, owner }) => ({ zone: records.zone, owners: [owner], types: ['TXT'] }));
}

type Block = Config['providers'] extends ReadonlyMap<string, infer Known> ? Known : never;

function zoneIdIn(block: Block, zone: DomainName): string | null {
  switch (block.type) {
    case 'route53':
      return block.hostedZones[zone] ?? null;
    case 'cloudflare':
      return block.zoneIds[zone] ?? null;
    default:
      return null;
  }
}
