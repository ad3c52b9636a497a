import { describe, expect, it } from 'vitest';
import { providers, refusalOf, withMxRoute } from './config-text.ts';

const policy = (block: string) => `version: 1\n${providers}\ndefaults: {${block}}`;

// [what is wrong, the configuration with ▸ where it is wrong, parts of the message for each mark]
const table: [string, string, ...string[]][] = [
  ['an unknown key', 'version: 1\n▸staet: {}', 'staet: unknown key (state)'],
  ['an unknown key like no other', 'version: 1\n▸zebra: 1', 'the keys here are version, state, vantage'],
  [
    'an unknown key deep inside',
    withMxRoute({ probe: '{▸tiemout: 30s}' }),
    'routes.r.probe.tiemout: unknown key (timeout)',
  ],
  ['a hyphen for an underscore', withMxRoute({ '▸failover-ttl': '60' }), 'unknown key (failover_ttl)'],
  [
    'keep with addresses',
    'version: 1\nroutes: {▸r: {strategy: address, ▸keep: [x], records: [{provider: p, zone: e.example, names: [a]}], prefer: x}}',
    'routes.r.paths: is missing',
    'keep: unknown key',
  ],
  ['a version that is not 1', 'version: ▸2', 'version: must be 1'],
  ['no version', '▸vantage: fra', 'version: is missing; it must be 1'],
  ['text instead of a map', '▸mxctl', 'must be a map of keys and values'],
  ['a wrong type', `version: 1\nresolvers: ▸1.1.1.1`, 'resolvers: must be a list, such as [a, b]'],
  [
    'a missing key',
    'version: 1\nreferences: [▸{port: 25}]',
    'references[0].exchange: is missing; it must be a domain name',
  ],
  ['a value left out', 'version: 1\n▸vantage:', 'vantage: must be text'],
  ['a name with a slash', 'version: 1\nproviders: {▸"a/b": {type: route53}}', 'is no name: letters'],
  [
    'an unknown provider type',
    'version: 1\nproviders: {p: {type: ▸cloudfare}}',
    'must be one of rfc2136, route53, cloudflare, powerdns (cloudflare)',
  ],
  [
    'a provider without type',
    'version: 1\nproviders: {▸p: {}}',
    'providers.p.type: is missing; it must be one of rfc2136',
  ],
  [
    'an unknown TSIG algorithm',
    'version: 1\nproviders: {p: {type: rfc2136, server: 192.0.2.1, tsig: {name: k, algorithm: ▸hmac-md5, secret: {env: K}}}}',
    'must be one of hmac-sha256, hmac-sha384, hmac-sha512',
  ],
  ['a server by name', 'version: 1\nresolvers: [▸ns1.example]', 'resolvers[0]: must be an IP address'],
  ['a port out of range', 'version: 1\nresolvers: [▸"192.0.2.1:70000"]', 'must be an IP address'],
  [
    'a server map with a typing error',
    'version: 1\nresolvers: [{address: 192.0.2.1, ▸prt: 53}]',
    'resolvers[0].prt: unknown key (port)',
  ],
  [
    'an unknown role',
    withMxRoute({ paths: '{p: {role: ▸proxi, mx: [{preference: 1, exchange: a.example}]}}' }),
    'must be one of proxy, primary, backup (proxy)',
  ],
  [
    'a duration without unit',
    policy('probe: {timeout: ▸30}'),
    'must be a duration, such as 30s, 5m, 2h or 7d (30s)',
  ],
  ['a duration in milliseconds', policy('probe: {timeout: ▸500ms}'), 'must be a whole number with one unit'],
  ['a negative duration', policy('failover: {hold_down: ▸-5m}'), 'must be a whole number with one unit'],
  ['a timeout that is no timeout', policy('probe: {timeout: ▸2h}'), 'must lie between 1s and 10m'],
  [
    'a TTL with a unit',
    withMxRoute({ ttl: '▸1h' }),
    'routes.r.ttl: must be a whole number of seconds, such as 3600 (3600)',
  ],
  ['a TTL below 0', withMxRoute({ ttl: '▸-1' }), 'must be 0 to 2147483647 seconds (RFC 2181 §8)'],
  [
    'a TTL beyond 31 bits',
    withMxRoute({ ttl: '▸2147483648' }),
    'must be 0 to 2147483647 seconds (RFC 2181 §8)',
  ],
  ['a fall of 0', policy('probe: {fall: ▸0}'), 'must be a whole number from 1 to 1000'],
  ['a quorum of 0', policy('failover: {quorum: ▸0}'), 'must be at least 1'],
  ['an unknown mode', policy('failover: {mode: ▸automatic}'), 'must be one of observe, manual, auto'],
  ['a share above 1', policy('failover: {max_failing_share: ▸50}'), 'must be at most 1'],
  [
    'a stage without those before it',
    policy('probe: {stages: [connect, banner, ▸starttls]}'),
    'starttls needs ehlo before it',
  ],
  [
    'stages out of order',
    policy('probe: {stages: [connect, ehlo, ▸banner]}'),
    'ehlo needs banner',
    'banner comes before ehlo',
  ],
  ['a stage twice', policy('probe: {stages: [connect, ▸connect]}'), 'connect stands here twice'],
  [
    'an unknown stage',
    policy('probe: {stages: [connect, banner, ▸helo]}'),
    'must be one of resolve, connect, banner, ehlo',
  ],
  [
    'a canary that is no address',
    policy('probe: {rcpt: {from: a@b.example, to: ▸"a@b.example> SIZE=1"}}'),
    'must be a plain address, such as canary@example.com',
  ],
  [
    'an EHLO name of one label',
    policy('probe: {ehlo_name: ▸probe}'),
    "must be this machine's full host name",
  ],
  [
    'a source address that is none',
    policy('probe: {source_address: [192.0.2.7, ▸eth0]}'),
    'must be an IP address of this machine',
  ],
  [
    'an unknown day',
    withMxRoute({ maintenance: '[{every: [▸sundy], start: "02:00", duration: 2h, timezone: UTC}]' }),
    'must be one of monday, tuesday, wednesday, thursday, friday, saturday, sunday (sunday)',
  ],
  [
    'a time without its zero',
    withMxRoute({ maintenance: '[{every: [sunday], start: ▸2:00, duration: 2h, timezone: UTC}]' }),
    'must be a local time from 00:00 to 23:59',
  ],
  [
    'an unknown time zone',
    withMxRoute({
      maintenance: '[{every: [sunday], start: "02:00", duration: 2h, timezone: ▸Europe/Berln}]',
    }),
    'must be an IANA time zone, such as Europe/Berlin or UTC (Europe/Berlin)',
  ],
  [
    'an offset as time zone',
    withMxRoute({ maintenance: '[{every: [sunday], start: "02:00", duration: 2h, timezone: ▸"+02:00"}]' }),
    'must be an IANA time zone',
  ],
  [
    'an inventory that is no table',
    'version: 1\naudits: {a: {domains: {file: ▸domains.txt, column: d}, expect: {mx: [mx.example.com]}}}',
    'must be a .csv or .ndjson file',
  ],
  [
    'a day that does not exist',
    'version: 1\naudits: {a: {domains: {file: d.csv, column: d}, expect: {mx: [mx.example.com]}, ignore: [{domain: a.example, until: ▸"2027-02-30", reason: x}]}}',
    'must be a date that exists',
  ],
  [
    'an exception without reason',
    'version: 1\naudits: {a: {domains: {file: d.csv, column: d}, expect: {mx: [mx.example.com]}, ignore: [▸{domain: a.example}]}}',
    'reason: is missing',
  ],
];

