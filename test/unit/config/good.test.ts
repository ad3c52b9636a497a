import { describe, expect, it } from 'vitest';
import { configOf, providers, withAddressRoute, withMxRoute } from './config-text.ts';

const routeOf = (text: string) => configOf(text).routes.get('r')!;

describe('a configuration', () => {
  it('has built-in values for all that it leaves out', () => {
    expect(routeOf(withMxRoute())).toMatchObject({
      ttl: 3600,
      failoverTtl: 60,
      probationMs: 3_600_000,
      keep: [],
      maintenance: [],
      probe: {
        stages: ['resolve', 'connect', 'banner', 'ehlo', 'starttls', 'tls', 'ehlo2', 'quit'],
        intervalMs: 60_000,
        staleAfterMs: 180_000,
        timeoutMs: 30_000,
        slowAfterMs: 10_000,
        fall: 3,
        fallRejecting: 2,
        forgive: 3,
        rise: 10,
        rcpt: null,
        ehloName: null,
        sourceAddresses: [],
        caFile: null,
      },
      failover: {
        mode: 'manual',
        failback: 'manual',
        holdDownMs: 1_800_000,
        maxFlips: { count: 3, withinMs: 86_400_000 },
        maxDomains: 500,
        quorum: 1,
        maxFailingShare: 0.5,
      },
    });
    expect(configOf('version: 1')).toMatchObject({
      stateUrl: null,
      vantage: 'probe1',
      resolvers: [],
      references: [],
      audits: [],
      historyMs: 90 * 86_400_000,
      heartbeat: null,
      warnings: [],
    });
  });

  it('takes a route over the defaults and those over the built-in values, key by key', () => {
    const defaults =
      'defaults: {ttl: 600, failover_ttl: 30, probe: {fall: 5, rise: 7, timeout: 20s}, failover: {mode: observe, quorum: 1}}';
    const { ttl, failoverTtl, probe, failover } = routeOf(
      withMxRoute({ ttl: '900', probe: '{fall: 4}', failover: '{mode: auto}' }, defaults),
    );
    expect({ ttl, failoverTtl }).toEqual({ ttl: 900, failoverTtl: 30 });
    expect(probe).toMatchObject({ fall: 4, rise: 7, timeoutMs: 20_000, forgive: 3 });
    expect(failover).toMatchObject({ mode: 'auto', failback: 'manual' });
  });

  it('lowers what it was not asked for: the built-in failover_ttl to ttl, fall_rejecting to fall', () => {
    const route = routeOf(withMxRoute({ ttl: '30', probe: '{fall: 1}' }));
    expect(route.failoverTtl).toBe(30);
    expect(route.probe.fallRejecting).toBe(1);
  });

  it('reads names relative to the zone, @ as the zone, a trailing dot as absolute, U-labels as A-labels', () => {
    const records =
      '[{provider: ns, zone: Bücher.example., names: ["@", IN, a.b, "x.bücher.example.", "*"]}]';
    expect(routeOf(withMxRoute({ records })).records[0]).toMatchObject({
      zone: 'xn--bcher-kva.example.',
      owners: [
        'xn--bcher-kva.example.',
        'in.xn--bcher-kva.example.',
        'a.b.xn--bcher-kva.example.',
        'x.xn--bcher-kva.example.',
        '*.xn--bcher-kva.example.',
      ],
    });
  });

  it('takes servers as address, address:port, [v6]:port and map', () => {
    const text =
      'version: 1\nresolvers: [192.0.2.1, "192.0.2.1:5353", "2001:DB8::1", "[2001:db8::1]:5353", {address: 192.0.2.2, port: 54}, {address: 192.0.2.3}]';
    expect(configOf(text).resolvers.map((one) => `${one.address}#${one.port}`)).toEqual([
      '192.0.2.1#53',
      '192.0.2.1#5353',
      '2001:db8::1#53',
      '2001:db8::1#5353',
      '192.0.2.2#54',
      '192.0.2.3#53',
    ]);
  });

  it('knows addresses by their owner, in the one text that answers are compared in', () => {
    const paths =
      '{fra: {role: primary, port: 2525, addresses: {mx1: [192.0.2.10, "2001:DB8:0:0::10"], mx2.saas.example: [192.0.2.11]}}}';
    expect(routeOf(withAddressRoute({ paths, failover_to: '[]' })).paths[0]).toEqual({
      kind: 'address',
      name: 'fra',
      role: 'primary',
      port: 2525,
      addresses: new Map([
        ['mx1.saas.example.', ['192.0.2.10', '2001:db8::10']],
        ['mx2.saas.example.', ['192.0.2.11']],
      ]),
    });
  });

  it.each([
    ['[connect]', 'resolve connect quit'],
    ['[connect, banner, ehlo]', 'resolve connect banner ehlo quit'],
    [
      '[resolve, connect, banner, ehlo, starttls, quit]',
      'resolve connect banner ehlo starttls tls ehlo2 quit',
    ],
    ['[connect, banner, ehlo, rcpt]', 'resolve connect banner ehlo mail rcpt quit'],
    [
      '[connect, banner, ehlo, starttls, rcpt]',
      'resolve connect banner ehlo starttls tls ehlo2 mail rcpt quit',
    ],
  ])('fills in stages %s', (stages, full) => {
    const probe = `{stages: ${stages}, rcpt: {from: probe@ops.example, to: canary@example.com}}`;
    expect(routeOf(withMxRoute({ probe })).probe.stages.join(' ')).toBe(full);
  });

  it('finds relative files beside itself, wherever the command is run', () => {
    const config = configOf(
      'version: 1\nstate: {url: "sqlite:state/mxctl.sqlite"}\nproviders: {p: {type: rfc2136, server: 192.0.2.1, tsig: {name: k, secret: {file: keys/tsig}}}}\naudits: {a: {domains: {file: d.csv, column: domain}, expect: {mx: [mx.example.com]}}}\ndefaults: {probe: {ca_file: ca.pem}}\nroutes: {}',
    );
    expect(config.stateUrl).toBe('sqlite:/etc/mxctl/state/mxctl.sqlite');
    expect(config.providers.get('p')).toMatchObject({ tsig: { secret: { file: '/etc/mxctl/keys/tsig' } } });
    expect(config.audits[0]?.domains.file).toBe('/etc/mxctl/d.csv');
    expect(routeOf(withMxRoute({ probe: '{ca_file: ca.pem}' })).probe.caFile).toBe('/etc/mxctl/ca.pem');
  });

  it('takes what an audit declares beside its exchanges', () => {
    const audit = (rest: string) =>
      configOf(
        `version: 1\naudits: {a: {domains: {file: d.csv, column: d}, expect: {mx: [mx.example.com]}${rest}}}`,
      ).audits[0];
    expect(audit('')).toMatchObject({ maxTtl: null, spfInclude: null });
    expect(audit(', max_ttl: 3600, spf_include: _spf.Example.com.')).toMatchObject({
      maxTtl: 3600,
      spfInclude: '_spf.example.com',
    });
  });

  it('lets two routes hold the MX and the addresses of one name', () => {
    const text = [
      withMxRoute({ records: '[{provider: ns, zone: saas.example, names: [mx1]}]' }),
      withAddressRoute().split('\n').slice(3).join('\n').replace('  r:', '  s:'),
    ].join('\n');
    expect(configOf(text).routes.size).toBe(2);
  });

  it('is frozen all the way down, maps too', () => {
    const config = configOf(withAddressRoute());
    const route = config.routes.get('r')!;
    const path = route.paths[0]!;
    if (path.kind !== 'address') throw new Error('not an address path');
    for (const one of [config, route, route.probe, route.probe.stages, route.paths, path.addresses])
      expect(Object.isFrozen(one)).toBe(true);
    expect(() => (config.routes as Map<string, unknown>).set('x', 1)).toThrow('frozen');
    expect(() => (path.addresses as unknown as Map<string, unknown>).clear()).toThrow('frozen');
  });

  it('serves a thousand routes from one anchor', () => {
    const routes = Array.from(
      { length: 1000 },
      (_, index) =>
        `  r${index}: {strategy: mx, records: [{provider: ns, zone: d${index}.example, names: ["@"]}], paths: *paths, prefer: a, failover_to: [b]}`,
    );
    const first =
      '  r: {strategy: mx, records: [{provider: ns, zone: d.example, names: ["@"]}], paths: &paths {a: {role: proxy, mx: [{preference: 10, exchange: a.example}]}, b: {role: primary, mx: [{preference: 10, exchange: b.example}]}}, prefer: a}';
    const text = ['version: 1', providers, 'routes:', first, ...routes].join('\n');
    expect(configOf(text).routes.size).toBe(1001);
  });
});

