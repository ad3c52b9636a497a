// What other tools must be told so that they leave a route's RRsets alone: exact names and types, in each tool's own
// words. The preferred path's values stand where a tool wants some.
// Terraform 1.7 (`removed`), octoDNS 1.x (`octodns.ignored`), DNSControl 4 (`IGNORE`), external-dns 0.2x (flags).

import { desiredRrset, placesOf, type RrsetPlace } from '../change/published.ts';
import { displayName, type DomainName, labelsOf } from '../model/domain-name.ts';
import { parseMx } from '../model/mx.ts';
import { pathOf, type Route } from '../model/route.ts';
import type { Rrset } from '../model/rrset.ts';

export const ignoringTools = ['terraform', 'octodns', 'dnscontrol', 'external-dns'] as const;
export type IgnoringTool = (typeof ignoringTools)[number];

/** `typeOf` gives the type of a provider block by its name, e.g. `route53`. */
export function renderIgnoreSnippet(
  tool: IgnoringTool,
  route: Route,
  typeOf: (provider: string) => string,
): string[] {
  const zones = [
    ...Map.groupBy(placesOf(route), ({ records }) => `${records.provider} ${records.zone}`).values(),
  ];
  switch (tool) {
    case 'terraform':
      return zones.flatMap((places) => terraform(places, typeOf));
    case 'octodns':
      return zones.flatMap((places) => octodns(places, route));
    case 'dnscontrol':
      return zones.flatMap(dnscontrol);
    case 'external-dns':
      return externalDns(placesOf(route));
  }
}

export function ignoreDocument(
  tool: IgnoringTool,
  route: Route,
  lines: readonly string[],
): Record<string, unknown> {
  return {
    tool,
    route: route.name,
    rrsets: placesOf(route).map(({ records, owner, type }) => ({
      provider: records.provider,
      zone: records.zone,
      owner,
      type,
    })),
    snippet: `${lines.join('\n')}\n`,
  };
}

/** Labels of the owner below its zone; empty at the apex. */
function relativeName(owner: DomainName, zone: DomainName): string {
  return labelsOf(owner).slice(0, -labelsOf(zone).length).join('.');
}

interface TerraformResource {
  readonly resource: string;
  readonly ignored: readonly string[];
}

/** hashicorp/aws, pan-net/powerdns and hashicorp/dns have one resource for an RRset. */
function terraformResource(providerType: string, type: string): TerraformResource {
  switch (providerType) {
    case 'route53':
      return { resource: 'aws_route53_record', ignored: ['records', 'ttl'] };
    case 'powerdns':
      return { resource: 'powerdns_record', ignored: ['records', 'ttl'] };
    default:
      return type === 'MX'
        ? { resource: 'dns_mx_record_set', ignored: ['mx', 'ttl'] }
        : { resource: `dns_${type.toLowerCase()}_record_set`, ignored: ['addresses', 'ttl'] };
  }
}

/** An identifier of HCL begins with a letter. */
const terraformLabel = ({ owner, type }: RrsetPlace) =>
  `${displayName(owner)}_${type}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_?(?![a-z_])|^_/, 'r_');

function terraform(places: readonly RrsetPlace[], typeOf: (provider: string) => string): string[] {
  return places.flatMap((place) => {
    const providerType = typeOf(place.records.provider);
    const what = `# ${place.owner} ${place.type}`;
    // One resource for each value there, and mxctl makes and deletes values: nothing that could be kept.
    if (providerType === 'cloudflare')
      return [
        `${what}: once for each of your cloudflare_dns_record resources of that name and type`,
        'removed {',
        `  from = cloudflare_dns_record.${terraformLabel(place)}`,
        '  lifecycle {',
        '    destroy = false',
        '  }',
        '}',
        '',
      ];
    const { resource, ignored } = terraformResource(providerType, place.type);
    return [
      `${what}: add the lifecycle block to your resource`,
      `resource "${resource}" "${terraformLabel(place)}" {`,
      '  # ... as it is ...',
      '  lifecycle {',
      `    ignore_changes = [${ignored.join(', ')}]`,
      '  }',
      '}',
      '',
    ];
  });
}

/** Declared and ignored: a record that octoDNS does not know it deletes. */
function octodns(places: readonly RrsetPlace[], route: Route): string[] {
  const [first] = places;
  if (first === undefined) return [];
  return [
    `# ${displayName(first.records.zone)}.yaml; the values count for nothing, octoDNS only wants some`,
    ...[...Map.groupBy(places, (one) => one.owner)].flatMap(([owner, own]) => [
      `${yamlText(relativeName(owner, first.records.zone))}:`,
      ...own.flatMap((place) => octodnsRecord(place, route)),
    ]),
    '',
  ];
}

function octodnsRecord(place: RrsetPlace, route: Route): string[] {
  const rrset = anyRrset(place, route);
  if (rrset === null) return [];
  return [
    `  - type: ${place.type}`,
    `    ttl: ${rrset.ttl}`,
    '    octodns: { ignored: true }',
    '    values:',
    ...rrset.rdata.map((text) => {
      const mx = place.type === 'MX' ? parseMx(text) : null;
      return mx === null
        ? `      - ${yamlText(text)}`
        : `      - { preference: ${mx.preference}, exchange: ${yamlText(mx.exchange)} }`;
    }),
  ];
}

/** What the first path with values here publishes: an address path may have no IPv6 where another has. */
function anyRrset(place: RrsetPlace, route: Route): Rrset | null {
  const names = [route.prefer, ...route.paths.map((path) => path.name)];
  for (const name of names) {
    const path = pathOf(route, name);
    const rrset = path === undefined ? null : desiredRrset(route, path, place, route.ttl);
    if (rrset !== null) return rrset;
  }
  return null;
}

const yamlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

function dnscontrol(places: readonly RrsetPlace[]): string[] {
  const [first] = places;
  if (first === undefined) return [];
  const { zone } = first.records;
  return [
    `// in D(${JSON.stringify(displayName(zone))}, ...); take these records out of it`,
    ...[...Map.groupBy(places, (one) => one.owner)].map(([owner, own]) => {
      // A label is a glob there.
      const label = relativeName(owner, zone).replace(/[*?[\]{}\\]/g, '\\$&') || '@';
      const types = own.map((one) => one.type).join(',');
      return `IGNORE(${JSON.stringify(label)}, ${JSON.stringify(types)}),`;
    }),
    '',
  ];
}

/** external-dns has no exclusion by name and type; MX it only manages where it is told to. */
function externalDns(places: readonly RrsetPlace[]): string[] {
  const owners = [...new Set(places.map((one) => displayName(one.owner)))];
  const types = [...new Set(places.map((one) => one.type))];
  if (types.includes('MX'))
    return [
      '# arguments of external-dns: MX is not managed unless it is named, so do not name it',
      ...['A', 'AAAA', 'CNAME'].map((type) => `--managed-record-types=${type}`),
      '# the owners, should MX be needed elsewhere; this also leaves every name below them alone:',
      ...owners.map((owner) => `# --exclude-domains=${owner}`),
      '',
    ];
  return [
    '# arguments of external-dns; this also leaves every name below them alone',
    ...owners.map((owner) => `--exclude-domains=${owner}`),
    '',
  ];
}
