// What decide() remembers about a route from run to run. Everything else is read anew: the active path is never
// taken from here.

/**
 * unknown       nothing is settled yet: the first runs after a cold start only watch
 * preferred     DNS publishes the preferred path
 * failed-over   DNS publishes another declared path
 * probation     back on the preferred path, still with `failover_ttl`
 * drift         DNS publishes what no path would
 */
export type Phase = 'unknown' | 'preferred' | 'failed-over' | 'probation' | 'drift';

export interface RouteState {
  readonly phase: Phase;
  /** Instant the phase was entered; ms. */
  readonly phaseSince: number;
  /** Name of the path DNS published at the last run; for "active since", never for deciding. */
  readonly activePath: string | null;
  readonly activeSince: number;
  /** Runs since the store knows this route. */
  readonly runs: number;
  readonly lastRunAt: number;
  /** Last decision in a word and why, for status. */
  readonly lastDecision: string;
  readonly lastReasons: readonly string[];
  /** Paths that were down at the last run, in config order: a change of these is news, a backup's too. */
  readonly downPaths: readonly string[];
  /** What else was found at the last run, as keys: a change of these is news too. */
  readonly notices: readonly string[];
}
