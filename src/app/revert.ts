// Notices that somebody else undid our last flip, dates it, and tells it in the history once. Never puts it right.

import { revertedFlip, type Revert, type RevertFacts } from '../change/revert.ts';
import { describeRevert } from '../render/revert.ts';
import type { Deps } from './deps.ts';

/** The revert that is live now; null where there is none. The first look that finds it dates it, and tells it in the
 *  history. */
export async function noticeRevert(
  facts: RevertFacts,
  deps: Pick<Deps, 'store' | 'newId'>,
): Promise<Revert | null> {
  const flip = revertedFlip(facts);
  if (flip === null) return null;
  const { route, now } = facts;
  const since = await deps.store.listEvents({
    route: route.name,
    sinceAt: flip.appliedAt ?? flip.intendedAt,
  });
  const told = since.find((one) => one.kind === 'revert' && one.data['action'] === flip.id);
  if (told !== undefined) return { flip, at: told.at };
  const revert = { flip, at: now };
  await deps.store.appendEvent({
    id: deps.newId(),
    at: now,
    route: route.name,
    kind: 'revert',
    text: describeRevert(revert),
    data: { action: flip.id, plan: flip.plan.id, to: flip.plan.to },
  });
  return revert;
}
