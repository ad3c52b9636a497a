// The unattended move: under the route's lease the journal, the pauses and what the providers hold are read once more,
// every guard is asked again with what is about to be written, and only then is the plan carried out.

import { appliedFlip } from '../change/revert.ts';
import { forbidding } from '../change/guards/index.ts';
import type { AppError } from '../errors.ts';
import type { Brake } from '../model/brake.ts';
import { type Action, type ActionKind, autoNamed, type GuardResult, type Plan } from '../model/change.ts';
import { carryOut } from './act.ts';
import { readDaneFacts, readPolicies, recentActions, type RouteFacts } from './assess.ts';
import { takeHourlyRoom, tripBrakes } from './brakes.ts';
import type { Deps } from './deps.ts';
import { withLease } from './lease.ts';
import { preparePlan, readHeld } from './prepare.ts';

export interface MoveResult {
  readonly plan: Plan;
  /** Null where a guard refused at the last look; nothing was changed then. */
  readonly action: Action | null;
  readonly refusedBy: readonly GuardResult[];
  readonly fault: AppError | null;
}

export async function move(
  facts: RouteFacts,
  decision: { readonly to: string; readonly action: ActionKind },
  reasons: readonly string[],
  deps: Deps,
  signal: AbortSignal,
): Promise<MoveResult> {
  return withLease(facts.route.name, deps, signal, async (held) => {
    const { match } = facts;
    const paths = [decision.to, ...(match.kind === 'path' ? [match.path] : [])];
    const [sts, dane, live] = await Promise.all([
      readPolicies(facts.route, deps, held.signal),
      readDaneFacts(facts.route, paths, deps, held.signal),
      readHeld(facts.route, deps, held.signal),
    ]);
    const now = deps.clock.now();
    const [actions, pauses, brakes] = await Promise.all([
      deps.store.listActions({ route: facts.route.name, limit: recentActions }),
      deps.store.readPauses(now),
      deps.store.readBrakes(),
    ]);
    const { plan, guards } = await preparePlan(
      {
        ...facts,
        sts,
        dane,
        actions,
        knownFlip: appliedFlip(actions),
        pauses,
        brakes: othersOf(facts, brakes),
        now,
      },
      live,
      decision.to,
      decision.action,
      deps,
      held.signal,
    );
    const refusedBy = [...forbidding(guards), ...movedMeanwhile(facts, plan)];
    if (refusedBy.length > 0 || plan.changes.length === 0) {
      await tripBrakes(facts.route.name, refusedBy, deps);
      return { plan, action: null, refusedBy, fault: null };
    }
    const room = await takeHourlyRoom(facts.route, plan, deps);
    if (room !== null && room.refusal !== null) {
      await tripBrakes(facts.route.name, [room.refusal], deps);
      return { plan, action: null, refusedBy: [room.refusal], fault: null };
    }
    const { action, fault } = await carryOut(
      {
        route: facts.route,
        plan,
        by: autoNamed(deps.config.vantage),
        reason: reasons.join('; '),
        overrides: [],
        rollbackOf: null,
        lease: held.lease,
      },
      deps,
      held.signal,
    );
    // A provider that refuses each minute moves nothing, and must not use up the hour.
    if (room !== null && isUntouched(action)) await deps.store.returnDomains(room.use);
    await deps.store.appendEvent({
      id: deps.newId(),
      at: deps.clock.now(),
      route: facts.route.name,
      kind: 'action',
      text: `${plan.kind} ${plan.from ?? '?'} -> ${plan.to ?? '?'}: ${action.state}`,
      data: { action: action.id, plan: plan.id, reasons },
    });
    return { plan, action, refusedBy, fault };
  });
}

/** Without the one that this run tripped by what it would have moved beyond its limit: this move is within it. */
function othersOf({ now, vantageName }: RouteFacts, brakes: readonly Brake[]): Brake[] {
  return brakes.filter(
    (one) => one.kind !== 'domains-per-run' || one.by !== autoNamed(vantageName) || one.at < now,
  );
}

function isUntouched({ state }: Action): boolean {
  return state === 'failed' || state === 'conflict';
}

/** Somebody moved the route while this run was probing: what was decided was decided about another path. */
function movedMeanwhile({ match }: RouteFacts, plan: Plan): GuardResult[] {
  const decidedAbout = match.kind === 'path' ? match.path : null;
  if (plan.from === null || plan.from === decidedAbout || plan.changes.length === 0) return [];
  const reason = `${plan.from} is active by now, not ${decidedAbout ?? 'what was seen'}: decide again`;
  return [{ name: 'live-drift', verdict: 'forbid', reason }];
}
