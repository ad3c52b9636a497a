// A provider on the fake of Cloudflare, with a clock that passes by sleeping.

import { Secret } from '../../src/model/secret.ts';
import { type CloudflareOptions, createCloudflareProvider } from '../../src/providers/cloudflare/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { RateBudgets } from '../../src/providers/rate-budget.ts';
import { goodToken } from './fakes/cloudflare.ts';

export class SleepingClock {
  at = Date.UTC(2026, 10, 22, 3, 12);
  readonly sleeps: number[] = [];
  /** What happens in the world while somebody waits. */
  onSleep: (() => void) | null = null;

  now(): number {
    return this.at;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.at += ms;
    this.onSleep?.();
    if (ms > 0) this.sleeps.push(ms);
    return Promise.resolve();
  }
}

export type CloudflareParts = Partial<Omit<CloudflareOptions, 'token'>> & {
  readonly token?: string;
  readonly clock?: SleepingClock;
  readonly budgets?: RateBudgets;
};

export function cloudflareAt(endpoint: string, parts: CloudflareParts = {}): Provider {
  const {
    token = goodToken,
    clock = new SleepingClock(),
    budgets = new RateBudgets(clock),
    ...options
  } = parts;
  return createCloudflareProvider(
    {
      name: 'cf',
      token: new Secret(token),
      accountId: null,
      zoneIds: {},
      maxOperations: 200,
      ttlBounds: { least: 60, most: 86_400 },
      endpoint,
      // Short: only tests of silence wait for it.
      timeoutMs: 300,
      ...options,
    },
    { clock, budgets },
  );
}