describe('a configuration with a wrong shape', () => {
  it.each(table)('is refused at the place of %s', (_, marked, ...messages) => {
    const { marks, places, text } = refusalOf(marked);
    for (const message of messages) expect(text).toContain(message);
    for (const mark of marks) expect(places).toContain(mark);
    expect(places).toHaveLength(messages.length);
  });

  it('is told all its problems at once, sorted by place, each on a line of its own', () => {
    const { message, places } = refusalOf(
      'version: 2\nvantage: "a b"\nresolvers: [x]\nproviders: {p: {type: y}}',
    );
    expect(places).toHaveLength(4);
    expect(message.split('\n')).toEqual([
      'mxctl.yaml has 4 problems',
      'mxctl.yaml:1:10: version: must be 1: there is no other version of this format yet',
      expect.stringMatching(/^mxctl\.yaml:2:10: vantage: is no name/),
      expect.stringMatching(/^mxctl\.yaml:3:13: resolvers\[0\]: must be an IP address/),
      expect.stringMatching(/^mxctl\.yaml:4:23: providers\.p\.type: must be one of/),
    ]);
  });

  it('still has its well-formed routes judged', () => {
    const marked = withMxRoute({ prefer: '▸prxy' }, '▸staet: {}');
    const { marks, places, text } = refusalOf(marked);
    expect(places).toEqual(marks);
    expect(text).toContain('is no path of this route; its paths are proxy, direct, spool (proxy)');
  });

  it('does not take a provider for dangling because its own block is wrong', () => {
    const marked = withMxRoute().replace('192.0.2.53', '▸ns.example');
    const { marks, places } = refusalOf(marked);
    expect(places).toEqual(marks);
  });

  it('shows the first 50 of many problems and counts the rest', () => {
    const many = Array.from({ length: 80 }, (_, index) => `key${index}: 1`).join('\n');
    const lines = refusalOf(`version: 1\n${many}`).message.split('\n');
    expect(lines).toHaveLength(52);
    expect(lines.at(-1)).toBe('and 30 more');
  });

  it('cannot move a cursor with a key', () => {
    const { message } = refusalOf('version: 1\n"\\e[2Jx\\n": 1');
    // eslint-disable-next-line no-control-regex -- that none gets through is the point
    expect(message.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/);
    expect(message.split('\n')).toHaveLength(2);
  });
});
