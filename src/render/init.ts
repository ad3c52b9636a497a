// A first mxctl.yaml, with what is still to be decided marked TODO. It loads as it is: what is not known stands as a
// placeholder that names nobody (RFC 5737 addresses).

import type { ConfigDraft, DraftRoute } from '../app/init.ts';
import { displayName } from '../model/domain-name.ts';
import { formatInstant } from './duration.ts';

/** Of a route while it is failed over, unless its TTL is shorter yet; seconds. The least that every hosted provider takes. */
const failoverTtl = 60;

export function renderConfigDraft({ routes }: ConfigDraft, now: number): string[] {
  return [
    `# Made by mxctl init from what DNS said at ${formatInstant(now)}.`,
    '# 1. Complete what is marked TODO; whole examples: examples/ of mxctl, or docs.',
    '# 2. mxctl validate      says what is wrong, and how long each route takes to recover',
    '# 3. mxctl status        compares it with DNS; nothing is changed',
    '# An editor checks it as you type: mxctl schema config > mxctl.schema.json, and as the first line here',
    '# "yaml-language-server: $schema=./mxctl.schema.json" behind a number sign.',
    'version: 1',
    'providers:',
    '  dns: # TODO who serves these zones: rfc2136, route53, cloudflare or powerdns; one block for each',
    '    type: rfc2136',
    '    server: 192.0.2.53 # TODO address of the primary',
    '    tsig: { name: mxctl, secret: { env: MXCTL_TSIG } } # TODO name of the key, and where its secret is kept',
    'defaults:',
    '  failover: { mode: observe } # TODO manual: moves when you say so; auto: moves by itself',
    'routes:',
    ...routes.flatMap(routeLines),
    ...auditLines(routes),
  ];
}

function routeLines(route: DraftRoute): string[] {
  return [
    `  ${JSON.stringify(route.name)}:`,
    '    strategy: mx',
    '    records:',
    ...route.records.map(
      ({ zone, names }) =>
        `      - { provider: dns, zone: ${quoted(displayName(zone))}, names: [${names.map(quoted).join(', ')}] }`,
    ),
    `    ttl: ${route.ttl} # as published`,
    `    failover_ttl: ${Math.min(failoverTtl, route.ttl)}`,
    '    paths:',
    '      current: # what is published today',
    '        role: primary # TODO proxy, where a provider in front filters',
    '        mx:',
    ...route.mx.map(
      ({ preference, exchange }) =>
        `          - { preference: ${preference}, exchange: ${quoted(displayName(exchange))} }`,
    ),
    '      # standby: # TODO where mail may go while that fails',
    '      #   role: primary',
    '      #   mx: [{ preference: 10, exchange: mx.example.net }]',
    '    prefer: current',
    '    # failover_to: [standby]',
  ];
}

/** Whose domains should name the exchanges of the first route. */
function auditLines([first]: readonly DraftRoute[]): string[] {
  const hosts = (first?.mx ?? []).map(({ exchange }) => quoted(displayName(exchange)));
  return [
    '# audits: # TODO lists of domains that should publish these exchanges; then: mxctl audit',
    '#   customers:',
    '#     domains: { file: customers.csv, column: domain }',
    `#     expect: { mx: [${hosts.join(', ')}], match: exact }`,
  ];
}

/** JSON is YAML. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
