import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnoseCanaries, withCanaries } from '../../src/health/canary-diagnosis.ts';
import { canariesToKeep, dueCanaries, nextAttemptAt } from '../../src/health/canary-schedule.ts';
import type { Canary, CanaryPolicy } from '../../src/model/canary.ts';
import type { PathHealth } from '../../src/model/hop-health.ts';
import { canariesFrom, canaryPolicy, lookAt } from '../support/canaries.ts';

const minute = 60_000;
const hour = 60 * minute;
const well: PathHealth = {
  status: 'ok',
  fate: 'accepted',
  hops: [],
  upCount: 1,
  reason: '250',
  failingSince: null,
};
const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

interface Weather {
  /** Latency of the n-th canary of a path; ms; null = never arrives. */
  readonly latencyMs: (path: string, n: number, handedAt: number) => number | null;
  /** How often the n-th canary of a path is deferred before it is taken. */
  readonly deferrals: (path: string, n: number) => number;
}

/** Runs every `runMs` (with jitter) over a simulated time; calls back with what each run concludes. */
function simulate(
  policy: CanaryPolicy,
  weather: Weather,
  options: { readonly untilMs: number; readonly runMs: number; readonly jitterMs: readonly number[] },
  onRun: (now: number, health: ReadonlyMap<string, PathHealth>) => boolean,
): void {
  let canaries: Canary[] = [];
  const arrivals = new Map<string, number>();
  const counts = new Map<string, number>();
  const health = new Map(policy.paths.map((path) => [path, well]));
  for (let run = 0; run * options.runMs <= options.untilMs; run++) {
    const now = run * options.runMs + (options.jitterMs[run % options.jitterMs.length] ?? 0);
    canaries = canaries.map((one) => {
      const at = arrivals.get(one.id);
      return one.arrivedAt === null && at !== undefined && at <= now
        ? { ...one, state: 'arrived', arrivedAt: at, copies: 1 }
        : one;
    });
    const report = diagnoseCanaries({ policy, canaries, look: lookAt(now), health, now });
    if (onRun(now, withCanaries(health, report))) return;
    const { fresh, again } = dueCanaries(policy, canaries, 'fra', now);
    const made = fresh.flatMap((path) => canariesFrom('-', { path, startAt: now, now }));
    canaries = kept([
      ...canaries.filter((one) => !again.includes(one)),
      ...[...made, ...again].map((one) => attempt(one, now)),
    ]);
  }

  /** As the store keeps them. */
  function kept(all: readonly Canary[]): Canary[] {
    const most = canariesToKeep(policy);
    return policy.paths.flatMap((path) => all.filter((one) => one.path === path).slice(-most));
  }

  function attempt(canary: Canary, now: number): Canary {
    const { path, id } = canary;
    const n =
      canary.attempts === 1 && canary.nextAttemptAt === null
        ? (counts.get(path) ?? 0)
        : Number(canary.summary);
    if (canary.nextAttemptAt === null) counts.set(path, n + 1);
    const attempts = canary.nextAttemptAt === null ? 1 : canary.attempts + 1;
    if (weather.deferrals(path, n) >= attempts) {
      const nextAt = nextAttemptAt(policy, attempts, now);
      return {
        ...canary,
        attempts,
        state: 'deferred',
        handedAt: null,
        nextAttemptAt: nextAt,
        summary: String(n),
      };
    }
    const latencyMs = weather.latencyMs(path, n, now);
    if (latencyMs !== null) arrivals.set(id, now + latencyMs);
    return { ...canary, attempts, state: 'handed', handedAt: now, nextAttemptAt: null };
  }
}

/** Running sums. */
function sums(steps: readonly number[]): number[] {
  return steps.map((_, at) => steps.slice(0, at + 1).reduce((sum, one) => sum + one, 0));
}

const latencies = fc.array(fc.integer({ min: 500, max: 4 * minute }), { minLength: 5, maxLength: 40 });
const runJitter = fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 3, maxLength: 20 });
const runs = fc.constantFrom(minute, 2 * minute, 5 * minute);

describe('canaries over a day', () => {
  it('raise no alarm in ordinary jitter, with greylisting and lost canaries', () => {
    fc.assert(
      fc.property(
        fc.record({
          proxy: latencies,
          direct: latencies,
          // One now and then, never two in a row: that would be a reason.
          lost: fc.array(fc.integer({ min: 6, max: 80 }), { minLength: 1, maxLength: 4 }).map(sums),
          lostPath: fc.constantFrom('proxy', 'direct'),
          greylisted: fc.array(fc.integer({ min: 0, max: 287 }), { maxLength: 6 }),
          jitterMs: runJitter,
          runMs: runs,
        }),
        ({ proxy, direct, lost, lostPath, greylisted, jitterMs, runMs }) => {
          const usual = { proxy, direct } as Record<string, number[]>;
          const weather: Weather = {
            latencyMs: (path, n) =>
              path === lostPath && lost.includes(n) ? null : (usual[path]?.[n % usual[path].length] ?? 0),
            deferrals: (_path, n) => (n === 0 ? 1 : greylisted.includes(n) ? 2 : 0),
          };
          const alarms: string[] = [];
          simulate(canaryPolicy, weather, { untilMs: 24 * hour, runMs, jitterMs }, (now, health) => {
            for (const [path, one] of health)
              if (one.status === 'down') alarms.push(`${now / minute} ${path}`);
            return false;
          });
          expect(alarms).toEqual([]);
        },
      ),
      // A day has 1,440 runs: a fifth of the usual number takes as long as the others.
      { numRuns: Math.ceil(numRuns / 5) },
    );
  });

  it('tell a silent delay within every + delayed_after + one run', () => {
    fc.assert(
      fc.property(
        fc.record({
          usualMs: fc.array(fc.integer({ min: 500, max: 2 * minute }), { minLength: 3, maxLength: 20 }),
          onsetMs: fc.integer({ min: hour, max: 6 * hour }),
          heldMs: fc.constantFrom(null, 16 * minute, 2 * hour),
          jitterMs: runJitter,
          runMs: fc.constantFrom(minute, 5 * minute),
          fall: fc.constantFrom(1, 2),
        }),
        ({ usualMs, onsetMs, heldMs, jitterMs, runMs, fall }) => {
          const policy = { ...canaryPolicy, fall };
          const usual = (n: number) => usualMs[n % usualMs.length] ?? 0;
          const weather: Weather = {
            latencyMs: (path, n, at) => (path === 'proxy' && at >= onsetMs ? heldMs : usual(n)),
            deferrals: () => 0,
          };
          let toldAt: number | null = null;
          simulate(policy, weather, { untilMs: onsetMs + 2 * hour, runMs, jitterMs }, (now, health) => {
            if (health.get('proxy')?.status === 'down') toldAt = now;
            return toldAt !== null;
          });
          // Runs start up to 8 s late here, at both ends.
          const boundMs = onsetMs + policy.everyMs + policy.delayedAfterMs + runMs + 2 * 8000;
          expect(toldAt).not.toBeNull();
          expect(toldAt).toBeLessThanOrEqual(boundMs);
          expect(toldAt).toBeGreaterThan(onsetMs);
        },
      ),
      { numRuns },
    );
  });
});
