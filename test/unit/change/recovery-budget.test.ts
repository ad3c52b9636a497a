import { describe, expect, it } from 'vitest';
import { recoveryBudget } from '../../../src/change/recovery-budget.ts';
import type { CanaryPolicy } from '../../../src/model/canary.ts';
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

const canary = (everyMs: number, delayedAfterMs: number): CanaryPolicy => ({
  from: 'canary@ops.example',
  to: 'canary@example.com',
  everyMs,
  delayedAfterMs,
  swallowedAfterMs: 14_400_000,
  fall: 2,
  rise: 3,
  key: { env: 'KEY' },
  dkim: null,
  paths: ['proxy', 'direct'],
  arrival: { kind: 'maildir', directory: '/var/mail/canary', spam: [] },
});

describe('the recovery budget', () => {
  it('is an interval and a burst of timeouts to detect, the provider to write, the old TTL to clear', () => {
    const budget = recoveryBudget(
      { ttl: 3600, probe: probe(60_000, 30_000, 3), canary: null },
      { publishSeconds: 20 },
    );
    // 60 s until the next run, three probes of 30 s with two pauses of 5 s between them.
    expect(budget).toEqual({
      detectSeconds: 60 + 90 + 10,
      writeSeconds: 20,
      ttlSeconds: 3600,
      totalSeconds: 160 + 20 + 3600,
      biggest: 'ttl',
      knob: 'ttl',
      silent: null,
    });
  });

  it.each([
    ['ttl', 3600, probe(60_000, 30_000, 3), 20],
    ['probe.interval', 60, probe(600_000, 30_000, 3), 20],
    ['probe.timeout', 60, probe(60_000, 120_000, 3), 20],
    ['probe.fall', 60, probe(60_000, 30_000, 10), 20],
    ['provider', 60, probe(10_000, 5_000, 1), 600],
  ])('names %s as the knob where that part is the longest', (knob, ttl, policy, publishSeconds) => {
    expect(recoveryBudget({ ttl, probe: policy, canary: null }, { publishSeconds }).knob).toBe(knob);
  });

  it('rounds a part of a second up, and asks for no pause where one failure settles it', () => {
    const budget = recoveryBudget(
      { ttl: 0, probe: probe(1_000, 1_500, 1), canary: null },
      { publishSeconds: 0, burstPauseSeconds: 99 },
    );
    expect(budget.detectSeconds).toBe(3);
    expect(budget.totalSeconds).toBe(3);
  });

  it('is the wait for the next canary, its time, and a run, where mail is accepted and held', () => {
    const { silent } = recoveryBudget(
      { ttl: 3600, probe: probe(60_000, 30_000, 3), canary: canary(300_000, 900_000) },
      { publishSeconds: 20 },
    );
    expect(silent).toEqual({
      detectSeconds: 300 + 900 + 60,
      totalSeconds: 300 + 900 + 60 + 20 + 3600,
      knob: 'canary.delayed_after',
    });
  });

  it.each([
    ['canary.delayed_after', 60_000, canary(300_000, 601_000)],
    // 10 minutes is what two canaries need: no less without sending more often.
    ['canary.every', 60_000, canary(300_000, 600_000)],
    ['probe.interval', 3_600_000, canary(300_000, 900_000)],
  ])('names %s as the knob of silent delay', (knob, intervalMs, policy) => {
    const route = { ttl: 60, probe: probe(intervalMs, 30_000, 3), canary: policy };
    expect(recoveryBudget(route, { publishSeconds: 20 }).silent?.knob).toBe(knob);
  });
});
