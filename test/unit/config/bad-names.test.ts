// Names that refer to others, and what only two places together make wrong.

import { describe, expect, it } from 'vitest';
import { configOf, providers, refusalOf, route, withAddressRoute, withMxRoute } from './config-text.ts';

const records = (names: string) => `[{provider: ns, zone: example.com, names: [${names}]}]`;
const onePath = (mx: string) => ({
  paths: `{p: {role: primary, mx: [${mx}]}}`,
  prefer: 'p',
  failover_to: '[]',
});
const at = (preference: number, exchange: string) => `{preference: ${preference}, exchange: ${exchange}}`;
const keeping = (spool: string, keep = '[spool]') => ({
  paths: `{a: {role: proxy, mx: [${at(10, 'a.example')}, ${at(20, 'b.example')}]}, c: {role: primary, mx: [${at(5, 'c.example')}]}, spool: {role: backup, mx: [${spool}]}}`,
  prefer: 'a',
  failover_to: '[c]',
  keep,
});
const two = (first: string, second: string) => ['version: 1', providers, 'routes:', first, second].join('\n');

const table: [string, string, ...string[]][] = [
  [
    'a provider that is not declared',
    withMxRoute({ records: '[{provider: ▸nss, zone: example.com, names: ["@"]}]' }),
    'is no name under providers (ns)',
  ],
  [
    'a preferred path that is not declared',
    withMxRoute({ prefer: '▸prxy' }),
    'is no path of this route; its paths are proxy, direct, spool (proxy)',
  ],
  [
    'a candidate that is not declared',
    withMxRoute({ failover_to: '[direct, ▸backup]' }),
    'routes.r.failover_to[1]: is no path of this route',
  ],
  [
    'a candidate that is the preferred path',
    withMxRoute({ failover_to: '[direct, ▸proxy]' }),
    'the way out cannot lead back in',
  ],
  ['a candidate twice', withMxRoute({ failover_to: '[direct, ▸direct]' }), 'stands here twice'],
  [
    'a kept path that is not declared',
    withMxRoute({ keep: '[▸spol]' }),
    'is no path of this route; its paths are proxy, direct, spool (spool)',
  ],
  [
    'a kept path that is also a candidate',
    withMxRoute({ failover_to: '[direct, spool]', keep: '[▸spool]' }),
    'also in prefer or failover_to',
    'x',
  ].slice(0, 3) as [string, string, string],
  [
    'a kept path that is no backup',
    withMxRoute({
      failover_to: '[]',
      keep: '[▸direct]',
      paths: `{proxy: {role: proxy, mx: [${at(10, 'a.example')}]}, direct: {role: primary, mx: [${at(90, 'b.example')}]}}`,
    }),
    'is not of role backup',
  ],
  [
    'a kept path at equal preference',
    withMxRoute(keeping(at(20, 's.example').replace('20', '▸20'))),
    'is not worse than 20 in path a',
  ],
  [
    'a kept path between two exchanges',
    withMxRoute(keeping(at(15, 's.example').replace('15', '▸15'))),
    'senders would try the backup first; write more than 20',
  ],
  ['a kept exchange that is in the path', withMxRoute(keeping(at(90, '▸c.example'))), 'is in path c too'],
  [
    'a maintenance window of no path',
    withMxRoute({
      maintenance: '[{every: [sunday], start: "02:00", duration: 2h, timezone: UTC, path: ▸prox}]',
    }),
    'is no path of this route; its paths are proxy, direct, spool (proxy)',
  ],
  [
    'failover_ttl above ttl',
    withMxRoute({ ttl: '60', failover_ttl: '▸300' }),
    'failover_ttl (300) is more than ttl (60)',
  ],
  [
    'an exchange that is an IPv4 address',
    withMxRoute(onePath(at(10, '▸192.0.2.1'))),
    'an exchange is a host name (RFC 5321 §5.1)',
  ],
  [
    'an exchange that is an IPv6 address',
    withMxRoute(onePath(at(10, '▸"2001:db8::1"'))),
    'an exchange is a host name (RFC 5321 §5.1)',
  ],
  [
    'an exchange that is an address literal',
    withMxRoute(onePath(at(10, '▸"[192.0.2.1]"'))),
    'an exchange is a host name (RFC 5321 §5.1)',
  ],
  ['an exchange with an underscore', withMxRoute(onePath(at(10, '▸mx_1.example.com'))), 'is no host name'],
  ['an exchange of one label', withMxRoute(onePath(at(10, '▸mx1'))), 'exchanges are written in full'],
  [
    'null MX',
    withMxRoute(onePath(at(0, '▸"."'))),
    'the null MX, which says that the domain takes no mail (RFC 7505 §3)',
  ],
  [
    'an exchange twice in a path',
    withMxRoute(onePath(`${at(10, 'mx.example.com')}, ${at(20, '▸MX.example.com.')}`)),
    'mx.example.com stands twice in path p',
  ],
  [
    'a path without exchanges',
    withMxRoute({ ...onePath(''), paths: '{p: {role: primary, mx: ▸[]}}' }),
    'an MX RRset is never empty',
  ],
  [
    'a preference beyond 16 bits',
    withMxRoute(onePath('{preference: ▸65536, exchange: mx.example.com}')),
    'must be 0 to 65535',
  ],
  [
    'two paths that publish the same',
    withMxRoute({
      paths: `{a: {role: proxy, mx: [${at(10, 'x.example')}, ${at(20, 'y.example')}]}, ▸b: {role: primary, mx: [${at(20, 'y.example')}, ${at(10, 'X.example')}]}}`,
      prefer: 'a',
      failover_to: '[b]',
    }),
    'publishes the same records as path a',
  ],
  [
    'a route without paths',
    withMxRoute({ paths: '▸{}', prefer: '▸a', failover_to: '[]' }),
    'needs at least one path',
    'is no path of this route',
  ],
  [
    'a zone that is an address',
    withMxRoute({ records: '[{provider: ns, zone: ▸192.0.2.1, names: ["@"]}]' }),
    'must be the name of a zone',
  ],
  [
    'an absolute name outside its zone',
    withMxRoute({ records: records('▸mail.example.org.') }),
    'lies outside the zone example.com',
  ],
  [
    'a name in full without its dot',
    withMxRoute({ records: records('▸in.example.com') }),
    'would be in.example.com.example.com: names are relative to the zone (in)',
  ],
  [
    'the zone as a name',
    withMxRoute({ records: records('▸example.com') }),
    'names are relative to the zone ("@")',
  ],
  ['a name of nothing', withMxRoute({ records: records('▸""') }), 'the zone itself is "@"'],
  ['a label that is too long', withMxRoute({ records: records(`▸${'a'.repeat(64)}`) }), 'label-too-long'],
  [
    'an owner twice in a route',
    withMxRoute({ records: records('"@", in, ▸IN') }),
    'in.example.com stands twice in this route',
  ],
  [
    'two routes with one owner',
    two(route('r', 'mx'), route('s', 'mx', { records: '[{provider: ns, zone: com, names: [▸example]}]' })),
    'the MX records of example.com already belong to route r',
  ],
  [
    'two address routes with one owner',
    two(
      route('r', 'address'),
      route('s', 'address', { records: '[{provider: ns, zone: saas.example, names: [▸mx1, ▸mx2]}]' }),
    ),
    'the A and AAAA records of mx1.saas.example already belong to route r',
    'mx2',
  ],
  [
    'addresses of no owner',
    withAddressRoute({
      paths: '{fra: {role: primary, addresses: {mx1: [192.0.2.1], mx2: [192.0.2.2], ▸m2: [192.0.2.3]}}}',
      failover_to: '[]',
    }),
    'is no name under records of this route (mx2)',
  ],
  [
    'an owner without addresses',
    withAddressRoute({ paths: '{fra: {role: primary, ▸addresses: {mx1: [192.0.2.1]}}}', failover_to: '[]' }),
    'lists no address for mx2.saas.example',
  ],
  [
    'an owner with an empty list',
    withAddressRoute({
      paths: '{fra: {role: primary, addresses: {mx1: [192.0.2.1], mx2: ▸[]}}}',
      failover_to: '[]',
    }),
    'needs at least one address',
  ],
  [
    'an address that is none',
    withAddressRoute({
      paths: '{fra: {role: primary, addresses: {mx1: [▸192.0.2.300], mx2: [192.0.2.1]}}}',
      failover_to: '[]',
    }),
    'must be an IP address of one host',
  ],
  [
    'an address of nobody',
    withAddressRoute({
      paths: '{fra: {role: primary, addresses: {mx1: [▸0.0.0.0, ▸"::", ▸224.0.0.1], mx2: [192.0.2.1]}}}',
      failover_to: '[]',
    }),
    'mx1[0]: must be',
    'mx1[1]: must be',
    'mx1[2]: must be',
  ],
  [
    'an address twice',
    withAddressRoute({
      paths: '{fra: {role: primary, addresses: {mx1: ["2001:db8::1", ▸"2001:DB8:0::1"], mx2: [192.0.2.1]}}}',
      failover_to: '[]',
    }),
    'stands here twice',
  ],
  [
    'rcpt without addresses',
    withMxRoute({ probe: '{stages: ▸[connect, banner, ehlo, rcpt]}' }),
    'add rcpt: {from: probe@ops.example, to: canary@example.com} to probe',
  ],
  [
    'fall_rejecting above fall',
    withMxRoute({ probe: '{fall: 2, fall_rejecting: ▸3}' }),
    'is more than fall (2)',
  ],
];

