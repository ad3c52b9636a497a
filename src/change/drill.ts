// A drill that moved a route and has not come back: under way, or given up by a process that is no more.

import { type Action, isFlip } from '../model/change.ts';
import type { PauseFacts } from './guards/context.ts';
import type { LiveMatch } from './published.ts';

export interface DrillFacts {
  /** Of the route, newest first. */
  readonly actions: readonly Action[];
  readonly match: LiveMatch;
  readonly pauses: readonly PauseFacts[];
  readonly now: number;
}

/** Reason of the pause that a drill keeps while it lives; it ends soon after the drill does, whatever ended it. */
export function drillPauseReason({ plan }: Action): string {
  return `drill ${plan.id} is under way, ${plan.from ?? '?'} -> ${plan.to ?? '?'}; it comes back by itself`;
}

/** The drill's flip, where DNS still publishes what it wrote. */
function drillAway({ actions, match }: Pick<DrillFacts, 'actions' | 'match'>): Action | null {
  const last = actions.find(isFlip);
  const isAway = match.kind === 'path' && match.path === last?.plan.to;
  return last?.plan.kind === 'drill' && last.appliedAt !== null && isAway ? last : null;
}

function isDrillAlive(flip: Action, { pauses, now }: Pick<DrillFacts, 'pauses' | 'now'>): boolean {
  return pauses.some((one) => one.until > now && one.reason === drillPauseReason(flip));
}

/** A sentence for `status` and `auto`; null where no drill is away, or it lives and its pause says so. */
export function describeLostDrill(facts: DrillFacts): string | null {
  const flip = drillAway(facts);
  if (flip === null || isDrillAlive(flip, facts)) return null;
  const { plan, appliedAt } = flip;
  const since = new Date(appliedAt ?? 0).toISOString().slice(0, 16);
  return (
    `a drill moved it from ${plan.from ?? '?'} to ${plan.to ?? '?'} at ${since}Z and never came back: ` +
    `mxctl rollback ${plan.id} puts the exact records back`
  );
}
