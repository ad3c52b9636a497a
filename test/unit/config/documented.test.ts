// The configuration as the documentation shows it, to the letter; examples/mxctl.yaml is the same, formatted.

import { describe, expect, it } from 'vitest';
import { configOf } from './config-text.ts';

const documented = `# yaml-language-server: $schema=<published schema>
version: 1
state:                                  # omit: embedded SQLite under $XDG_STATE_HOME/mxctl
  url: {file: /run/secrets/mxctl-state} # sqlite:FILE or postgres://…
vantage: fra-ops                        # this machine's name in history and quorum
resolvers: [1.1.1.1, 8.8.8.8, 9.9.9.9]  # asked after a flip, to show what the world sees
references:                             # asked only when every hop of a route fails:
  - {exchange: gmail-smtp-in.l.google.com}   # if these fail too, the fault is here
  - {exchange: mx01.mail.icloud.com}
providers:
  r53:  {type: route53, role_arn: arn:aws:iam::123456789012:role/mxctl}
  cf:   {type: cloudflare, token: {file: /run/secrets/cloudflare-token}}
  pdns: {type: powerdns, url: https://pdns.example:8081, api_key: {credential: pdns-key}}
  bind: {type: rfc2136, server: 192.0.2.53, tsig: {name: mxctl., algorithm: hmac-sha256, secret: {env: TSIG_SECRET}}}
defaults:
  probe:    {stages: [connect, banner, ehlo, starttls], timeout: 30s, slow_after: 10s, fall: 3, fall_rejecting: 2, forgive: 3, rise: 10}
  failover: {mode: manual, failback: manual, hold_down: 30m, max_flips: {count: 3, within: 24h}, max_domains: 500, quorum: 1}
routes:
  support:                              # 1. a zone we own: rewrite its MX
    strategy: mx
    records:
      - {provider: r53, zone: example.com, names: ["@", in]}
      - {provider: cf,  zone: shop.example, names: ["@"]}
    ttl: 3600                           # in normal times
    failover_ttl: 60                    # while failed over, and for a probation after return
    paths:
      proxy:  {role: proxy,   mx: [{preference: 10, exchange: mx1.filter.example.net}, {preference: 20, exchange: mx2.filter.example.net}]}
      direct: {role: primary, mx: [{preference: 10, exchange: mx.example.com}]}
      spool:  {role: backup,  mx: [{preference: 90, exchange: spool.example.org}]}
    prefer: proxy
    failover_to: [direct]               # tried in this order
    keep: [spool]
    probe:    {stages: [connect, banner, ehlo, starttls, rcpt], rcpt: {from: probe@ops.example, to: canary@example.com}}
    failover: {mode: auto, failback: auto}
    maintenance: [{every: [sunday], start: "02:00", duration: 2h, timezone: Europe/Berlin, path: proxy}]
  hosted:                               # 2. customers' MX names our host: move its addresses
    strategy: address
    records: [{provider: pdns, zone: saas-mail.example, names: [mx1]}]
    ttl: 60
    paths:
      fra: {role: primary, addresses: {mx1: [192.0.2.10, "2001:db8:f::10"]}}
      ams: {role: primary, addresses: {mx1: [198.51.100.10, "2001:db8:a::10"]}}
    prefer: fra
    failover_to: [ams]
audits:
  customers:
    domains: {file: customers.csv, column: domain}
    expect: {mx: [mx1.saas-mail.example], match: exact}      # exact | contains | any
    ignore: [{domain: legacy.example, until: "2027-01-31", reason: "migrating, OPS-1182"}]
`;

describe('the documented configuration', () => {
  it('is taken as it stands, without a warning', () => {
    const config = configOf(documented);
    expect(config.warnings).toEqual([]);
    expect([...config.routes.keys()]).toEqual(['support', 'hosted']);
    expect([...config.providers.keys()]).toEqual(['r53', 'cf', 'pdns', 'bind']);
    expect(config.stateUrl).toEqual({ file: '/run/secrets/mxctl-state' });
    expect(config.vantage).toBe('fra-ops');
  });
});
