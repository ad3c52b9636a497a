// Changes by the id a person types, and settling one that an earlier run left open.

import { LeaseError, UsageError } from '../errors.ts';
import { isUnsettled, type Action } from '../model/change.ts';
import { sanitise } from '../model/text.ts';
import type { Deps } from './deps.ts';
import { settleLeftovers } from './propose.ts';

/** The change named, or the newest of all routes. Throws UsageError `change-unknown`. */
export async function findChange(named: string | null, deps: Pick<Deps, 'store'>): Promise<Action> {
  const action =
    named === null ? (await deps.store.listActions({ limit: 1 }))[0] : await deps.store.findAction(named);
  if (action != null) return action;
  const what =
    named === null ? 'nothing was changed yet' : `no change ${JSON.stringify(sanitise(named, 80))}`;
  throw new UsageError('change-unknown', what, { hint: 'mxctl history lists the changes with their ids' });
}

/** The change as it stands after settling, if nobody else is at it just now. */
export async function settleChange(action: Action, deps: Deps, signal: AbortSignal): Promise<Action> {
  const route = deps.config.routes.get(action.plan.route);
  if (!isUnsettled(action.state) || route === undefined) return action;
  try {
    await settleLeftovers(route, deps, signal);
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error;
  }
  return (await deps.store.findAction(action.id)) ?? action;
}
