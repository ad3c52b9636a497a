// What a tour is and what it comes to. Types only.

import type { Accounting, CanaryCounts, Swallowed } from '../accounting.ts';
import type { HopFault } from '../hop-fault.ts';
import type { TourName } from './names.ts';
import type { ReplayWindow } from './replay.ts';
import type { CanaryTiming } from './timing.ts';

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
  /**
   * A person says that what `path` swallowed was replayed. The tokens that the program lists as swallowed there at that
   * moment. Called once, in tours whose plan has `replays`; those fail with a controller that lacks it.
   */
  replayed?(route: string, path: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Kills the one that has just changed DNS and does not know it yet; its name. In tours whose plan `kills`. */
  killMover?(): Promise<string>;
  /** Starts again whoever was killed. */
  revive?(): void;
  /** Every action on record, oldest first. Called once, at the end of tours whose plan `kills`. */
  journal?(): Promise<readonly JournalEntry[]>;
}

export interface JournalEntry {
  readonly from: string;
  readonly to: string;
  /** Of the program's words: confirmed, cleared, conflict ... */
  readonly state: string;
  /** Who decided it. */
  readonly by: string;
  /** False where the path stayed and only its TTL was raised. */
  readonly isFlip: boolean;
}

export interface TourPlan {
  readonly name: TourName;
  /** Faults by hop or path name, or the controller's own line. */
  readonly fault: Readonly<Record<string, HopFault>> | 'cut-off';
  /** flips: it must leave and come back; stays: it must not move. */
  readonly outcome: 'flips' | 'stays';
  /** For the config of its world; false = it is told without canaries. */
  readonly canaries: false | CanaryTiming;
  /** The path on which a person must say that replay is done, before it may be returned to; null = none. */
  readonly replays: string | null;
  /** Whoever makes the first move is killed when DNS has it and before the answer is back. */
  readonly kills: boolean;
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
  /** What a person said about a replay; null where nobody did. */
  readonly replay: Replay | null;
  /** Who was killed in the middle of a move; null where nobody was. */
  readonly killed: string | null;
  readonly journal: readonly JournalEntry[];
}

export interface Replay {
  /** When it was said; ms. */
  readonly at: number;
  /** Tokens that the controller listed as swallowed then. */
  readonly listed: readonly string[];
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
  /** A hop answered 250 and keeps them. */
  readonly held: number;
  /** A hop answered 250 and they are gone; each is in `toReplay`. */
  readonly swallowed: number;
  readonly maxDelayMs: number;
  readonly canaries: CanaryCounts;
  readonly toReplay: readonly Swallowed[];
  readonly windows: readonly ReplayWindow[];
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
