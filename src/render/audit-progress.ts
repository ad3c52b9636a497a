// How far an audit is, and for how long it will go on at this pace, on one line.

import type { AuditProgress } from '../app/audit.ts';
import { formatDuration } from './duration.ts';

/** Below this a pace says nothing yet. */
const leastShare = 0.01;

export function renderAuditProgress(
  { judged, found, unknown, share }: AuditProgress,
  elapsedMs: number,
): string {
  const perSecond = elapsedMs < 1000 ? null : Math.round((judged * 1000) / elapsedMs);
  const left = share === null || share < leastShare ? null : (elapsedMs * (1 - share)) / share;
  return [
    `${judged} domains`,
    share === null ? null : `${Math.floor(share * 100)}%`,
    `${found} with findings`,
    unknown === 0 ? null : `${unknown} unknown`,
    perSecond === null ? null : `${perSecond}/s`,
    left === null ? null : `${formatDuration(left)} left`,
  ]
    .filter((part) => part !== null)
    .join('  ');
}
