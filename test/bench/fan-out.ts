// One route with many owners in one Route 53 zone, moved by the built program: calls made against the least that the API
// allows, peak memory, and how long a cold `apply` takes to its first call on the wire. The API is the strict fake on
// loopback, DNS is what it holds. Prints, and asserts nothing. Usage: node test/bench/fan-out.ts [OWNERS]

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

import { makeResponse } from '../../src/dns/encode.ts';
import { classes, type ResourceRecord } from '../../src/dns/message.ts';
import { type Call, startDnsServer } from '../support/dns-server.ts';
import { fakeKey, FakeRoute53 } from '../support/fakes/route53.ts';
import type { FakeZone } from '../support/fakes/route53-zone.ts';
import { program, projectRoot } from '../support/program.ts';

const owners = Number(process.argv[2] ?? 10_000);
/** Values of each MX RRset, before and after. */
const valuesBefore = ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.'];
const valuesAfter = ['10 mx.example.org.'];

const directory = mkdtempSync(join(tmpdir(), 'mxctl-bench-'));
const fake = new FakeRoute53();
const endpoint = await fake.listen();
const zone = fake.addZone('example.com', { id: 'Z0BENCH' });
const names = Array.from({ length: owners }, (_, n) => `customer${n}`);
for (const name of names)
  zone.put({ name: `${name}.example.com`, type: 'MX', ttl: 3600, values: valuesBefore });
const dns = await startDnsServer({
  behave: (call) => {
    answerFrom(zone, call);
  },
});

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

/** What the zone holds, as its name servers answer it; every exchange is this machine. */
function answerFrom(from: FakeZone, { query, send }: Call): void {
  const [question] = query.questions;
  if (question === undefined) return;
  const { name: owner, type } = question;
  const set = from.find(owner, type);
  const rdatas = owner.includes('mx') && type === 'A' ? ['127.0.0.1'] : (set?.values ?? []);
  const answers = rdatas.map((rdata): ResourceRecord => ({
    owner,
    type,
    class: classes.in,
    ttl: set?.ttl ?? 60,
    rdata,
  }));
  send(makeResponse(query, { isAuthoritative: true, answers }));
}

function configFile(file: string, of: readonly string[]): string {
  const at = join(directory, file);
  const server = `{address: ${dns.address}, port: ${dns.port}}`;
  writeFileSync(
    at,
    `version: 1
state: {url: "sqlite:${join(directory, `${file}.sqlite`)}"}
resolvers: [${server}]
providers: {r53: {type: route53, endpoint: "${endpoint}", hosted_zones: {example.com: Z0BENCH}}}
defaults:
  probe: {timeout: 5s, stages: [resolve, connect, banner, ehlo, quit]}
  failover: {max_domains: 1000000}
routes:
  mail:
    strategy: mx
    records: [{provider: r53, zone: example.com, authorities: [${server}], names: [${of.join(', ')}]}]
    paths:
      proxy: {role: proxy, mx: [{preference: 10, exchange: mx1.filter.example.net, port: ${port}}, {preference: 20, exchange: mx2.filter.example.net, port: ${port}}]}
      direct: {role: primary, mx: [{preference: 10, exchange: mx.example.org, port: ${port}}]}
    prefer: proxy
    failover_to: [direct]
`,
  );
  return at;
}

/** Writes the highest memory that the process ever held where we can read it; KiB. */
const memoryFile = join(directory, 'memory');
const preload = join(directory, 'preload.mjs');
writeFileSync(
  preload,
  `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(process.env.MEMORY_FILE, String(process.resourceUsage().maxRSS)));`,
);

interface Ran {
  readonly stdout: string;
  readonly exitCode: number;
  readonly tookMs: number;
}

/** Opens the provider, reads and writes, in a process that has nothing else; prints when it began. */
const adapterScript = join(directory, 'adapter.mjs');
writeFileSync(
  adapterScript,
  `import module from 'node:module';
module.enableCompileCache?.();
const { openProvider } = await import('${projectRoot}/dist/providers/registry.js');
const { RateBudgets } = await import('${projectRoot}/dist/providers/rate-budget.js');
const { systemClock: clock } = await import('${projectRoot}/dist/runtime/clock.js');
const [endpoint, count] = process.argv.slice(2);
console.log(performance.timeOrigin + performance.now());
const block = { type: 'route53', roleArn: null, externalId: null, profile: null, region: null, endpoint,
  hostedZones: { 'example.com.': 'Z0BENCH' }, timeoutMs: 20000 };
const deps = { clock, budgets: new RateBudgets(clock), random: Math.random, lookupNs: async () => null };
const provider = await openProvider('r53', block, deps);
const never = new AbortController().signal;
const questions = Array.from({ length: Number(count) }, (_, n) => ({ owner: \`customer\${n}.example.com.\`, type: 'MX' }));
const live = await provider.readRrsets('example.com.', questions, never);
const changes = live.map((rrset) => ({ ...rrset, expected: rrset, desired: { ...rrset, ttl: rrset.ttl + 1 } }));
const outcomes = await provider.replaceRrsets('example.com.', changes, never);
process.exit(outcomes.every((one) => one.state === 'applied') ? 0 : 1);`,
);

