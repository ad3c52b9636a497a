// Carries out a plan that a person has seen and confirmed.

import { forbidding } from '../change/guards/index.ts';
import { AppError, exitCodes, RefusedError } from '../errors.ts';
import type { Action, GuardName, GuardResult } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import { carryOut, type ActRequest, type ActResult } from './act.ts';
import type { Deps } from './deps.ts';
import { withLease } from './lease.ts';
import type { PreparedPlan } from './prepare.ts';

export { guardNames } from '../model/change.ts';

export interface Consent {
  readonly by: string;
  readonly reason: string;
  readonly overrides: readonly GuardName[];
  readonly rollbackOf: string | null;
}

/** RefusedError where a guard that was not overridden forbids the plan; nothing was changed. */
export function checkGuards(
  guards: readonly GuardResult[],
  overrides: readonly GuardName[],
): RefusedError | null {
  const refusing = forbidding(guards, overrides);
  const [first] = refusing;
  if (first === undefined) return null;
  const names = refusing.map((one) => one.name).join(', ');
  return new RefusedError('refused', `refused by ${names}: ${first.reason}`, {
    hint: `nothing was changed; if you know better: ${refusing.map((one) => `--override ${one.name}`).join(' ')}`,
  });
}

export async function executePlan(
  route: Route,
  prepared: PreparedPlan,
  consent: Consent,
  deps: Deps,
  signal: AbortSignal,
): Promise<ActResult> {
  const refusal = checkGuards(prepared.guards, consent.overrides);
  if (refusal !== null) throw refusal;
  return withLease(route.name, deps, signal, async (held) => {
    await checkStillSo(route, prepared, consent, deps);
    const request = { route, plan: prepared.plan, ...consent, lease: held.lease };
    const result = await carryOutOrTell(request, deps, held.signal);
    await deps.store.appendEvent({
      id: deps.newId(),
      at: deps.clock.now(),
      route: route.name,
      kind: 'action',
      text: `${prepared.plan.kind} ${prepared.plan.from ?? '?'} -> ${prepared.plan.to ?? '?'}: ${result.action.state}`,
      data: { action: result.action.id, plan: prepared.plan.id, by: consent.by, reason: consent.reason },
    });
    return result;
  });
}

/** A question may be answered long after the guards were asked; ms. */
const longestQuestionMs = 600_000;

/** What may have changed while a person read the plan. The RRsets themselves are the compare-and-set's matter. */
async function checkStillSo(
  route: Route,
  { plan }: PreparedPlan,
  { overrides }: Consent,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<void> {
  const now = deps.clock.now();
  const again = { hint: `nothing was changed; plan again: mxctl failover ${route.name}` };
  if (now - plan.madeAt > longestQuestionMs) {
    throw new RefusedError(
      'plan-stale',
      'the plan is more than ten minutes old: its guards must be asked again',
      again,
    );
  }
  const since = await deps.store.listActions({ route: plan.route, sinceAt: plan.madeAt + 1, limit: 1 });
  const other = since.find((one) => one.appliedAt !== null);
  if (other !== undefined) {
    // The same plan, carried out by somebody else who had the same thought, would be told in the history twice.
    const what = `${other.plan.kind} ${other.plan.from ?? '?'} -> ${other.plan.to ?? '?'}`;
    throw new RefusedError('plan-stale', `changed meanwhile by ${other.by}: ${what}`, again);
  }
  const pause = (await deps.store.readPauses(now)).find(
    (one) => one.route === null || one.route === route.name,
  );
  if (pause !== undefined && !overrides.includes('paused')) {
    throw new RefusedError('refused', `paused meanwhile by ${pause.by}: ${pause.reason}`, again);
  }
}

/** Ctrl-C or a lost lease while waiting for the authorities: the change is made, and the person must hear so. */
async function carryOutOrTell(request: ActRequest, deps: Deps, signal: AbortSignal): Promise<ActResult> {
  try {
    return await carryOut(request, deps, signal);
  } catch (error) {
    const [action] = await deps.store.listActions({ route: request.route.name, isUnsettled: true, limit: 1 });
    if (!signal.aborted || action?.plan.digest !== request.plan.digest) throw error;
    return { action, fault: error instanceof AppError ? error : null };
  }
}

/** What an action's end means for the caller: null where it was carried out and every authority answers it. */
export function errorOf({ action, fault }: ActResult): AppError | null {
  const undo = `mxctl rollback ${action.plan.id}`;
  switch (action.state) {
    case 'confirmed':
    case 'cleared':
      return null;
    case 'applied':
      return new AppError('unconfirmed', 'changed, but not every authoritative server answers it yet', {
        exitCode: exitCodes.unconfirmed,
        hint: `mxctl watch ${action.plan.id} shows which; to undo: ${undo}`,
      });
    case 'conflict':
      return new RefusedError(
        'conflict',
        'the live RRset is not what the plan was made from; nothing was changed',
        {
          hint: `somebody else changed it since; look with mxctl status ${action.plan.route}, then plan again`,
        },
      );
    case 'failed':
      return fault ?? new AppError('bug', 'the plan failed without a reason', {});
    case 'partial':
    case 'intended':
      return new AppError('partly-applied', partlyText(action, fault), {
        exitCode: exitCodes.partial,
        hint: `undo just what changed: ${undo}; see what is live: mxctl status`,
      });
  }
}

/** Counts; which RRsets is what the list of the action says. A lost lease leaves no note. */
function partlyText({ changeStates, note }: Action, fault: AppError | null): string {
  const done = changeStates.filter((one) => one === 'applied' || one === 'confirmed').length;
  const unknown = changeStates.filter((one) => one === 'pending').length;
  const reason = note ?? fault?.message ?? null;
  const why = reason === null ? '' : `: ${reason}`;
  const what = `${done} of ${changeStates.length} RRsets changed`;
  return unknown > 0 ? `${what}, ${unknown} not known${why}` : `${what}${why}`;
}
