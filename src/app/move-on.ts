// The move that a round decided, or the next best one: what only the last look asks (policies, TLSA records, what the
// provider knows of the target) may refuse a candidate while another path takes mail. Decides by `decide()` alone.

import type { Decided } from '../decision/decide.ts';
import type { GuardResult } from '../model/change.ts';
import type { DecidedRoute } from './decide-route.ts';
import type { Deps } from './deps.ts';
import { move, type MoveResult } from './move.ts';

/** What was decided in the end, and what came of it; null where nothing was to be moved. */
export async function moveOn(
  { facts, decided: first, reconsider }: DecidedRoute,
  deps: Deps,
  signal: AbortSignal,
): Promise<{ readonly decided: Decided; readonly moved: MoveResult | null }> {
  const refused = new Map<string, readonly GuardResult[]>();
  let decided = first;
  let moved: MoveResult | null = null;
  while (decided.decision.kind === 'move') {
    const { to } = decided.decision;
    moved = await move(facts, decided.decision, decided.reasons, deps, signal);
    if (moved.refusedBy.length === 0 || refused.has(to) || isOvertaken(moved)) break;
    refused.set(to, moved.refusedBy);
    const next = reconsider(refused);
    if (next.decision.kind !== 'move') break;
    decided = next;
    await deps.store.writeRouteStates([{ route: facts.route.name, state: decided.state }]);
  }
  return { decided, moved };
}

/** DNS is not what the round saw: every candidate was chosen for another situation. */
function isOvertaken({ refusedBy }: MoveResult): boolean {
  return refusedBy.some((one) => one.name === 'live-drift');
}
