// How long a route takes, at the worst, from fault to mail on another path: detect, write, and wait for the old TTL.
// Says which knob moves it most. Senders' own retry times come on top and are not ours.

import type { CanaryPolicy } from '../model/canary.ts';
import type { Route } from '../model/route.ts';

export interface RecoveryBudget {
  /** Until the fault is settled: a whole interval, then a burst in which every probe runs into its timeout. */
  readonly detectSeconds: number;
  /** Until every authority answers the new RRset. */
  readonly writeSeconds: number;
  /** Until no conforming cache holds the old RRset. */
  readonly ttlSeconds: number;
  readonly totalSeconds: number;
  readonly biggest: 'detect' | 'write' | 'ttl';
  /** The key of the configuration that moves the biggest part, e.g. `ttl` or `probe.interval`. */
  readonly knob: string;
  /** The same where a hop accepts mail and holds or loses it, which only canaries show; null = never noticed. */
  readonly silent: SilentBudget | null;
}

export interface SilentBudget {
  /** Until a canary that was held is late: the next one goes out, is given its time, and a run looks for it. */
  readonly detectSeconds: number;
  readonly totalSeconds: number;
  /** The key that moves detection most, e.g. `canary.delayed_after`. */
  readonly knob: string;
}

export interface BudgetInput {
  /** Slowest provider of the route: `capabilities.publishSeconds`. */
  readonly publishSeconds: number;
  /** Pause between the probes of a confirmation burst. */
  readonly burstPauseSeconds?: number;
}

/** A few seconds: a restart of the hop's daemon is over by then, and three probes still fit in a cron minute. */
const usualBurstPauseSeconds = 5;

export function recoveryBudget(
  route: Pick<Route, 'ttl' | 'probe' | 'canary'>,
  { publishSeconds, burstPauseSeconds = usualBurstPauseSeconds }: BudgetInput,
): RecoveryBudget {
  const { intervalMs, timeoutMs, fall } = route.probe;
  const intervalSeconds = intervalMs / 1000;
  // A silent hop costs the whole timeout each time; one that refuses is settled much sooner.
  const burstSeconds = (fall * timeoutMs) / 1000 + (fall - 1) * burstPauseSeconds;
  const detectSeconds = Math.ceil(intervalSeconds + burstSeconds);
  const parts = { detect: detectSeconds, write: publishSeconds, ttl: route.ttl };
  const biggest = (['ttl', 'detect', 'write'] as const).reduce((a, b) => (parts[b] > parts[a] ? b : a));
  return {
    detectSeconds,
    writeSeconds: publishSeconds,
    ttlSeconds: route.ttl,
    totalSeconds: detectSeconds + publishSeconds + route.ttl,
    biggest,
    knob: knobOf(biggest, intervalSeconds, (fall * timeoutMs) / 1000, fall),
    silent: route.canary === null ? null : silentBudget(route.canary, intervalMs, publishSeconds + route.ttl),
  };
}

function silentBudget(canary: CanaryPolicy, intervalMs: number, restSeconds: number): SilentBudget {
  const { everyMs, delayedAfterMs, fall } = canary;
  const detectSeconds = Math.ceil((everyMs + delayedAfterMs + intervalMs) / 1000);
  return {
    detectSeconds,
    totalSeconds: detectSeconds + restSeconds,
    knob: silentKnobOf(delayedAfterMs, fall * everyMs, intervalMs),
  };
}

/** `delayed_after` is never below `leastMs`, fall times every: there only sending more often makes room to lower it. */
function silentKnobOf(delayedAfterMs: number, leastMs: number, intervalMs: number): string {
  if (intervalMs > delayedAfterMs) return 'probe.interval';
  return delayedAfterMs > leastMs ? 'canary.delayed_after' : 'canary.every';
}

function knobOf(
  biggest: RecoveryBudget['biggest'],
  intervalSeconds: number,
  waitingSeconds: number,
  fall: number,
): string {
  if (biggest === 'ttl') return 'ttl';
  if (biggest === 'write') return 'provider';
  if (intervalSeconds >= waitingSeconds) return 'probe.interval';
  // Few probes that wait long, or many: the longer factor is the knob; fewer than three settle on an accident.
  return fall > 3 ? 'probe.fall' : 'probe.timeout';
}
