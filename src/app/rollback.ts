// Puts back exactly the records a change replaced, values and TTL, whatever today's config says.

import { judge } from '../change/guards/index.ts';
import { matchLive } from '../change/published.ts';
import { planOf, rollbackChanges } from '../change/plan.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { isFlip, type Action, type RrsetChange } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import { contextFor } from './assess.ts';
import type { Deps } from './deps.ts';
import { finishPlan, type PreparedPlan } from './prepare.ts';
import { gatherWithHeld, settleLeftovers, type Proposal } from './propose.ts';
import { routeNamed } from './routes.ts';

/** The change to roll back: the one named, or the newest of all routes that is still in force. */
export async function findRollback(named: string | null, deps: Deps): Promise<Action> {
  const action = named === null ? await newestInForce(deps) : await deps.store.findAction(named);
  if (action !== null) return action;
  const what = named === null ? 'no change to roll back' : `no change ${JSON.stringify(sanitise(named, 80))}`;
  throw new UsageError('change-unknown', what, { hint: 'mxctl history lists the changes with their ids' });
}

async function newestInForce(deps: Deps): Promise<Action | null> {
  const actions = await deps.store.listActions({ limit: 50 });
  const undone = new Set(actions.flatMap((one) => (one.appliedAt === null ? [] : (one.rollbackOf ?? []))));
  return actions.find((one) => isFlip(one) && one.rollbackOf === null && !undone.has(one.id)) ?? null;
}

export async function proposeRollback(action: Action, deps: Deps, signal: AbortSignal): Promise<Proposal> {
  const route = routeNamed(action.plan.route, deps);
  const recovered = await settleLeftovers(route, deps, signal, 'stop');
  const settled = (await deps.store.findAction(action.id)) ?? action;
  const changes = rollbackChanges(settled);
  if (changes.length === 0) {
    throw new RefusedError(
      'refused',
      `change ${action.plan.id} never reached a provider: there is nothing to put back`,
      {
        hint: `mxctl history ${route.name} shows what did`,
      },
    );
  }
  // Nothing else is asked: a provider that is down, and for that reason was not changed, must not keep the rest there.
  const touched = touchedBy(changes, route);
  const [facts, held] = await gatherWithHeld(route, deps, signal, touched);
  const current = { ...facts, live: held, match: matchLive(touched, held) };
  const to = settled.plan.from;
  const isKnownPath = to !== null && route.paths.some((path) => path.name === to);
  if (isKnownPath) {
    const prepared = await finishPlan(current, { to, kind: 'rollback', changes }, deps, signal);
    return { route, facts: current, prepared, recovered };
  }
  return {
    route,
    facts: current,
    prepared: await withoutPath(current, settled, changes, deps, signal),
    recovered,
  };
}

/** The route as far as the changes reach: after a half-applied move the rest of it is elsewhere, as it should be. */
function touchedBy(changes: readonly RrsetChange[], route: Route): Route {
  const owners = new Set(changes.map((one) => one.owner));
  const records = route.records
    .map((one) => ({ ...one, owners: one.owners.filter((owner) => owners.has(owner)) }))
    .filter((one) => one.owners.length > 0);
  return records.length === 0 ? route : { ...route, records };
}

/** The records to put back belong to no path of today's config: they go back all the same, judged by the guards that
 *  need no path. */
async function withoutPath(
  facts: Proposal['facts'],
  action: Action,
  changes: PreparedPlan['plan']['changes'],
  deps: Deps,
  signal: AbortSignal,
): Promise<PreparedPlan> {
  const { route } = facts;
  const stand = route.prefer;
  const prepared = await finishPlan(facts, { to: stand, kind: 'rollback', changes }, deps, signal);
  const plan = planOf(
    { route: route.name, kind: 'rollback', from: action.plan.to, to: action.plan.from, madeAt: facts.now },
    changes,
    deps.digest,
  );
  const context = contextFor(facts, stand, 'rollback', changes);
  const pathless = new Set(['paused', 'blast-radius', 'live-drift']);
  return { ...prepared, plan, guards: judge(context).filter((one) => pathless.has(one.name)) };
}
