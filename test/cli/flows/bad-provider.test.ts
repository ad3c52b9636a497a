// What a provider's API refuses, or answers as it should not: one clear message with what to do, the exit code of the
// table, zones that nobody touched, and a journal that knows of nothing half-written.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectScreen } from '../../support/cli-world.ts';
import { goodToken, type Right } from '../../support/fakes/cloudflare.ts';
import { type Fleet, type FleetProvider, startFleet } from '../../support/fleet.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
});
beforeEach(() => fleet.reset());
afterAll(() => fleet.close());

type Env = Readonly<Record<string, string>>;
interface Case {
  readonly title: string;
  readonly provider: FleetProvider;
  readonly env?: Env;
  readonly config?: (yaml: string) => string;
  readonly before?: () => unknown;
  readonly after?: () => unknown;
  readonly expected: readonly [exitCode: number, code: string, message: RegExp, hint: RegExp];
}

/** The fleet's config with the route at one provider only. */
function only(provider: FleetProvider, change: (yaml: string) => string = (yaml) => yaml): string {
  const kept = (yaml: string) =>
    yaml
      .replace(/ {6}- provider: sandbox\n( {8}.*\n)+/, '')
      .replace(/ {6}- \{provider: (\w+),.*\n/g, (line, name) => (name === provider ? line : ''));
  return fleet.flow.writeConfig((yaml) => change(kept(yaml)));
}

/** Ends so in both forms, with nothing changed and nothing in the journal that is not over. */
async function expectRefusal({ provider, env = {}, config, before, expected }: Case): Promise<void> {
  const live = fleet.mx;
  const options = { env, configFile: only(provider, config) };
  const [exitCode, code, message, hint] = expected;
  await before?.();
  const json = await fleet.flow.json(['failover', 'shop', '--yes'], options);
  expect([json.exit_code, json.error?.code, json.error?.message]).toEqual([
    exitCode,
    code,
    expect.stringMatching(message),
  ]);
  expect(json.error?.hint).toMatch(hint);
  await before?.();
  const text = await fleet.flow.run(['failover', 'shop', '--yes'], options);
  expect(text.exitCode).toBe(exitCode);
  expect(text.stderr).toMatch(/^error: /);
  expect(text.stderr).not.toMatch(/\n\s+at /);
  expectScreen(text.stdout + text.stderr);
  expect(fleet.mx).toEqual(live);
  const history = await fleet.flow.json(['history'], options);
  const { changes } = history.data as { changes: { state: string }[] };
  expect(changes.filter((one) => one.state !== 'failed' && one.state !== 'conflict')).toEqual([]);
}

const rights = (...given: Right[]) => fleet.cloudflare.tokens.set(goodToken, { rights: given, zones: null });
/** An endpoint where something else listens. */
async function withWebsite(
  body: string,
  use: (url: string) => Promise<void>,
  type = 'text/html',
): Promise<void> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': type }).end(body));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const credentials: Case[] = [
  {
    title: 'Route 53, a wrong secret',
    provider: 'r53',
    env: { AWS_SECRET_ACCESS_KEY: 'not it' },
    expected: [
      4,
      'provider-credentials',
      /AWS does not take these credentials: SignatureDoesNotMatch/,
      /get-caller-identity/,
    ],
  },
  {
    title: 'Route 53, no credentials at all',
    provider: 'r53',
    env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    expected: [4, 'provider-credentials', /there are no credentials for AWS/, /AWS_ACCESS_KEY_ID/],
  },
  {
    title: 'Route 53, no right to read',
    provider: 'r53',
    before: () => fleet.route53.denied.add('route53:ListResourceRecordSets'),
    expected: [
      4,
      'provider-credentials',
      /does not allow route53:ListResourceRecordSets for zone (alpha|beta)\.example/,
      /mxctl provider policy r53/,
    ],
  },
  {
    title: 'Route 53, no right to write',
    provider: 'r53',
    before: () => fleet.route53.denied.add('route53:ChangeResourceRecordSets'),
    expected: [
      4,
      'provider-credentials',
      /does not allow route53:ChangeResourceRecordSets for zone (alpha|beta)\.example/,
      /mxctl provider policy r53/,
    ],
  },
  {
    title: 'Cloudflare, a wrong token',
    provider: 'cf',
    env: { CF_TOKEN: 'some-other-token-0123456789abcdefghijklmn' },
    expected: [4, 'provider-credentials', /does not take the API token/, /Zone > DNS > Edit/],
  },
  {
    title: 'Cloudflare, no right to see zones',
    provider: 'cf',
    before: () => rights('dns read', 'dns edit'),
    expected: [4, 'provider-credentials', /may not read zone gamma\.example/, /Zone > Zone > Read/],
  },
  {
    title: 'Cloudflare, no right to write',
    provider: 'cf',
    before: () => rights('zone read', 'dns read'),
    expected: [
      4,
      'provider-credentials',
      /may not write the records of zone gamma\.example/,
      /Zone > DNS > Edit/,
    ],
  },
  {
    title: 'PowerDNS, a wrong key',
    provider: 'pdns',
    env: { PDNS_KEY: 'not it' },
    expected: [4, 'provider-credentials', /does not take the API key/, /api_key/],
  },
];

