// Route 53 as the fake has it, and the adapter set up to use it with credentials as the AWS tools keep them: in profiles,
// so that the SDK's own chain is what is tested.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AppError } from '../../src/errors.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { RateBudgets } from '../../src/providers/rate-budget.ts';
import { createRoute53Provider } from '../../src/providers/route53/index.ts';
import { fakeKey } from './fakes/route53.ts';

/** Profiles `good` and `wrong` in the environment; call the result to remove them. */
export function writeProfiles(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-route53-'));
  const profiles = { good: fakeKey.secret, wrong: 'not it' };
  writeFileSync(
    join(directory, 'credentials'),
    Object.entries(profiles)
      .map(
        ([name, secret]) => `[${name}]\naws_access_key_id=${fakeKey.id}\naws_secret_access_key=${secret}\n`,
      )
      .join('\n'),
  );
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(directory, 'credentials');
  process.env['AWS_CONFIG_FILE'] = join(directory, 'config');
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  return () => {
    rmSync(directory, { recursive: true });
  };
}

/** Time passes when it is slept. */
export function steppedClock() {
  let now = Date.UTC(2026, 10, 22, 3, 12);
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      slept.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
}

type Options = Parameters<typeof createRoute53Provider>[0];
type Deps = Parameters<typeof createRoute53Provider>[1];

export function providerAt(
  endpoint: string,
  options: Partial<Options> = {},
  deps: Partial<Deps> = {},
): Provider {
  const clock = deps.clock ?? steppedClock();
  return createRoute53Provider(
    {
      name: 'r53',
      roleArn: null,
      externalId: null,
      profile: 'good',
      region: null,
      hostedZones: {},
      endpoint,
      timeoutMs: 5000,
      ...options,
    },
    {
      clock,
      budgets: new RateBudgets(clock),
      random: () => 0.5,
      lookupNs: () => Promise.resolve(null),
      ...deps,
    },
  );
}

/** The AppError that it ends with, or a failing test. */
export async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    (value) => new Error(`nothing was thrown, but returned ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  return error;
}
