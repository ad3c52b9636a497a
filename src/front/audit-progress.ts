// How far an audit is, on one line of a terminal that is written over; nothing anywhere else.

import type { AuditProgress } from '../app/audit.ts';
import { renderAuditProgress } from '../render/audit-progress.ts';

export interface ProgressLine {
  show(progress: AuditProgress): void;
  clear(): void;
}

/** Often enough to see it move; ms. */
const showEveryMs = 500;

export function progressLine(stream: NodeJS.WriteStream, startedAt: number, now: () => number): ProgressLine {
  if ((stream.isTTY as boolean | undefined) !== true) return { show: () => {}, clear: () => {} };
  let shownAt = startedAt;
  let isShown = false;
  return {
    show: (progress) => {
      const at = now();
      if (at - shownAt < showEveryMs) return;
      shownAt = at;
      isShown = true;
      // To the start of the line, and the rest of it erased (ECMA-48 §8.3.41).
      stream.write(`\r${renderAuditProgress(progress, at - startedAt)}\u001b[K`);
    },
    clear: () => {
      if (isShown) stream.write('\r\u001b[K');
      isShown = false;
    },
  };
}
