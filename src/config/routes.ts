// From a route's shape to a Route: names that refer to others, TTLs, and what only makes sense together.

import type { CanaryPolicy } from '../model/canary.ts';
import type { MailPath } from '../model/mail-path.ts';
import type { MaintenanceWindow, Route, RouteRecords } from '../model/route.ts';
import { canaryPolicy } from './canary.ts';
import { type Owners, ownersOfRoute, reportSharedOwners } from './owners.ts';
import { pathsOfRoute } from './paths.ts';
import { failoverPolicy, probePolicy } from './policy.ts';
import type { ConfigPath } from './problems.ts';
import type { ProviderConfig } from './providers.ts';
import type { Report } from './report.ts';
import type { RouteShape } from './route-schema.ts';
import type { DefaultsShape } from './schema.ts';
import { nearest } from '../model/nearest.ts';

/** An hour: what most mail domains have, and few enough queries; Route 53 and others suggest it. */
const defaultTtl = 3600;
/** A minute: the least that every hosted provider takes. */
const defaultFailoverTtl = 60;

export interface RouteContext {
  readonly providers: readonly string[];
  readonly defaults: DefaultsShape;
  /** False where they were not understood, and stand here empty. */
  readonly areDefaultsKnown: boolean;
  /** Of the config file; relative files start here. */
  readonly directory: string;
  readonly report: Report;
}

export function buildRoutes(
  shapes: ReadonlyMap<string, RouteShape>,
  context: RouteContext,
): Map<string, Route> {
  const built = [...shapes].map(([name, shape]) => buildRoute(name, shape, context));
  reportSharedOwners(
    built.map(({ route, owners }) => ({ name: route.name, strategy: route.strategy, owners })),
    context.report,
  );
  return new Map(built.map(({ route }) => [route.name, route]));
}

function buildRoute(
  name: string,
  shape: RouteShape,
  context: RouteContext,
): { route: Route; owners: Owners } {
  const { defaults, report } = context;
  const path = ['routes', name];
  const owners = ownersOfRoute(shape, path, context.providers, report);
  const source = { path, probe: shape.probe, failover: shape.failover };
  const { probationMs, ...failover } = failoverPolicy(source, defaults);
  const paths = pathsOfRoute(shape, owners, path, report);
  const route: Route = {
    name,
    strategy: shape.strategy,
    records: owners.records,
    ...ttls(shape, path, context),
    probationMs,
    paths,
    prefer: shape.prefer,
    failoverTo: shape.failover_to,
    keep: shape.strategy === 'mx' ? shape.keep : [],
    probe: probePolicy(source, defaults, context.directory, report),
    failover,
    maintenance: shape.maintenance.map((one): MaintenanceWindow => ({
      every: one.every,
      start: one.start,
      durationMs: one.duration,
      timezone: one.timezone,
      path: one.path ?? null,
    })),
    canary: canaryOf(shape, paths, owners, path, context),
  };
  reportReferences(route, path, report);
  reportDoubts(route, owners, path, report);
  return { route, owners };
}

function canaryOf(
  shape: RouteShape,
  paths: readonly MailPath[],
  owners: Owners,
  path: ConfigPath,
  { defaults, areDefaultsKnown, directory, report }: RouteContext,
): CanaryPolicy | null {
  if (shape.canary === undefined || !areDefaultsKnown) return null;
  const route = { strategy: shape.strategy, paths, prefer: shape.prefer, failoverTo: shape.failover_to };
  return canaryPolicy({
    route,
    owners,
    path,
    given: shape.canary,
    defaults: defaults.canary,
    directory,
    report,
  });
}

/** The same routes, with the TTLs that the provider of each zone takes. */
export function withTtlBounds(
  routes: ReadonlyMap<string, Route>,
  providers: Readonly<Record<string, ProviderConfig>>,
): Map<string, Route> {
  const bounded = (records: RouteRecords): RouteRecords => {
    const block = providers[records.provider];
    return block === undefined || !('ttlBounds' in block)
      ? records
      : { ...records, ttlBounds: block.ttlBounds };
  };
  return new Map(
    [...routes].map(([name, route]) => [name, { ...route, records: route.records.map(bounded) }]),
  );
}

function ttls(
  shape: RouteShape,
  path: ConfigPath,
  { defaults, report }: RouteContext,
): Pick<Route, 'ttl' | 'failoverTtl'> {
  const ttl = shape.ttl ?? defaults.ttl ?? defaultTtl;
  const failoverTtl = shape.failover_ttl ?? defaults.failover_ttl;
  if (failoverTtl !== undefined && failoverTtl > ttl)
    report.problem(
      shape.failover_ttl === undefined ? [...path, 'ttl'] : [...path, 'failover_ttl'],
      `failover_ttl (${failoverTtl}) is more than ttl (${ttl}); it is there to make the way back shorter`,
    );
  for (const [key, value] of Object.entries({ ttl: shape.ttl, failover_ttl: shape.failover_ttl }))
    if (value === 0)
      report.warning(
        'ttl-zero',
        [...path, key],
        'is 0: no cache keeps the answer, and some raise it; 30 is safer',
      );
  return { ttl, failoverTtl: Math.min(failoverTtl ?? defaultFailoverTtl, ttl) };
}

/** Every path that is named must exist, and none may be in two places. */
function reportReferences(route: Route, path: ConfigPath, report: Report): void {
  const names = route.paths.map((one) => one.name);
  const exists = (name: string, place: ConfigPath): boolean => {
    if (names.includes(name)) return true;
    report.problem(place, `is no path of this route; its paths are ${names.join(', ')}`, {
      suggestion: nearest(name, names),
    });
    return false;
  };
  exists(route.prefer, [...path, 'prefer']);
  route.failoverTo.forEach((name, index) => {
    const place = [...path, 'failover_to', index];
    if (!exists(name, place)) return;
    if (name === route.prefer)
      report.problem(place, 'is the preferred path: the way out cannot lead back in; remove it');
    else if (route.failoverTo.indexOf(name) < index) report.problem(place, 'stands here twice; keep one');
  });
  route.keep.forEach((name, index) => {
    const place = [...path, 'keep', index];
    if (!exists(name, place)) return;
    if (name === route.prefer || route.failoverTo.includes(name))
      report.problem(
        place,
        'is also in prefer or failover_to; a kept path only stands beside those: remove one',
      );
    else if (route.keep.indexOf(name) < index) report.problem(place, 'stands here twice; keep one');
    else if (route.paths.find((one) => one.name === name)?.role !== 'backup')
      report.problem(
        place,
        'is not of role backup; only a path that stores and forwards stands beside the active one',
      );
  });
  route.maintenance.forEach((window, index) => {
    if (window.path !== null) exists(window.path, [...path, 'maintenance', index, 'path']);
  });
}

function reportDoubts(route: Route, owners: Owners, path: ConfigPath, report: Report): void {
  if (route.failover.mode === 'auto' && route.failoverTo.length === 0)
    report.warning('no-candidate', path, 'is in mode auto but has nowhere to go: add failover_to');
  if (owners.declared.length > route.failover.maxDomains)
    report.warning(
      'too-many-names',
      path,
      `has ${owners.declared.length} names and max_domains is ${route.failover.maxDomains}: blast-radius always forbids to move it`,
    );
}
