// For benches: a zone at Route 53 and one at Cloudflare, both the strict fakes on loopback, a name server that answers
// what they hold, and the built program and its adapters run against them, each in a process of its own.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeResponse } from '../../src/dns/encode.ts';
import { classes, type ResourceRecord } from '../../src/dns/message.ts';
import { type DomainName, displayName, parseDomainName } from '../../src/model/domain-name.ts';
import { type Call, startDnsServer } from './dns-server.ts';
import { CloudflareFake, goodToken } from './fakes/cloudflare.ts';
import { fakeKey, FakeRoute53 } from './fakes/route53.ts';
import { program, projectRoot } from './program.ts';

export type Kind = 'route53' | 'cloudflare';

/** Values of each MX RRset, before and after. */
export const valuesBefore = ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.'];
export const valuesAfter = ['10 mx.example.org.'];

const zones = { route53: 'example.com', cloudflare: 'shop.example' } as const;
const hostedZone = 'Z0BENCH';

const directory = mkdtempSync(join(tmpdir(), 'mxctl-bench-'));
export const route53 = new FakeRoute53();
const route53Endpoint = await route53.listen();
const route53Zone = route53.addZone(zones.route53, { id: hostedZone });
const cloudflare = new CloudflareFake();
const cloudflareEndpoint = await cloudflare.listen();
const cloudflareZone = cloudflare.addZone({ name: zones.cloudflare, plan: 'enterprise' });

/** The owners `customer0`, `customer1` ... at both providers. */
export function putOwners(count: number): string[] {
  const names = Array.from({ length: count }, (_, n) => `customer${n}`);
  for (const name of names) {
    route53Zone.put({ name: `${name}.${zones.route53}`, type: 'MX', ttl: 3600, values: valuesBefore });
    for (const value of valuesBefore) {
      const [priority, exchange = ''] = value.split(' ');
      cloudflareZone.add({
        name: `${name}.${zones.cloudflare}`,
        type: 'MX',
        ttl: 3600,
        content: exchange.slice(0, -1),
        priority: Number(priority),
      });
    }
  }
  return names;
}

const dns = await startDnsServer({ behave: answer });

/** As the name servers of the zone do; every exchange is this machine. */
function answer({ query, send }: Call): void {
  const [question] = query.questions;
  if (question === undefined) return;
  const { name: owner, type } = question;
  const { ttl, values } = type === 'MX' ? heldAt(owner) : { ttl: 60, values: [] };
  const rdatas = owner.includes('mx') && type === 'A' ? ['127.0.0.1'] : values;
  const answers = rdatas.map((rdata): ResourceRecord => ({ owner, type, class: classes.in, ttl, rdata }));
  send(makeResponse(query, { isAuthoritative: true, answers }));
}

function heldAt(owner: DomainName): { readonly ttl: number; readonly values: readonly string[] } {
  if (displayName(owner).endsWith(`.${zones.cloudflare}`)) {
    const rrset = cloudflare.read(owner, 'MX');
    return { ttl: rrset?.ttl ?? 60, values: rrset?.rdata ?? [] };
  }
  const set = parseDomainName(owner).ok ? route53Zone.find(owner, 'MX') : undefined;
  return { ttl: set?.ttl ?? 60, values: set?.values ?? [] };
}

/** A host that speaks just enough SMTP to be up: what is measured here is not the probe. */
const smtp = createServer((socket) => {
  socket.write('220 mx ESMTP\r\n');
  socket.on('error', () => {});
  socket.on('data', (line) => {
    if (String(line).startsWith('QUIT')) socket.end('221 bye\r\n');
    else socket.write('250 mx\r\n');
  });
});
await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
const { port } = smtp.address() as AddressInfo;

/** A config with one route, `mail`, of these owners. */
export function writeConfig(kind: Kind, names: readonly string[]): string {
  const file = join(directory, `${kind}-${names.length}.yaml`);
  const server = `{address: ${dns.address}, port: ${dns.port}}`;
  writeFileSync(
    file,
    `version: 1
state: {url: "sqlite:${file}.sqlite"}
resolvers: [${server}]
providers:
  route53: {type: route53, endpoint: "${route53Endpoint}", hosted_zones: {${zones.route53}: ${hostedZone}}}
  cloudflare: {type: cloudflare, endpoint: "${cloudflareEndpoint}", token: {env: TOKEN}}
defaults:
  probe: {timeout: 5s, stages: [resolve, connect, banner, ehlo, quit]}
  failover: {max_domains: 1000000}
routes:
  mail:
    strategy: mx
    records: [{provider: ${kind}, zone: ${zones[kind]}, authorities: [${server}], names: [${names.join(', ')}]}]
    paths:
      proxy: {role: proxy, mx: [{preference: 10, exchange: mx1.filter.example.net, port: ${port}}, {preference: 20, exchange: mx2.filter.example.net, port: ${port}}]}
      direct: {role: primary, mx: [{preference: 10, exchange: mx.example.org, port: ${port}}]}
    prefer: proxy
    failover_to: [direct]
`,
  );
  return file;
}

