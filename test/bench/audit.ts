// `audit` over very many domains, beside what dnsperf gets out of the same NSD at the same concurrency: our MX look-ups
// alone, and the whole program with MX, addresses, rules and NDJSON out. Side by side and in turn, so that a busy moment
// hits all of them. Also memory, and time a domain, of a short list and of the long one. Prints; judges nothing.
// Run: npm run bench:audit [DOMAINS], a million unless told; node test/bench/audit.ts [DOMAINS], 20,000 unless told.

import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createDnsClient } from '../../src/dns/client.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { createMxSource } from '../../src/gather/mx-source.ts';
import { createThreadedMxSource } from '../../src/gather/mx-threads.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import { type NsdWorld, startNsdWorld } from '../support/nsd-world.ts';
import { readMx } from '../support/mx-source.ts';
import { program } from '../support/program.ts';
import { missingCommand } from '../support/real-primary.ts';

/** What the project set itself. */
const goals = { lookups: 0.5, audit: 0.35, memoryMb: 250, perDomain: 1.3 };
/** Domains in work, and questions out, of an audit of our own machine's resolver; dnsperf gets the same. */
const concurrency = 256;
/** Each of dnsperf, look-ups, dnsperf, audit. */
const rounds = 3;
const shortList = 10_000;
const quickSize = 20_000;

interface Ended {
  readonly out: string;
  readonly exitCode: number | null;
  readonly ms: number;
  /** Of the program's process, as the kernel has it; MB. */
  readonly peakMb: number;
  readonly cpuMs: number;
}

/** Loaded before the program; writes to descriptor 3 so that stdout stays the program's. On Linux the maxRSS of a process
 *  begins with that of who started it, which is this bench with its lists. */
const reporter = `data:text/javascript,${encodeURIComponent(`
  import { existsSync, readFileSync, writeSync } from 'node:fs';
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    const own = '/proc/self/status';
    const kb = existsSync(own) ? Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync(own, 'utf8'))[1]) : maxRSS;
    writeSync(3, JSON.stringify({ peakMb: kb / 1024, cpuMs: (userCPUTime + systemCPUTime) / 1000 }));
  });`)}`;

async function run(command: string, args: readonly string[], directory: string): Promise<Ended> {
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const onExit = () => void child.kill('SIGKILL');
  process.on('exit', onExit);
  const [out, report, exitCode] = await Promise.all([
    textOf(child.stdio[1] as Readable),
    textOf(child.stdio[3] as Readable),
    new Promise<number | null>((resolve, reject) => child.on('exit', resolve).on('error', reject)),
  ]);
  process.removeListener('exit', onExit);
  const ms = performance.now() - startedAt;
  const usage =
    report === '' ? { peakMb: 0, cpuMs: 0 } : (JSON.parse(report) as Pick<Ended, 'peakMb' | 'cpuMs'>);
  return { out, exitCode, ms, ...usage };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Queries a second, as dnsperf says. */
async function runDnsperf({ directory, port }: NsdWorld, questions: string): Promise<number> {
  const args = [
    '-s',
    '127.0.0.1',
    '-p',
    String(port),
    '-d',
    questions,
    '-q',
    String(concurrency),
    '-n',
    '1',
    '-e',
  ];
  const { out } = await run('dnsperf', args, directory);
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(out)?.[1]);
  const lost = Number(/Queries lost:\s+(\d+)/.exec(out)?.[1]);
  if (!(perSecond > 0)) throw new Error(`dnsperf said nothing of a rate:\n${out}`);
  if (lost > 0) console.log(`  dnsperf lost ${lost} queries`);
  return perSecond;
}

/** Look-ups a second, in a process of their own. */
async function runLookups(world: NsdWorld, list: string): Promise<number> {
  const args = [fileURLToPath(import.meta.url), 'lookups', String(world.port), list];
  const { out, exitCode } = await run(process.execPath, args, world.directory);
  if (exitCode !== 0) throw new Error(`look-ups failed: ${out}`);
  return Number(out);
}

async function runAudit(world: NsdWorld, list: string, domains: number): Promise<Ended> {
  const audit = ['audit', '--quick', '--domains', list, '--resolver', `127.0.0.1:${world.port}`];
  const outcome = ['--fail-on', 'never', '-o', 'ndjson=out.ndjson'];
  const ended = await run(
    process.execPath,
    ['--import', reporter, program, ...audit, ...outcome],
    world.directory,
  );
  const file = path.join(world.directory, 'out.ndjson');
  const last = readFileSync(file).subarray(-4000).toString().trimEnd().split('\n').at(-1) ?? '';
  const summary = JSON.parse(last) as Record<string, unknown>;
  const isRight =
    summary['rows'] === domains && summary['unknown'] === 0 && summary['found'] === world.wrongOf(domains);
  if (ended.exitCode !== 0 || !isRight) throw new Error(`audit went wrong, exit ${ended.exitCode}: ${last}`);
  return ended;
}