describe('a configuration whose parts do not fit', () => {
  it.each(table)('is refused at the place of %s', (_, marked, ...messages) => {
    const { marks, places, text } = refusalOf(marked);
    for (const message of messages) expect(text).toContain(message);
    expect(places).toEqual(marks);
  });

  it('is told once of a default that every route inherits', () => {
    const text = two(
      route('r', 'mx'),
      route('s', 'mx', { records: '[{provider: ns, zone: b.example, names: ["@"]}]' }),
    );
    const marked = text.replace(
      'routes:',
      'defaults: {probe: {stages: ▸[connect, banner, ehlo, rcpt]}}\nroutes:',
    );
    const { marks, places } = refusalOf(marked);
    expect(places).toEqual(marks);
  });

  it('points through an alias at the text it stands for', () => {
    const marked = withMxRoute({ prefer: '*p' }, 'vantage: &p ▸nowhere');
    const { marks, places } = refusalOf(marked);
    expect(places).toEqual(marks);
  });

  it('names both owners where a key of addresses could mean either', () => {
    const marked = withAddressRoute({
      records:
        '[{provider: ns, zone: a.example, names: [mx1]}, {provider: ns, zone: b.example, names: [mx1]}]',
      paths:
        '{fra: {role: primary, addresses: {▸mx1: [192.0.2.1], mx1.a.example: [192.0.2.1], mx1.b.example: [192.0.2.1]}}}',
      failover_to: '[]',
    });
    const { marks, places, text } = refusalOf(marked);
    expect(text).toContain('could be mx1.a.example or mx1.b.example; write the name in full');
    expect(places).toEqual(marks);
  });

  it('accepts the configuration that the cases above are made from', () => {
    expect(configOf(withMxRoute({ keep: '[spool]' })).routes.size).toBe(1);
    expect(configOf(withAddressRoute()).routes.size).toBe(1);
  });
});