describe('what is legal but hardly meant', () => {
  it.each([
    ['ttl-zero', withMxRoute({ ttl: '0' }), 'mxctl.yaml:10:10: routes.r.ttl'],
    [
      'rcpt-unused',
      withMxRoute({ probe: '{rcpt: {from: a@b.example, to: c@d.example}}' }),
      'mxctl.yaml:10:19: routes.r.probe.rcpt',
    ],
    [
      'no-candidate',
      withMxRoute({ failover_to: '[]', failover: '{mode: auto}' }),
      'mxctl.yaml:5:5: routes.r',
    ],
    [
      'too-many-names',
      withMxRoute({
        records: '[{provider: ns, zone: a.example, names: [a, b]}]',
        failover: '{max_domains: 1}',
      }),
      'routes.r',
    ],
    ['quorum-alone', withMxRoute({ failover: '{quorum: 2}' }), 'routes.r.failover.quorum'],
    [
      'ignore-expired',
      'version: 1\naudits: {a: {domains: {file: d.csv, column: d}, expect: {mx: [mx.example.com]}, ignore: [{domain: a.example, until: "2026-11-21", reason: x}]}}',
      'audits.a.ignore[0]',
    ],
  ])('is warned of as %s', (code, text, subject) => {
    const [warning, ...others] = configOf(text).warnings;
    expect(others).toEqual([]);
    expect(warning?.code).toBe(code);
    expect(warning?.subject).toContain(subject);
  });

  it('is silent about an exception on its last day and a quorum with a shared store', () => {
    const shared = 'state: {url: "postgres://db.example/mxctl"}\ndefaults: {failover: {quorum: 2}}';
    expect(configOf(withMxRoute({}, shared)).warnings).toEqual([]);
    const today =
      'version: 1\naudits: {a: {domains: {file: d.csv, column: d}, expect: {mx: [mx.example.com]}, ignore: [{domain: a.example, until: "2026-11-22", reason: x}]}}';
    expect(configOf(today).warnings).toEqual([]);
  });
});