const places: Case[] = [
  {
    title: 'Route 53, an endpoint where nothing listens',
    provider: 'r53',
    before: () => fleet.plugs.r53.pull(),
    expected: [8, 'provider-unreachable', /no answer from Route 53/, /endpoint/],
  },
  {
    title: 'Cloudflare, an endpoint where nothing listens',
    provider: 'cf',
    before: () => fleet.plugs.cf.pull(),
    expected: [8, 'provider-unreachable', /nothing listens there/, /API/],
  },
  {
    title: 'PowerDNS, a url where nothing listens',
    provider: 'pdns',
    before: () => fleet.plugs.pdns.pull(),
    expected: [8, 'provider-unreachable', /no answer from the API at 127\.0\.0\.1/, /check url/],
  },
  {
    title: 'Route 53, a zone that is not there',
    provider: 'r53',
    config: (yaml) => yaml.replace('zone: beta.example', 'zone: betta.example'),
    expected: [78, 'zone-unknown', /no public hosted zone betta\.example/, /records/],
  },
  {
    title: 'Cloudflare, a zone that is not there',
    provider: 'cf',
    config: (yaml) => yaml.replace('zone: gamma.example', 'zone: gama.example'),
    expected: [78, 'zone-unknown', /shows this token no zone gama\.example/, /account_id/],
  },
  {
    title: 'PowerDNS, a zone that is not there',
    provider: 'pdns',
    config: (yaml) => yaml.replace('zone: delta.example', 'zone: dellta.example'),
    expected: [78, 'zone-unknown', /has no zone dellta\.example/, /pdnsutil list-all-zones/],
  },
  {
    title: 'Route 53, two zones of one name',
    provider: 'r53',
    before: () => {
      if (fleet.route53.zones.length < 3)
        fleet.route53.addZone('beta.example', {
          id: 'Z1BETA',
          nameServers: [...(fleet.route53.zones[1]?.nameServers ?? [])],
        });
    },
    after: () => fleet.route53.zones.pop(),
    expected: [
      78,
      'zone-unknown',
      /2 public hosted zones are called beta\.example \(Z0BETA, Z1BETA\)/,
      /hosted_zones: \{beta\.example: Z0BETA\}/,
    ],
  },
  {
    title: 'Cloudflare, two zones of one name',
    provider: 'cf',
    before: () => {
      if (fleet.cloudflare.zones.length < 2)
        fleet.cloudflare.addZone({ name: 'gamma.example', account: { id: 'b'.repeat(32), name: 'Bo' } });
    },
    after: () => fleet.cloudflare.zones.pop(),
    expected: [78, 'zone-unknown', /has 2 active zones gamma\.example/, /account_id, or zone_ids/],
  },
  {
    title: 'Route 53, a name that a zone further down holds',
    provider: 'r53',
    before: () => {
      if (fleet.route53.zones.length < 3) fleet.route53.addZone('in.alpha.example', { id: 'Z0INNER' });
    },
    after: () => fleet.route53.zones.pop(),
    expected: [
      78,
      'name-outside-zone',
      /in\.alpha\.example is in hosted zone in\.alpha\.example, not in/,
      /records/,
    ],
  },
];

