// Trips brakes: what `auto` was refused by a limit holds it from then on, in the store, until a person resumes.

import type { Brake } from '../model/brake.ts';
import { autoNamed, type GuardResult, type Plan } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import type { DecidedRoute } from './decide-route.ts';
import type { Deps } from './deps.ts';

type BrakeDeps = Pick<Deps, 'store' | 'clock' | 'config' | 'newId'>;

/** "Most domains per hour" looks back this long; ms. */
const hourMs = 3_600_000;

/** Trips what these refusals of one route trip; those that held before keep when and why. */
export async function tripBrakes(
  route: string,
  refusals: readonly GuardResult[],
  deps: BrakeDeps,
): Promise<void> {
  const { vantage } = deps.config;
  for (const { trips, reason } of refusals) {
    if (trips === undefined) continue;
    const at = deps.clock.now();
    const brake = {
      kind: trips.kind,
      route: trips.scope === 'route' ? route : null,
      vantage: trips.scope === 'vantage' ? vantage : null,
      at,
      by: autoNamed(vantage),
      reason,
    };
    if (!(await deps.store.tripBrake(brake))) continue;
    await deps.store.appendEvent({
      id: deps.newId(),
      at,
      route: brake.route,
      kind: 'brake',
      text: `${brake.kind} braked auto: ${reason}`,
      data: { brake: brake.kind, vantage: brake.vantage },
    });
  }
}

/** Refusals of the moves that `auto` would have made, by route; one refusal a brake, for a thousand routes may be
 *  refused by the same. */
export function trippingRefusals(decided: readonly DecidedRoute[]): [route: string, refusal: GuardResult][] {
  const all = decided.flatMap(({ facts, decided: { decision } }) => {
    if (decision.kind !== 'hold' || !decision.mayAct) return [];
    return decision.refusals
      .flatMap((one) => one.guards)
      .filter((one) => one.trips !== undefined)
      .map((one) => [facts.route.name, one] as const);
  });
  const keyOf = (route: string, { trips }: GuardResult) =>
    trips?.scope === 'route' ? `${trips.kind} ${route}` : (trips?.kind ?? '');
  // The last one of a run names the largest number.
  return [
    ...new Map(
      all.map(([route, one]) => [keyOf(route, one), [route, one] as [string, GuardResult]]),
    ).values(),
  ];
}

/** Brakes that hold this vantage's `auto` on a route that it would move. */
export function bindingBrakes(brakes: readonly Brake[], { config }: Pick<Deps, 'config'>): Brake[] {
  const routes = [...config.routes.values()].filter((one) => one.failover.mode === 'auto');
  return brakes.filter(
    (one) =>
      one.releasedAt === null &&
      (one.vantage === null || one.vantage === config.vantage) &&
      routes.some((route) => one.route === null || one.route === route.name),
  );
}

export type HourlyRoom = { readonly use: string; readonly refusal: null } | { readonly refusal: GuardResult };

/** Counts the plan's owner names against the hour, over all controllers of the store. Null where it moves none. */
export async function takeHourlyRoom(route: Route, plan: Plan, deps: BrakeDeps): Promise<HourlyRoom | null> {
  // Raising the TTL moves no mail.
  if (plan.kind === 'raise-ttl') return null;
  const domains = new Set(plan.changes.map((one) => one.owner)).size;
  const most = route.failover.maxDomainsPerHour;
  const at = deps.clock.now();
  const use = deps.newId();
  const asked = { id: use, route: route.name, domains, at, sinceAt: at - hourMs, most };
  const { isGranted, used } = await deps.store.useDomains(asked);
  if (isGranted) return { use, refusal: null };
  const reason = `${used + domains} domains in one hour over all controllers, the most allowed is ${most}`;
  const trips = { kind: 'domains-per-hour', scope: domains > most ? 'route' : 'all' } as const;
  return { refusal: { name: 'blast-radius', verdict: 'forbid', reason, trips } };
}
