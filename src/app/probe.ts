// Probes by hand: a whole route, every route, or one exchange. Looks only: counters, history and DNS stay as they are.

import { UsageError } from '../errors.ts';
import { domainNameOf, parseDomainName, type DomainName } from '../model/domain-name.ts';
import type { Observation } from '../model/observation.ts';
import type { ProbePolicy, Route } from '../model/route.ts';
import { smtpPort } from '../model/hop.ts';
import { sanitise } from '../model/text.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { measureRoute, ProbeRun } from './measure.ts';
import { routeNamed } from './routes.ts';

export interface ProbedHop {
  /** Null for an exchange probed by its name. */
  readonly route: string | null;
  readonly path: string | null;
  readonly preference: number | null;
  readonly observation: Observation;
}

const parallelRoutes = 16;

/** `target`: null = every route, else a route's name or an exchange. Throws UsageError where it is neither. */
export async function probeTarget(
  target: string | null,
  deps: Deps,
  signal: AbortSignal,
): Promise<ProbedHop[]> {
  const routes = [...deps.config.routes.values()];
  if (target === null)
    return (await mapBounded(routes, parallelRoutes, (route) => probeRoute(route, deps, signal))).flat();
  if (deps.config.routes.has(target) || !target.includes('.'))
    return probeRoute(routeNamed(target, deps), deps, signal);
  return probeExchange(target, routes, deps, signal);
}

async function probeRoute(route: Route, deps: Deps, signal: AbortSignal): Promise<ProbedHop[]> {
  // One look a hop: a person sees what is so now, not what thresholds make of it.
  const once: Route = { ...route, probe: { ...route.probe, fall: 1 } };
  const { hops } = await measureRoute(once, new ProbeRun(deps), deps, signal);
  return [...hops].flatMap(([path, list]) =>
    list.flatMap(({ observations, preference }) =>
      observations.slice(-1).map((observation) => ({ route: route.name, path, preference, observation })),
    ),
  );
}

/** The policy of the first route that uses the exchange, or the first route's, without its canary address: that
 *  mailbox is ours only where the exchange is. */
async function probeExchange(
  text: string,
  routes: readonly Route[],
  deps: Deps,
  signal: AbortSignal,
): Promise<ProbedHop[]> {
  const parsed = parseDomainName(text);
  if (!parsed.ok) {
    throw new UsageError(
      'usage',
      `${JSON.stringify(sanitise(text, 80))} is neither a route nor an exchange`,
      {
        hint: `routes: ${routes
          .map((one) => one.name)
          .slice(0, 20)
          .join(', ')}`,
      },
    );
  }
  const { policy, port } = policyFor(parsed.name, routes);
  const target = { exchange: domainNameOf(parsed.name), port, policy, addresses: null };
  const found = await deps.probe.resolve(target, signal);
  const observations =
    found.outcome === 'found'
      ? await Promise.all(
          found.addresses.map((address) =>
            deps.probe.probe({ exchange: target.exchange, address, port }, policy, signal),
          ),
        )
      : [deps.probe.withoutAddress(target, found)];
  return observations.map((observation) => ({ route: null, path: null, preference: null, observation }));
}

function policyFor(exchange: DomainName, routes: readonly Route[]): { policy: ProbePolicy; port: number } {
  for (const route of routes) {
    for (const path of route.paths) {
      const mx = path.kind === 'mx' ? path.mx.find((one) => one.exchange === exchange) : undefined;
      if (mx !== undefined) return { policy: route.probe, port: mx.port };
      if (path.kind === 'address' && path.addresses.has(exchange))
        return { policy: route.probe, port: path.port };
    }
  }
  const [first] = routes;
  if (first === undefined) throw new UsageError('usage', 'the configuration has no routes');
  const stages = first.probe.stages.filter((stage) => stage !== 'mail' && stage !== 'rcpt');
  return { policy: { ...first.probe, stages, rcpt: null }, port: smtpPort };
}
