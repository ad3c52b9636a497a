// The mxctl.yaml that describes the standard world, for `mxctl sandbox` to write and for the tours. Text only.

import { type DomainName, displayName } from '../model/domain-name.ts';
import { canary, hopPlans, mailDomain, routeName, tsigKeyName } from './map.ts';
import { spamFolder } from './maildir.ts';
import { type CanaryTiming, canaryTiming } from './tours/timing.ts';

export interface WorldConfigOptions {
  /** Of the SQLite state. */
  readonly stateFile: string;
  /** manual = flips only by hand. */
  readonly mode: 'observe' | 'manual' | 'auto';
  /** Seconds, in normal times and while failed over. */
  readonly ttl: number;
  readonly failoverTtl: number;
  readonly holdDownSeconds: number;
  readonly probationSeconds: number;
  /** Passes in a row after which a hop counts as up again. */
  readonly rise: number;
  /** false = no canaries; true = with the usual times of a sandbox. */
  readonly canaries: boolean | CanaryTiming;
  /** Name of the machine that reads this config, and how many of them must agree. */
  readonly vantage: string;
  readonly quorum: number;
  /** Seconds between runs as the machines take it: what they saw is fresh for three of these. */
  readonly intervalSeconds: number;
}

export interface WorldAddresses {
  readonly hopPort: number;
  readonly updatePort: number;
  readonly resolverPort: number;
  /** Primary first. */
  readonly authorityPorts: readonly number[];
  readonly tsigSecretFile: string;
  readonly caFile: string;
  readonly canaryKeyFile: string;
  /** Directory of the Maildir where canaries arrive. */
  readonly maildir: string;
}

/** JSON is YAML: quotes what a file name may contain. */
const quoted = (text: string): string => JSON.stringify(text);

function mxOf(path: string, port: number): string {
  const mx = hopPlans
    .filter((one) => one.path === path)
    .map((one) => `{preference: ${one.preference}, exchange: ${displayName(one.exchange)}, port: ${port}}`);
  return `[${mx.join(', ')}]`;
}

const references = (port: number): string[] =>
  hopPlans
    .filter((one) => one.role === 'reference')
    .map((one) => `  - {exchange: ${displayName(one.exchange)}, port: ${port}}`);

const local = (port: number): string => `"127.0.0.1:${port}"`;
const plain = (name: DomainName): string => displayName(name);

export function formatWorldConfig(world: WorldAddresses, options: WorldConfigOptions): string {
  const { hopPort } = world;
  return `# The sandbox's world: everything is on loopback, and gone when the sandbox ends.
version: 1
state:
  url: ${quoted(`sqlite:${options.stateFile}`)}
vantage: ${options.vantage}
resolvers: [${local(world.resolverPort)}]
references:
${references(hopPort).join('\n')}
providers:
  sandbox:
    type: rfc2136
    server: ${local(world.updatePort)}
    tsig: {name: ${plain(tsigKeyName)}, algorithm: hmac-sha256, secret: {file: ${quoted(world.tsigSecretFile)}}}
routes:
  ${routeName}:
    strategy: mx
    records:
      - provider: sandbox
        zone: ${plain(mailDomain)}
        names: ["@"]
        authorities: [${world.authorityPorts.map(local).join(', ')}]
    ttl: ${options.ttl}
    failover_ttl: ${options.failoverTtl}
    paths:
      proxy:  {role: proxy, mx: ${mxOf('proxy', hopPort)}}
      direct: {role: primary, mx: ${mxOf('direct', hopPort)}}
      spool:  {role: backup, mx: ${mxOf('spool', hopPort)}}
    prefer: proxy
    failover_to: [direct]
    keep: [spool]
    probe:
      interval: ${options.intervalSeconds}s
      stages: [connect, banner, ehlo, starttls, rcpt]
      timeout: 2s
      slow_after: 1s
      fall: 3
      fall_rejecting: 2
      forgive: 3
      rise: ${options.rise}
      rcpt: {from: ${canary.from}, to: ${canary.to}}
      ehlo_name: probe.ops.example.com
      ca_file: ${quoted(world.caFile)}
    failover:
      mode: ${options.mode}
      failback: ${options.mode === 'auto' ? 'auto' : 'manual'}
      hold_down: ${options.holdDownSeconds}s
      probation: ${options.probationSeconds}s
      max_flips: {count: 20, within: 1h}
      max_failing_share: 1
      quorum: ${options.quorum}
${canaryBlock(world, options.canaries)}`;
}

function canaryBlock(world: WorldAddresses, canaries: boolean | CanaryTiming): string {
  if (canaries === false) return '';
  const timing = canaries === true ? canaryTiming : canaries;
  return `    canary:
      from: ${canary.from}
      to: ${canary.to}
      key: {file: ${quoted(world.canaryKeyFile)}}
      every: ${timing.everySeconds}s
      delayed_after: ${timing.delayedAfterSeconds}s
      swallowed_after: ${timing.swallowedAfterSeconds}s
      fall: ${timing.fall}
      rise: ${timing.rise}
      arrival:
        maildir: {directory: ${quoted(world.maildir)}, spam: [${spamFolder}]}
`;
}