function run(args: readonly string[], file = program): Promise<Ran> {
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
          MEMORY_FILE: memoryFile,
        },
      },
      (error, stdout, stderr) => {
        const exitCode = typeof error?.code === 'number' ? error.code : 0;
        if (exitCode !== 0) console.error(stdout.slice(-2000), stderr.slice(-4000));
        resolve({ stdout, exitCode, tookMs: performance.now() - startedAt });
      },
    );
  });
}

/** Route 53 takes 300 record sets a page, 1,000 values a batch, and a change of one name is not torn apart. */
const valuesEach = valuesBefore.length + valuesAfter.length;
const least = {
  ListResourceRecordSets: Math.ceil(owners / 300),
  ChangeResourceRecordSets: Math.ceil(owners / Math.floor(1000 / valuesEach)),
  // One look that finds it in sync.
  GetChange: 1,
};
/** Issue limits: bytes for a zone of 10,000 record sets; ms from `apply` to the call on the wire. */
const mostBytes = 200e6;
const mostMs = 400;

const consent = ['--yes', '--reason', 'bench'];
const failover = await run(['failover', 'mail', '--config', configFile('many.yaml', names), ...consent]);
if (failover.exitCode !== 0) throw new Error(`failover ended with ${failover.exitCode}`);
console.log(`failover of ${owners} owners in one Route 53 zone, ${zone.sets.length} record sets`);
for (const [action, leastCalls] of Object.entries(least)) {
  const made = fake.log.filter((line) => line.startsWith(`${action} `)).length;
  console.log(`  ${action.padEnd(26)} ${made} calls, least possible ${leastCalls}`);
}
const known = Object.keys(least);
const others = fake.log.filter((line) => !known.some((action) => line.startsWith(action)));
console.log(`  others                     ${others.join(', ')}`);
printMemory('peak memory of the command');
console.log(`  took                       ${(failover.tookMs / 1000).toFixed(1)} s`);

const alone = await run([endpoint, String(owners)], adapterScript);
if (alone.exitCode !== 0) throw new Error(`the adapter alone ended with ${alone.exitCode}`);
printMemory('peak memory of the adapter alone, reading and writing');

function printMemory(what: string): void {
  const bytes = Number(readFileSync(memoryFile, 'utf8')) * 1024;
  const megabytes = (bytes / 1e6).toFixed(0);
  console.log(`  ${what}: ${megabytes} MB, ratio ${(bytes / mostBytes).toFixed(2)} (aim: 200 MB at most)`);
}

const small = configFile('small.yaml', ['customer0']);
const plan = join(directory, 'plan.json');
const rounds = 9;
const firstMs: number[] = [];
const writeMs: number[] = [];
const bareMs: number[] = [];
const adapterMs: number[] = [];
for (let round = 0; round <= rounds; round++) {
  const to = round % 2 === 0 ? 'proxy' : 'direct';
  await run(['plan', 'mail', '--to', to, '--out', plan, '--config', small]);
  const at: { first?: number; write?: number } = {};
  const startedAt = performance.now();
  fake.onRequest = () => (at.first ??= performance.now() - startedAt);
  fake.beforeChange = () => (at.write ??= performance.now() - startedAt);
  const override = ['--override', 'hold-down', '--override', 'flip-limit', '--override', 'caches-not-clear'];
  const applied = await run([
    'apply',
    plan,
    '--config',
    small,
    ...override,
    '--confirm',
    'mail',
    '--reason',
    'bench',
  ]);
  fake.onRequest = null;
  fake.beforeChange = null;
  // The first round fills the compile cache.
  if (round === 0 || applied.exitCode !== 0) continue;
  firstMs.push(at.first ?? NaN);
  writeMs.push(at.write ?? NaN);
  bareMs.push((await run(['--version'])).tookMs);
  let arrivedAt = NaN;
  fake.onRequest = () => {
    if (Number.isNaN(arrivedAt)) arrivedAt = performance.timeOrigin + performance.now();
  };
  const opened = await run([endpoint, '1'], adapterScript);
  fake.onRequest = null;
  adapterMs.push(arrivedAt - Number(opened.stdout));
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
console.log(`apply of one owner, a new process each, medians of ${firstMs.length}`);
console.log(`  ${'(mxctl --version, for scale)'.padEnd(32)} ${median(bareMs).toFixed(0)} ms`);
for (const [what, ms] of [
  ['adapter alone, to its first call', median(adapterMs)],
  ['to its first call on the wire', median(firstMs)],
  ['to the change on the wire', median(writeMs)],
] as const)
  console.log(
    `  ${what.padEnd(32)} ${ms.toFixed(0)} ms, ratio ${(ms / mostMs).toFixed(2)} (aim: ${mostMs} ms at most)`,
  );

await fake.close();
await dns.close();
smtp.close();
rmSync(directory, { recursive: true });
