// Checks of `doctor` on the routes: what each provider lets us read, who else may write the same records, and how long
// recovery takes. Writes nothing: that a write is let through only a drill shows.

import { placesOf } from '../change/published.ts';
import { AppError } from '../errors.ts';
import { displayName } from '../model/domain-name.ts';
import type { Route } from '../model/route.ts';
import { formatDuration } from '../render/duration.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { failureOf, type Finding, ok, type Opened, warn } from './doctor-finding.ts';
import { validate } from './validate.ts';

const parallelProviders = 4;
/** RRsets of one zone that are read: one shows the right to, the others cost calls. */
const readOfZone = 20;

export async function checkProviders({ config, program }: Opened, signal: AbortSignal): Promise<Finding[]> {
  const routes = [...config.routes.values()];
  const used = routes.flatMap((route) => route.records.map((one) => one.provider));
  const names = [...new Set([...config.providers.keys(), ...used])];
  const findings = await mapBounded(names, parallelProviders, (name) =>
    checkProvider(name, routes, program, signal),
  );
  return findings.flat();
}

async function checkProvider(
  name: string,
  routes: readonly Route[],
  deps: Deps,
  signal: AbortSignal,
): Promise<Finding[]> {
  const places = routes.flatMap(placesOf).filter((one) => one.records.provider === name);
  if (places.length === 0) return [ok('provider', name, 'no route uses it')];
  try {
    const provider = await deps.provider(name);
    const zones = [...Map.groupBy(places, (one) => one.records.zone)];
    const read = await mapBounded(zones, parallelProviders, async ([zone, own]) => {
      try {
        await provider.readRrsets(zone, own.slice(0, readOfZone), signal);
        return [];
      } catch (error) {
        return [failedOn(name, error)];
      }
    });
    const failures = read.flat();
    const shown = zones.slice(0, 4).map(([zone]) => displayName(zone));
    const more = zones.length > shown.length ? ` and ${zones.length - shown.length} more` : '';
    const text = `${provider.label} lets us read ${shown.join(', ')}${more}`;
    if (failures.length > 0) return failures;
    const route = routes.find((one) => one.records.some((records) => records.provider === name));
    return [
      {
        ...ok('provider', name, text),
        next: `that it lets us write: mxctl drill ${route?.name ?? ''} --depth canary`,
      },
    ];
  } catch (error) {
    return [failedOn(name, error)];
  }
}

function failedOn(name: string, error: unknown): Finding {
  if (!(error instanceof AppError)) throw error;
  return failureOf('provider', name, error);
}

/** A revert is news for as long as it may happen again at the next run of whoever did it. */
const recentRevertMs = 30 * 86_400_000;
const mostEvents = 200;

/** terraform and its like: whether they are told to leave the records alone cannot be seen from here. */
export async function checkRivals(opened: Opened): Promise<Finding[]> {
  const { config, program, clock, storeFault, isStoreNew } = opened;
  const routes = [...config.routes.keys()];
  const [first] = routes;
  if (first === undefined) return [];
  const reverted =
    storeFault !== null || isStoreNew
      ? []
      : (await program.store.listEvents({ sinceAt: clock.now() - recentRevertMs, limit: mostEvents })).filter(
          (one) => one.kind === 'revert' && one.route !== null && config.routes.has(one.route),
        );
  const latest = [...new Map(reverted.toReversed().map((one) => [one.route, one])).values()];
  if (latest.length > 0)
    return latest.map(({ route, text, at }) =>
      warn(
        'rivals',
        route,
        `${text} (${formatDuration(clock.now() - at)} ago)`,
        `tell the other tool to leave them alone: mxctl provider ignore-snippet terraform ${route ?? ''}`,
      ),
    );
  return [
    {
      check: 'rivals',
      subject: null,
      status: 'unknown',
      text: 'whether Terraform, octoDNS or DNSControl write these records too cannot be seen from here; if so, they undo a flip',
      next: `mxctl provider ignore-snippet terraform ${first} prints what to tell them`,
    },
  ];
}

/** An hour is what most people can wait for mail; where a route takes longer it should be meant. Seconds. */
const longTtl = 3600;
/** While failed over and in probation a relapse waits for this TTL; seconds. */
const longFailoverTtl = 300;
/** Routes that are named. */
const mostNamed = 10;

export function checkRecovery({ config, promiseOf }: Opened): Promise<Finding[]> {
  const { routes } = validate(config, promiseOf);
  const [slowest] = routes.toSorted((a, b) => b.budget.totalSeconds - a.budget.totalSeconds);
  if (slowest === undefined) return Promise.resolve([]);
  const slow = routes.filter((one) => one.budget.ttlSeconds > longTtl).slice(0, mostNamed);
  const slowReturn = [...config.routes.values()].filter((one) => one.failoverTtl > longFailoverTtl);
  const total = formatDuration(slowest.budget.totalSeconds * 1000);
  const findings = [
    ...slow.map(({ route, budget }) =>
      warn(
        'recovery',
        route,
        `mail may take ${formatDuration(budget.totalSeconds * 1000)} to follow a flip: the TTL is ${budget.ttlSeconds}`,
        `lower ${budget.knob} in the configuration`,
      ),
    ),
    ...slowReturn
      .slice(0, mostNamed)
      .map(({ name, failoverTtl }) =>
        warn(
          'recovery',
          name,
          `a target that fails is left only after its TTL of ${failoverTtl}`,
          'lower failover_ttl',
        ),
      ),
  ];
  if (findings.length > 0) return Promise.resolve(findings);
  return Promise.resolve([
    ok('recovery', null, `within ${total} at the worst (${slowest.route}); more: mxctl validate`),
  ]);
}
