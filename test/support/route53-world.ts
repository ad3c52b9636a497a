// Route 53 as the fake has it, and the adapter set up to use it with credentials as the AWS tools keep them: in profiles,
// so that the SDK's own chain is what is tested.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import type { Provider, ZoneChange } from '../../src/providers/provider.ts';
import { RateBudgets } from '../../src/providers/rate-budget.ts';
import { createRoute53Provider } from '../../src/providers/route53/index.ts';
import { FakeZone } from './fakes/route53-zone.ts';
import { fakeKey, FakeRoute53 } from './fakes/route53.ts';

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

const zone = domainNameOf('example.com.');
const never = new AbortController().signal;

/** What a flip is tried on: a fake with the zone example.com, new for each test. */
export function useRoute53() {
  const proxy = rrsetOf(zone, 'MX', 3600, ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.']);
  const direct = rrsetOf(zone, 'MX', 60, ['10 mx.example.org.']);
  const flip = { owner: zone, type: 'MX', expected: proxy, desired: direct } as const;
  const bench = {
    fake: new FakeRoute53(),
    endpoint: '',
    home: new FakeZone('Z0', 'example.com', []),
    proxy,
    direct,
    flip,
    hold: (values: readonly string[] = proxy.rdata, ttl = 3600) => {
      bench.home.put({ name: 'example.com', type: 'MX', ttl, values });
    },
    replace: (
      provider = providerAt(bench.endpoint),
      changes: readonly ZoneChange[] = [flip],
      signal = never,
    ) => provider.replaceRrsets(zone, changes, signal, '01JD'),
    calls: (action: string) => bench.fake.log.filter((line) => line.startsWith(action)),
  };
  let removeProfiles: () => void;
  beforeAll(() => {
    removeProfiles = writeProfiles();
  });
  afterAll(() => {
    removeProfiles();
  });
  beforeEach(async () => {
    bench.fake = new FakeRoute53();
    bench.home = bench.fake.addZone('example.com');
    bench.endpoint = await bench.fake.listen();
  });
  afterEach(() => bench.fake.close());
  return bench;
}
