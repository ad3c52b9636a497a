// What a tour is and what it comes to. Types only.

import type { Accounting } from '../accounting.ts';
import type { HopFault } from '../hop-fault.ts';
import type { TourName } from './names.ts';

/** A move of DNS by the controller. */
export interface Flip {
  readonly route: string;
  readonly from: string;
  readonly to: string;
  /** Instant; ms. */
  readonly at: number;
}

export interface CycleReport {
  /** What it has to say about each route, in one line. */
  readonly decisions: readonly { readonly route: string; readonly text: string }[];
  readonly flips: readonly Flip[];
}

/** One unattended cycle of the real program, or a script in tests. */
export interface Controller {
  runOnce(signal: AbortSignal): Promise<CycleReport>;
}

export interface TourPlan {
  readonly name: TourName;
  /** Faults by hop or path name, or the controller's own line. */
  readonly fault: Readonly<Record<string, HopFault>> | 'cut-off';
  /** flips: it must leave and come back; stays: it must not move. */
  readonly outcome: 'flips' | 'stays';
  /** Why the outcome is not the expected one; null where it is. */
  readonly judge: (facts: TourFacts) => string | null;
}

/** What is known at the end. */
export interface TourFacts {
  readonly account: Accounting;
  readonly flips: readonly Flip[];
  /** Every line the controller said while the fault was on. */
  readonly said: readonly string[];
  /** Most letters the sender had queued at once. */
  readonly mostQueued: number;
  /** When no cache could hold what the first flip replaced; ms; null without a flip. */
  readonly clearAt: number | null;
}

export interface TourResult {
  readonly tour: TourName;
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly bounced: number;
  /** Still on its way when the tour ended: none, where all went well. */
  readonly queued: number;
  readonly maxDelayMs: number;
  readonly flips: readonly Flip[];
  /** It ends on the path on which it began. */
  readonly returned: boolean;
  /** From the fault to the flipped answer at the primary; ms; null without a flip. */
  readonly flippedAfterMs: number | null;
  readonly timeline: readonly { readonly at: number; readonly text: string }[];
  readonly isAsExpected: boolean;
  /** Why it is, or is not, as expected. */
  readonly reason: string;
}
