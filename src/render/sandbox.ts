// A tour's result as JSON.

import { iso } from './status.ts';

interface Tour {
  readonly flips: readonly {
    readonly route: string;
    readonly from: string;
    readonly to: string;
    readonly at: number;
  }[];
  readonly timeline: readonly { readonly at: number; readonly text: string }[];
  readonly isAsExpected: boolean;
}

/** `data` of `mxctl sandbox --tour`. */
export function tourDocument({ flips, timeline, isAsExpected, ...counts }: Tour): unknown {
  return {
    ...counts,
    as_expected: isAsExpected,
    flips: flips.map((flip) => ({ ...flip, at: iso(flip.at) })),
    timeline: timeline.map((one) => ({ ...one, at: iso(one.at) })),
  };
}