describe('a secret written where its place is wanted', () => {
  const secret = 'hunter2';
  const token = (value: string) => `version: 1\nproviders: {p: {type: cloudflare, token: ${value}}}`;
  const url = (value: string) => `version: 1\nstate: {url: ${value}}`;
  it.each([
    token(secret),
    token(`"${secret}"`),
    token(`{${secret}}`),
    token(`{value: ${secret}}`),
    token(`{file: /x, ${secret}: 1}`),
    token(`[${secret}]`),
    url(`"postgres://u:${secret}@h/db"`),
    url(`"postgres://u:${secret}/x@h/db"`),
    url(`"postgres://u:1#${secret}@h/db"`),
    url(`"postgres://h/db?password=${secret}"`),
    url(`"postgres://h/db?user=u&sslpassword=${secret}"`),
    url(`"mysql://u:${secret}@h/db"`),
    url(secret),
    `version: 1\nproviders: {p: {type: powerdns, url: "https://u:${secret}@pdns.example", api_key: {env: K}}}`,
  ])('is refused and never shown: %s', (text) => {
    let message = '';
    try {
      configOf(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/mxctl\.yaml:2:\d+: /);
    expect(message).not.toContain(secret);
  });

  it.each([
    'sqlite:/var/lib/mxctl/state.sqlite',
    'postgres://h/db',
    'postgres://user@h:5433/db?sslmode=require',
  ])('is no matter in %s', (text) => {
    expect(configOf(url(`"${text}"`)).stateUrl).toBe(text);
  });
});