/** What is called at each request to that API, and at each that writes; null ends it. */
export function onWire(kind: Kind, first: (() => void) | null, write: (() => void) | null = null): void {
  if (kind === 'route53') [route53.onRequest, route53.beforeChange] = [first, write];
  else [cloudflare.onRequest, cloudflare.beforeBatch] = [first, write];
}

/** The blocks as the program has them after parsing. */
const blocks = {
  route53: {
    type: 'route53',
    roleArn: null,
    externalId: null,
    profile: null,
    region: null,
    endpoint: route53Endpoint,
    hostedZones: { [`${zones.route53}.`]: hostedZone },
    timeoutMs: 20_000,
  },
  cloudflare: {
    type: 'cloudflare',
    token: { env: 'TOKEN' },
    accountId: null,
    zoneIds: {},
    maxOperations: 200,
    ttlBounds: { least: 60, most: 86_400 },
    endpoint: cloudflareEndpoint,
    timeoutMs: 15_000,
  },
} as const;

/** Opens the provider, reads and writes, in a process that has nothing else; prints when it began. Time passes when it
 *  is slept: Cloudflare's rate limit makes minutes of 10,000 owners. */
const adapterScript = join(directory, 'adapter.mjs');
writeFileSync(
  adapterScript,
  `import module from 'node:module';
module.enableCompileCache?.();
const { keepHeapSmall } = await import('${projectRoot}/dist/runtime/heap.js');
keepHeapSmall();
const { openProvider } = await import('${projectRoot}/dist/providers/registry.js');
const { RateBudgets } = await import('${projectRoot}/dist/providers/rate-budget.js');
const [json, zone, count] = process.argv.slice(2);
let skippedMs = 0;
const clock = { now: () => Date.now() + skippedMs, sleep: async (ms) => void (skippedMs += ms) };
console.log(performance.timeOrigin + performance.now());
const deps = { clock, budgets: new RateBudgets(clock), random: Math.random, lookupNs: async () => null,
  readSecret: async () => ({ reveal: () => process.env.TOKEN }) };
const provider = await openProvider('bench', JSON.parse(json), deps);
const never = new AbortController().signal;
const questions = Array.from({ length: Number(count) }, (_, n) => ({ owner: \`customer\${n}.\${zone}.\`, type: 'MX' }));
const live = await provider.readRrsets(zone + '.', questions, never);
const changes = live.map((rrset) => ({ ...rrset, expected: rrset, desired: { ...rrset, ttl: rrset.ttl + 1 } }));
const outcomes = await provider.replaceRrsets(zone + '.', changes, never);
process.exit(outcomes.every((one) => one.state === 'applied') ? 0 : 1);`,
);

/** The adapter alone, with the first owners of the zone. Its stdout is the moment at which it is opened; ms. */
export function runAdapter(kind: Kind, count: number): Promise<Ran> {
  return run([JSON.stringify(blocks[kind]), zones[kind], String(count)], adapterScript);
}

const memoryFile = join(directory, 'memory');
const preload = join(directory, 'preload.mjs');
writeFileSync(
  preload,
  `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(process.env.MEMORY_FILE, String(process.resourceUsage().maxRSS)));`,
);

export interface Ran {
  readonly stdout: string;
  readonly exitCode: number;
  readonly tookMs: number;
  /** The most that the process ever held. */
  readonly peakBytes: number;
}

/** Runs the program to its end; what it says where it fails is printed. */
export function run(args: readonly string[], file = program): Promise<Ran> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', preload, file, ...args],
      {
        cwd: directory,
        maxBuffer: 1 << 30,
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: directory,
          AWS_ACCESS_KEY_ID: fakeKey.id,
          AWS_SECRET_ACCESS_KEY: fakeKey.secret,
          AWS_EC2_METADATA_DISABLED: 'true',
          TOKEN: goodToken,
          MEMORY_FILE: memoryFile,
        },
      },
      (error, stdout, stderr) => {
        const exitCode = typeof error?.code === 'number' ? error.code : 0;
        if (exitCode !== 0) console.error(stdout.slice(-2000), stderr.slice(-4000));
        const tookMs = performance.now() - startedAt;
        // The operating system counts in KiB.
        resolve({ stdout, exitCode, tookMs, peakBytes: Number(readFileSync(memoryFile, 'utf8')) * 1024 });
      },
    );
  });
}

export async function endProviders(): Promise<void> {
  await route53.close();
  cloudflare.close();
  await dns.close();
  smtp.close();
  rmSync(directory, { recursive: true });
}
