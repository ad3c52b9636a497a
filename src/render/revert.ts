// A revert by somebody else, in words.

import type { Revert } from '../change/revert.ts';
import { formatDuration } from './duration.ts';

/** One line; ends the sentence that names the route. */
export function describeRevert({ flip, at }: Revert): string {
  const after = formatDuration(at - (flip.appliedAt ?? flip.intendedAt));
  return `the move to ${flip.plan.to ?? 'what was there'} was reverted ${after} after the flip, by someone else`;
}
