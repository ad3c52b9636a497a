import { describe, expect, it } from 'vitest';
import { recoveryBudget } from '../../../src/change/recovery-budget.ts';
import type { ProbePolicy } from '../../../src/model/route.ts';

const probe = (intervalMs: number, timeoutMs: number, fall: number): ProbePolicy => ({
  intervalMs,
  timeoutMs,
  fall,
  stages: ['connect'],
  slowAfterMs: 10_000,
  staleAfterMs: 3 * intervalMs,
  fallRejecting: 1,
  forgive: 3,
  rise: 10,
  rcpt: null,
  ehloName: null,
  sourceAddresses: [],
  caFile: null,
});

describe('the recovery budget', () => {
  it('is an interval and a burst of timeouts to detect, the provider to write, the old TTL to clear', () => {
    const budget = recoveryBudget({ ttl: 3600, probe: probe(60_000, 30_000, 3) }, { publishSeconds: 20 });
    // 60 s until the next run, three probes of 30 s with two pauses of 5 s between them.
    expect(budget).toEqual({
      detectSeconds: 60 + 90 + 10,
      writeSeconds: 20,
      ttlSeconds: 3600,
      totalSeconds: 160 + 20 + 3600,
      biggest: 'ttl',
      knob: 'ttl',
    });
  });

  it.each([
    ['ttl', 3600, probe(60_000, 30_000, 3), 20],
    ['probe.interval', 60, probe(600_000, 30_000, 3), 20],
    ['probe.timeout', 60, probe(60_000, 120_000, 3), 20],
    ['probe.fall', 60, probe(60_000, 30_000, 10), 20],
    ['provider', 60, probe(10_000, 5_000, 1), 600],
  ])('names %s as the knob where that part is the longest', (knob, ttl, policy, publishSeconds) => {
    expect(recoveryBudget({ ttl, probe: policy }, { publishSeconds }).knob).toBe(knob);
  });

  it('rounds a part of a second up, and asks for no pause where one failure settles it', () => {
    const budget = recoveryBudget(
      { ttl: 0, probe: probe(1_000, 1_500, 1) },
      { publishSeconds: 0, burstPauseSeconds: 99 },
    );
    expect(budget.detectSeconds).toBe(3);
    expect(budget.totalSeconds).toBe(3);
  });
});
