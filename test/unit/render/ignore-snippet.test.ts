// What other tools are told about a route: exactly its RRsets, in their own words.

import { describe, expect, it } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { Route } from '../../../src/model/route.ts';
import { ignoreDocument, ignoringTools, renderIgnoreSnippet } from '../../../src/render/ignore-snippet.ts';
import { routeOf } from '../../support/worlds.ts';

const place = (provider: string, zone: string, ...owners: string[]) => ({
  provider,
  zone: domainNameOf(zone),
  owners: owners.map(domainNameOf),
  authorities: null,
});
const mail: Route = routeOf('proxy: 10 mx1.filter.example.net\ndirect: 10 mx.example.com', {
  records: [
    place('r53', 'example.com', 'example.com', 'in.example.com', '*.wild.example.com'),
    place('cf', '1and1.example', '1and1.example'),
    place('bind', 'shop.example', 'shop.example'),
  ],
});
const hosts: Route = routeOf(
  'fra: mx1.saas.example=192.0.2.10\nams: mx1.saas.example=198.51.100.10, mx1.saas.example=2001:db8:a::10',
  { records: [place('bind', 'saas.example', 'mx1.saas.example')] },
);
const types: Readonly<Record<string, string>> = {
  r53: 'route53',
  cf: 'cloudflare',
  bind: 'rfc2136',
  pdns: 'powerdns',
};
const snippet = (tool: (typeof ignoringTools)[number], route: Route) =>
  renderIgnoreSnippet(tool, route, (name) => types[name] ?? '');

describe('terraform', () => {
  it('keeps its resource and ignores the values where a resource is an RRset', () => {
    const lines = snippet('terraform', mail);
    expect(lines.filter((one) => one.startsWith('resource'))).toEqual([
      'resource "aws_route53_record" "example_com_mx" {',
      'resource "aws_route53_record" "in_example_com_mx" {',
      'resource "aws_route53_record" "r_wild_example_com_mx" {',
      'resource "dns_mx_record_set" "shop_example_mx" {',
    ]);
    expect(lines.filter((one) => one.includes('ignore_changes')).map((one) => one.trim())).toEqual([
      'ignore_changes = [records, ttl]',
      'ignore_changes = [records, ttl]',
      'ignore_changes = [records, ttl]',
      'ignore_changes = [mx, ttl]',
    ]);
  });

  it('forgets resources that are single values, and destroys none', () => {
    const text = snippet('terraform', mail).join('\n');
    expect(text).toContain(
      [
        'removed {',
        '  from = cloudflare_dns_record.r_1and1_example_mx',
        '  lifecycle {',
        '    destroy = false',
      ].join('\n'),
    );
  });

  it('is told of A and AAAA of a route that moves addresses, though the preferred path has no IPv6', () => {
    const lines = snippet('terraform', hosts).filter((one) => one.startsWith('resource'));
    expect(lines).toEqual([
      'resource "dns_a_record_set" "mx1_saas_example_a" {',
      'resource "dns_aaaa_record_set" "mx1_saas_example_aaaa" {',
    ]);
  });
});

describe('octoDNS', () => {
  it('declares what it ignores, a file a zone', () => {
    expect(snippet('octodns', hosts)).toEqual([
      '# saas.example.yaml; the values count for nothing, octoDNS only wants some',
      "'mx1':",
      '  - type: A',
      '    ttl: 3600',
      '    octodns: { ignored: true }',
      '    values:',
      "      - '192.0.2.10'",
      '  - type: AAAA',
      '    ttl: 3600',
      '    octodns: { ignored: true }',
      '    values:',
      "      - '2001:db8:a::10'",
      '',
    ]);
    expect(snippet('octodns', mail).filter((one) => /^['#]/.test(one))).toEqual([
      expect.stringMatching(/^# example\.com\.yaml/),
      "'':",
      "'in':",
      "'*.wild':",
      expect.stringMatching(/^# 1and1\.example\.yaml/),
      "'':",
      expect.stringMatching(/^# shop\.example\.yaml/),
      "'':",
    ]);
  });
});

describe('DNSControl', () => {
  it('ignores label and types, and takes a wildcard for a name and not for a glob', () => {
    const lines = [...snippet('dnscontrol', mail), ...snippet('dnscontrol', hosts)];
    expect(lines.filter((one) => one.startsWith('IGNORE'))).toEqual([
      'IGNORE("@", "MX"),',
      'IGNORE("in", "MX"),',
      'IGNORE("\\\\*.wild", "MX"),',
      'IGNORE("@", "MX"),',
      'IGNORE("@", "MX"),',
      'IGNORE("mx1", "A,AAAA"),',
    ]);
  });
});

describe('external-dns', () => {
  it('is kept from MX by type, and from addresses by name', () => {
    expect(snippet('external-dns', mail).filter((one) => one.startsWith('--'))).toEqual([
      '--managed-record-types=A',
      '--managed-record-types=AAAA',
      '--managed-record-types=CNAME',
    ]);
    expect(snippet('external-dns', hosts).filter((one) => one.startsWith('--'))).toEqual([
      '--exclude-domains=mx1.saas.example',
    ]);
  });
});

describe('every tool', () => {
  it.each(ignoringTools)('%s has a document with each RRset and the text', (tool) => {
    const lines = snippet(tool, hosts);
    expect(ignoreDocument(tool, hosts, lines)).toEqual({
      tool,
      route: 'support',
      rrsets: [
        { provider: 'bind', zone: 'saas.example.', owner: 'mx1.saas.example.', type: 'A' },
        { provider: 'bind', zone: 'saas.example.', owner: 'mx1.saas.example.', type: 'AAAA' },
      ],
      snippet: `${lines.join('\n')}\n`,
    });
  });
});