/** The part of an audit that asks for MX, alone; prints look-ups a second. */
async function lookUp(port: number, list: string): Promise<void> {
  const names: DomainName[] = readFileSync(list, 'utf8').trimEnd().split('\n').map(domainNameOf);
  const servers = [{ address: '127.0.0.1', port }];
  const client = createDnsClient({ maxInFlight: concurrency, maxInFlightPerServer: concurrency });
  const common = { servers, timeoutMs: 2500, attempts: 3 };
  const resolver = createResolver({ ...common, client, clock: Date, isShared: false });
  const own = createMxSource(resolver, new AbortController().signal);
  const source = createThreadedMxSource(1, { ...common, concurrency }, own);
  const startedAt = performance.now();
  const left = names.values();
  const lane = async () => {
    for (const name of left)
      if ((await readMx(source, name)).outcome !== 'found') throw new Error(`no MX of ${name}`);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  process.stdout.write(String((names.length * 1000) / (performance.now() - startedAt)));
  await source.close();
  client.close();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

async function compare(world: NsdWorld): Promise<void> {
  const { domains } = world;
  const list = await world.fileOf('list', domains);
  const questions = await world.fileOf('questions', domains);
  await runDnsperf(world, questions);
  const found = { lookups: [] as number[], audit: [] as number[], audits: [] as Ended[] };
  for (let round = 1; round <= rounds; round++) {
    const first = await runDnsperf(world, questions);
    const lookups = await runLookups(world, list);
    const second = await runDnsperf(world, questions);
    const audit = await runAudit(world, list, domains);
    const rate = (domains * 1000) / audit.ms;
    found.lookups.push(lookups / first);
    found.audit.push(rate / second);
    found.audits.push(audit);
    console.log(
      `round ${round}: dnsperf ${perSecond(first)} queries/s, MX look-ups ${perSecond(lookups)}/s; ` +
        `dnsperf ${perSecond(second)} queries/s, audit ${perSecond(rate)} domains/s; load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  printRatio('MX look-ups / dnsperf', found.lookups, goals.lookups);
  printRatio('whole audit / dnsperf', found.audit, goals.audit);
  await compareLengths(world, found.audits);
}

async function compareLengths(world: NsdWorld, long: readonly Ended[]): Promise<void> {
  const { domains } = world;
  const short = Math.min(shortList, domains);
  const lists = [await world.fileOf('list', 1), await world.fileOf('list', short)] as const;
  const starts: Ended[] = [];
  const shorts: Ended[] = [];
  for (let round = 1; round <= rounds; round++) {
    starts.push(await runAudit(world, lists[0], 1));
    shorts.push(await runAudit(world, lists[1], short));
  }
  const startMs = median(starts.map(({ ms }) => ms));
  const eachUs = (all: readonly Ended[], count: number, lessMs: number) =>
    ((median(all.map(({ ms }) => ms)) - lessMs) * 1000) / count;
  const cpuUs = (all: readonly Ended[], count: number) =>
    (median(all.map(({ cpuMs }) => cpuMs)) * 1000) / count;
  for (const [all, count] of [[shorts, short] as const, [long, domains] as const]) {
    const peak = Math.max(...all.map(({ peakMb }) => peakMb));
    console.log(
      `${count} domains: ${peak.toFixed(0)} MB at the peak (goal ${goals.memoryMb}); a domain takes ` +
        `${eachUs(all, count, 0).toFixed(1)} us, ${eachUs(all, count, startMs).toFixed(1)} us without the start ` +
        `of ${startMs.toFixed(0)} ms, ${cpuUs(all, count).toFixed(1)} us of processor`,
    );
  }
  const ratioOf = (lessMs: number) => eachUs(shorts, short, lessMs) / eachUs(long, domains, lessMs);
  console.log(
    `time a domain, ${short} / ${domains}: ${ratioOf(0).toFixed(2)} as run, ` +
      `${ratioOf(startMs).toFixed(2)} without the start (goal within ${goals.perDomain})`,
  );
}

const perSecond = (rate: number) => Math.round(rate).toLocaleString('en');

function printRatio(title: string, ratios: readonly number[], goal: number): void {
  const all = ratios.map((one) => one.toFixed(2)).join(', ');
  console.log(`${title}: ${median(ratios).toFixed(2)}, the median of ${all} (goal ${goal})`);
}

async function main(domains: number): Promise<void> {
  const missing = ['nsd', 'dnsperf'].filter((command) => missingCommand(command) !== null);
  if (missing.length > 0) {
    console.log(
      `not run: ${missing.join(' and ')} missing; apt-get install nsd dnsperf, or brew install the same`,
    );
    return;
  }
  const world = await startNsdWorld(domains);
  try {
    const zoneMb = statSync(path.join(world.directory, 'zone')).size / 2 ** 20;
    console.log(
      `${domains} domains (${zoneMb.toFixed(0)} MB) in NSD, ${concurrency} at a time, ${availableParallelism()} processors`,
    );
    await compare(world);
  } finally {
    world.close();
  }
}

const [role, port, list] = process.argv.slice(2);
if (role === 'lookups') await lookUp(Number(port), list ?? '');
// The last: npm run bench:audit 100000 puts its own behind the million.
else await main(Number(process.argv.slice(2).at(-1) ?? quickSize));
