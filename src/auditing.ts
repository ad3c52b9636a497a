// What an audit stands on: lists, gathering, digests. Apart from program.ts, for it needs neither store nor provider, and
// not even a configuration. Imported by compose.ts when a command needs it.

import { createHash, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { relative, resolve } from 'node:path';
import type { AuditDeps } from './app/audit.ts';
import type { InitDeps } from './app/init.ts';
import type { Lists } from './app/audit-parts.ts';
import { rules } from './audit/index.ts';
import type { Config } from './config/config.ts';
import { configCandidates } from './config/discovery.ts';
import { loadConfig } from './config/load.ts';
import { createDnsClient } from './dns/client.ts';
import { createDohClient } from './dns/doh.ts';
import type { Resolver } from './dns/reader.ts';
import { createResolver } from './dns/resolver.ts';
import { UsageError } from './errors.ts';
import { createGatherer, type GathererOptions } from './gather/create.ts';
import { domainsNamed, inventoryOfNames, openInventory } from './inventory/open.ts';
import { readRecords } from './inventory/records.ts';
import { type DomainName, parentOf, root } from './model/domain-name.ts';
import { exchangesOf } from './model/mail-path.ts';
import type { ProbePolicy, ServerAddress } from './model/route.ts';
import { smtpPort } from './model/hop.ts';
import { sanitise } from './model/text.ts';
import { createDaneReader } from './probes/dane/index.ts';
import { createStsReader } from './probes/mta-sts/index.ts';
import { createSmtpProbe } from './probes/smtp/index.ts';
import { dnsPort, parseServerAddress } from './providers/config-parts.ts';
import type { RuleWords } from './render/audit/output.ts';
import type { Runtime } from './runtime/run.ts';

export interface AuditingOptions {
  /** Value of --config. */
  readonly configFile: string | undefined;
  /** Of --resolver, instead of the configuration's. */
  readonly resolvers: readonly string[];
  readonly qps: number | null;
  readonly concurrency: number | null;
}

export interface AuditResults {
  readonly rules: readonly RuleWords[];
  /** Of an earlier run; values that may be records. */
  readonly readRecords: (file: string) => AsyncIterable<readonly unknown[]>;
  /** 32 bits of chance. */
  readonly seed: number;
}

export interface Auditing extends AuditResults {
  /** Null where there is none and none was named. */
  readonly config: Config | null;
  readonly lists: Lists;
  readonly deps: AuditDeps;
  /** Domains in work at once. */
  readonly concurrency: number;
}

/** A few times what is out to one resolver at once (128), since a domain is some questions; each holds some 10 KB. */
const domainsInWork = 256;
/** Sessions of --deep over all addresses; what is polite is bounded where exchanges are gathered. */
const maxSessions = 64;
/** Largest seed and one. */
const seeds = 2 ** 32;

/** Reads results, asks nobody. */
export function openAuditResults({ signal }: Runtime): AuditResults {
  return {
    rules,
    readRecords: (file) => readRecords(resolve(file), shown(file), signal),
    seed: randomInt(seeds),
  };
}

export async function openAuditing(runtime: Runtime, options: AuditingOptions): Promise<Auditing> {
  const config = await configOrNone(options.configFile);
  const resolvers = options.resolvers.map(parseResolver);
  const results = openAuditResults(runtime);
  const portOf = smtpPorts(config);
  const gatherer = createGatherer({
    resolvers: resolvers.length > 0 ? resolvers : (config?.resolvers ?? []),
    qps: options.qps,
    concurrency: options.concurrency,
    readSts: (resolver) => createStsReader({ resolver, caCertificates: [] }),
    readDane: (resolver) => daneRead(resolver, portOf),
    probe: exchangeProbe(config, runtime, portOf),
    clock: runtime.clock,
    threads: null,
  });
  runtime.onClose(() => gatherer.close());
  return {
    ...results,
    config,
    lists: {
      open: (file, column) =>
        openInventory(
          {
            file: file === '-' ? null : resolve(file),
            shownFile: file === '-' ? 'standard input' : shown(file),
            column,
            stdin: process.stdin as AsyncIterable<Uint8Array>,
          },
          runtime.signal,
        ),
      ofNames: inventoryOfNames,
    },
    deps: {
      gatherer,
      digest: (text) => createHash('sha256').update(text).digest('hex').slice(0, fingerprintLength),
      seed: results.seed,
      clock: runtime.clock,
    },
    concurrency: options.concurrency ?? domainsInWork,
  };
}

export interface InitParts {
  /** Throws UsageError for what is no domain. */
  readonly domainsOf: (names: readonly string[]) => DomainName[];
  readonly deps: InitDeps;
}

/** Needs no configuration, and reads none: it is about to be made. */
export function openInit(runtime: Runtime, servers: readonly string[]): InitParts {
  const resolvers = servers.map(parseResolver);
  const { clock } = runtime;
  const gatherer = createGatherer({
    ...{ resolvers, clock, qps: null, concurrency: null, threads: 0 },
    ...{ readSts: null, readDane: null, probe: null },
  });
  const dns = createDnsClient();
  const client = createDohClient(dns, { caCertificates: [] });
  const resolver = createResolver({ servers: resolvers, client, clock, timeoutMs: 3000, attempts: 2 });
  runtime.onClose(() => gatherer.close());
  runtime.onClose(() => client.close());
  return {
    domainsOf: domainsNamed,
    deps: { gatherer, zoneOf: (name, signal) => zoneOf(name, resolver, signal) },
  };
}

/** RFC 1034 §4.2.1: the nearest name at or above it with an SOA of its own. */
async function zoneOf(name: DomainName, resolver: Resolver, signal: AbortSignal): Promise<DomainName | null> {
  for (let zone = name; zone !== root; zone = parentOf(zone)) {
    const { rrset } = await resolver.lookup(zone, 'SOA', signal);
    if (rrset?.owner === zone) return zone;
  }
  return null;
}

/** 128 bits in hex: of a billion findings no two share one. */
const fingerprintLength = 32;

/** Whoever audits one domain by hand needs no file; one that is there, or that was named, is read or refused. */
async function configOrNone(configFile: string | undefined): Promise<Config | null> {
  const places = { explicitFile: configFile ?? null, env: process.env, cwd: process.cwd() };
  const isNamed = configFile !== undefined || (process.env['MXCTL_CONFIG'] ?? '') !== '';
  const isThere = isNamed || configCandidates(places).some((file) => existsSync(file));
  return isThere ? loadConfig(places) : null;
}

function parseResolver(text: string): ServerAddress {
  const url = text.startsWith('https://') ? URL.parse(text) : null;
  if (url !== null && url.username === '' && url.password === '')
    return { address: url.href, port: Number(url.port === '' ? 443 : url.port) };
  const server = parseServerAddress(text, dnsPort);
  if (server !== null) return server;
  throw new UsageError(
    'usage',
    `--resolver wants an address or a URL, not ${JSON.stringify(sanitise(text, 80))}`,
    {
      hint: 'for example 192.0.2.53, [2001:db8::53]:5353 or https://dns.example/dns-query',
    },
  );
}

/** As it is seen from the working directory: what reports for CI name. */
function shown(file: string): string {
  const near = relative(process.cwd(), resolve(file));
  return sanitise(near.startsWith('..') ? file : near);
}

/** What a look at a stranger's exchange does: a greeting, STARTTLS, and away. */
export const deepPolicy: ProbePolicy = {
  stages: ['resolve', 'connect', 'banner', 'ehlo', 'starttls', 'tls', 'ehlo2', 'quit'],
  // As Postfix waits for a connection (smtp_connect_timeout); ms.
  timeoutMs: 30_000,
  // postscreen holds its greeting for 6 s: beyond 10 s it is not that; ms.
  slowAfterMs: 10_000,
  // Of no meaning for one look: nothing is counted over time.
  intervalMs: 60_000,
  fall: 1,
  fallRejecting: 1,
  forgive: 1,
  rise: 1,
  staleAfterMs: 180_000,
  rcpt: null,
  ehloName: null,
  sourceAddresses: [],
  caFile: null,
};

type PortOf = (exchange: DomainName) => number;

/** The port that a path declares for the exchange (25 but in a laboratory), and 25 for everybody else's. */
function smtpPorts(config: Config | null): PortOf {
  const paths = [...(config?.routes.values() ?? [])].flatMap((route) => route.paths);
  const ports = new Map(paths.flatMap(exchangesOf).map(({ exchange, port }) => [exchange, port]));
  return (exchange) => ports.get(exchange) ?? smtpPort;
}

/** RFC 7672 §2.2.3: the label of TLSA follows the port. */
function daneRead(resolver: Resolver, portOf: PortOf): ReturnType<typeof createDaneReader> {
  const read = createDaneReader({ resolver });
  return (exchange, _port, signal) => read(exchange, portOf(exchange), signal);
}

function exchangeProbe(config: Config | null, { clock }: Runtime, portOf: PortOf): GathererOptions['probe'] {
  return (resolver) => {
    const probe = createSmtpProbe({
      resolver,
      clock,
      vantage: config?.vantage ?? 'local',
      ehloName: hostname(),
      maxSessions,
      jitter: () => 0,
    });
    return (exchange, addresses, signal) =>
      Promise.all(
        addresses.map((address) =>
          probe.probe({ exchange, address, port: portOf(exchange) }, deepPolicy, signal),
        ),
      );
  };
}
