import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from 'vitest';

import { domainNameOf, type DomainName } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { RateBudgets } from '../../../src/providers/rate-budget.ts';
import { createRoute53Provider } from '../../../src/providers/route53/index.ts';
import { fakeKey, FakeRoute53 } from '../../support/fakes/route53.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';

const zone = domainNameOf('example.com.');

/** Credentials as the AWS tools keep them, in profiles, so that the SDK's own chain is what is tested. */
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mxctl-route53-'));
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
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Time passes when it is slept. */
function steppedClock() {
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

function providerAt(endpoint: string, options: Partial<Options> = {}, deps: Partial<Deps> = {}): Provider {
  const clock = deps.clock ?? steppedClock();
  return createRoute53Provider(
    {
      name: 'r53',
      roleArn: null,
      externalId: null,
      profile: 'good',
      region: null,
      hostedZones: new Map(),
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

describeProviderContract('route53 keeps the contract of a provider', async () => {
  const fake = new FakeRoute53();
  const zones = new Map([zone, domainNameOf('shop.example.')].map((name) => [name, fake.addZone(name)]));
  const zoneOf = (owner: DomainName) => [...zones].find(([name]) => owner.endsWith(name))![1];
  const endpoint = await fake.listen();
  return {
    provider: providerAt(endpoint),
    zone,
    otherZone: domainNameOf('shop.example.'),
    unknownZone: domainNameOf('unknown.example.'),
    read: (owner, type) => {
      const set = zoneOf(owner).find(owner, type);
      return Promise.resolve(set === undefined ? null : rrsetOf(owner, type, set.ttl!, set.values!));
    },
    write: (owner, type, rrset) => {
      zoneOf(owner).put({ name: owner, type, ttl: rrset?.ttl ?? 0, values: rrset?.rdata ?? [] });
      return Promise.resolve();
    },
    withWrongCredentials: () => providerAt(endpoint, { profile: 'wrong' }),
    // AWS tells the time with every refusal, and the SDK signs by it.
    withClockOff: null,
    withNobodyThere: () => providerAt('http://127.255.255.254:1'),
    faults: {
      loseReplyAfterApply: () => void fake.faults.push('lose-after'),
      loseReplyBeforeApply: () => void fake.faults.push('lose-before'),
      loseReplyAndFallSilent: () => void fake.faults.push('then-gone'),
      beforeWrite: (run) => {
        fake.beforeChange = () => {
          fake.beforeChange = null;
          run();
        };
      },
    },
    close: () => fake.close(),
  };
});
