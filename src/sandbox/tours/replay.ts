// What must be sent again after a hop answered 250 and lost it: by hop, with the window in which it was taken. Pure.

import type { Swallowed } from '../accounting.ts';

/** Everything one hop swallowed. */
export interface ReplayWindow {
  readonly path: string | null;
  readonly hop: string;
  /** When the first and the last of them were taken; ms. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly letters: number;
  readonly canaries: number;
  /** In the order in which they were taken. */
  readonly queueIds: readonly string[];
}

/** `toReplay` ascends by `at`. */
export function replayWindows(toReplay: readonly Swallowed[]): ReplayWindow[] {
  return [...Map.groupBy(toReplay, (one) => one.hop)].map(([hop, gone]) => {
    const letters = gone.filter((one) => one.kind === 'letter').length;
    return {
      path: gone[0]?.path ?? null,
      hop,
      fromAt: gone[0]?.at ?? 0,
      toAt: gone.at(-1)?.at ?? 0,
      letters,
      canaries: gone.length - letters,
      queueIds: gone.map((one) => one.queueId),
    };
  });
}