const answers: Case[] = [
  {
    title: 'Cloudflare, HTML',
    provider: 'cf',
    before: () => fleet.cloudflare.readFaults.splice(0, 9, 'garbage', 'garbage', 'garbage', 'garbage'),
    expected: [8, 'provider-protocol', /an answer that cannot be used/, /endpoint/],
  },
  {
    title: 'Cloudflare, JSON of another shape',
    provider: 'cf',
    before: () => fleet.cloudflare.readFaults.splice(0, 9, 'other-shape'),
    expected: [8, 'provider-protocol', /an answer that cannot be used/, /endpoint/],
  },
  {
    title: 'Route 53, a login page',
    provider: 'r53',
    before: () => fleet.route53.readFaults.splice(0, 99, ...Array<'undocumented'>(99).fill('undocumented')),
    expected: [8, 'provider-protocol', /is not Route 53, or not as documented/, /endpoint/],
  },
];

for (const [what, cases] of Object.entries({
  'credentials that do not do': credentials,
  'a place that is not the right one': places,
  'an answer that is not as documented': answers,
})) {
  describe(what, () => {
    it.each(cases.map((one) => [one.title, one] as const))('%s', async (_, one) => {
      try {
        await expectRefusal(one);
      } finally {
        one.after?.();
        fleet.cloudflare.readFaults.length = 0;
        fleet.route53.readFaults.length = 0;
      }
    });
  });
}

describe('a name that is not in its zone', () => {
  it('is a mistake of the config, told with its line', async () => {
    const configFile = only('cf', (yaml) =>
      yaml.replace('zone: gamma.example, names: ["@"]', 'zone: gamma.example, names: [elsewhere.example.]'),
    );
    const { exit_code, error } = await fleet.flow.json(['failover', 'shop', '--yes'], { configFile });
    expect([exit_code, error?.code]).toEqual([78, 'config-invalid']);
    expect(error?.message).toMatch(/\.yaml:\d+:\d+: .*lies outside the zone gamma\.example; move it/);
  });
});

describe('an endpoint that is something else', () => {
  it.each([
    ['r53', /endpoint: "[^"]*"(?=, timeout: 2s\})/, 'endpoint'],
    ['pdns', /url: "[^"]*"(?=, api_key: \{env: PDNS)/, 'url'],
  ] as const)('of %s is told as an answer that cannot be used', async (provider, place, key) => {
    await withWebsite('<html><body>It works!</body></html>', (url) =>
      expectRefusal({
        title: key,
        provider,
        config: (yaml) => yaml.replace(place, `${key}: "${url}"`),
        expected: [8, 'provider-protocol', /answer/, /endpoint|url/],
      }),
    );
  });
});

describe('what stands there is not what the plan was made from', () => {
  it('is a conflict where somebody writes in between, and nothing is written', async () => {
    const theirs = ['10 mx.elsewhere.example.'];
    const { route53 } = fleet;
    route53.beforeChange = () => {
      route53.zones[1]?.put({ name: 'beta.example', type: 'MX', ttl: 300, values: theirs });
    };
    try {
      const configFile = only('r53', (yaml) => yaml.replace(/.*zone: alpha\.example.*\n/, ''));
      const refused = await fleet.flow.json(['failover', 'shop', '--yes'], { configFile });
      expect(refused).toMatchObject({ exit_code: 3, error: { code: 'conflict' } });
      expect(refused.error?.message).toMatch(/nothing was changed/);
      expect(fleet.mx['beta.example']).toEqual([300, ...theirs]);
      const { stdout } = await fleet.flow.run(['history'], { configFile });
      expect(stdout.replace(/\s+/g, ' ')).toMatch(
        /overtaken, nothing changed .*somebody else changed beta\.example MX meanwhile: it holds 300 10 mx\.elsewhere\.example\./,
      );
    } finally {
      route53.beforeChange = null;
    }
  });

  it.each(['r53', 'cf', 'pdns'] as const)(
    'is a stale plan of %s where it was saved before',
    async (provider) => {
      const configFile = only(provider);
      const file = `${fleet.flow.world.directory}/${provider}.plan.json`;
      expect((await fleet.flow.json(['plan', 'shop', '--out', file], { configFile })).exit_code).toBe(0);
      const [owner = ''] = { r53: ['beta.example.'], cf: ['gamma.example.'], pdns: ['delta.example.'] }[
        provider
      ];
      fleet.publish(
        owner,
        120,
        '10 mx1.filter.example.net.',
        '20 mx2.filter.example.net.',
        '90 spool.example.org.',
      );
      const stale = await fleet.flow.json(['apply', file, '--yes'], { configFile });
      expect(stale).toMatchObject({ exit_code: 3, error: { code: 'plan-stale' } });
      expect(stale.error?.hint).toMatch(/nothing was changed; plan again: mxctl plan shop --to direct/);
    },
  );
});
