// What the guards look at. Everything is measured or read by the caller; a guard only judges.

import type { Brake } from '../../model/brake.ts';
import type { Action, ActionKind, GuardResult, RrsetChange } from '../../model/change.ts';
import type { DaneFacts } from '../../model/dane.ts';
import type { PathHealth } from '../../model/hop-health.ts';
import type { MailPath } from '../../model/mail-path.ts';
import type { Observation } from '../../model/observation.ts';
import type { Route } from '../../model/route.ts';
import type { StsFacts } from '../../model/sts.ts';
import type { LiveMatch } from '../published.ts';

/** ok: something outside the route answers; fault: nothing answers, so the fault is here; unproven: not asked. */
export type VantageCheck = 'ok' | 'fault' | 'unproven';

export interface PauseFacts {
  readonly route: string | null;
  readonly by: string;
  readonly reason: string;
  readonly until: number;
}

export interface GuardContext {
  readonly route: Route;
  readonly kind: ActionKind;
  readonly to: MailPath;
  readonly now: number;
  /** `auto` may not override; timing guards bind it where they only warn a person. */
  readonly isAuto: boolean;
  readonly live: LiveMatch;
  /** Somebody undid our last flip, told as a sentence: fought over by nobody. */
  readonly revert: string | null;
  /** The authorities differ from each other or from the provider, told as a sentence. */
  readonly disagreement: string | null;
  readonly changes: readonly RrsetChange[];
  readonly target: PathHealth;
  /** Null where no declared path is active. */
  readonly active: PathHealth | null;
  /** Observations of the target's hops made in this run. */
  readonly observations: readonly Observation[];
  readonly vantage: VantageCheck;
  /** Vantages with fresh results that see the active path down, and the target up. */
  readonly votes: { readonly activeDown: number; readonly targetUp: number };
  /** The route's actions, newest first. */
  readonly actions: readonly Action[];
  readonly pauses: readonly PauseFacts[];
  /** Brakes that hold, and those that were let go: what they count begins anew there. */
  readonly brakes: readonly Brake[];
  /** The vantage that would move. */
  readonly vantageName: string;
  /** Owner names other routes of the same run have moved already. */
  readonly movedThisRun: number;
  /** Share of the run's routes of which no hop of any path answers, 0..1; 0 where too few were measured for a share to
   *  mean anything. */
  readonly failingShare: number;
  /** MTA-STS as senders see it; null where it was not looked up. */
  readonly sts: readonly StsFacts[] | null;
  /** DANE of the hosts of the target and of the active path, as senders see it; null where it was not looked up. */
  readonly dane: readonly DaneFacts[] | null;
}

export type Guard = (context: GuardContext) => GuardResult;
