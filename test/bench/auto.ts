// `auto --once` as cron runs it: the real program and a real SQLite store over 1,000 routes of three hops each, the
// hops and name servers in another process. Prints time, memory and where both went; asserts nothing.
// Run: node test/bench/auto.ts [ROUTES]

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { timeByOwner } from '../support/cpu-profile.ts';
import { type Crowd, crowdSecret, startCrowd } from '../support/crowd.ts';
import { crowdConfig } from '../support/crowd-config.ts';
import { program } from '../support/program.ts';

const routes = Number(process.argv[2] ?? 1000);
/** MB; what the project set itself. */
const memoryGoal = 250;

/** Reported by the program's process about itself when it ends. */
interface Usage {
  readonly peakMb: number;
  readonly cpuMs: number;
  /** Longest time in which no timer could run: what a probe's own timeout may have been off by. */
  readonly stoppedMs: number;
}

interface Run {
  readonly usage: Usage;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exitCode: number | null;
  readonly data: {
    readonly probes: number;
    readonly flips: readonly unknown[];
    readonly routes: readonly {
      readonly decision: { readonly kind: string } | null;
      readonly error: { readonly code: string; readonly message: string } | null;
    }[];
  };
}

/** Loaded before the program; writes to descriptor 3 so that stdout stays the program's. */
const reporter = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    const cpuMs = (userCPUTime + systemCPUTime) / 1000;
    writeSync(3, JSON.stringify({ peakMb: maxRSS / 1024, cpuMs, stoppedMs: delay.max / 1e6 }));
  });`)}`;

async function runOnce(directory: string, nodeOptions: readonly string[] = []): Promise<Run> {
  const startedAt = Date.now();
  const args = [...nodeOptions, '--import', reporter, program, 'auto', '--once', '--json'];
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, BENCH_TSIG: crowdSecret },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const [out, report, exitCode] = await Promise.all([
    textOf(child.stdio[1] as Readable),
    textOf(child.stdio[3] as Readable),
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
  ]);
  const endedAt = Date.now();
  const envelope = JSON.parse(out) as { data: Run['data'] | null; error?: unknown };
  if (envelope.data === null) throw new Error(`auto failed: ${JSON.stringify(envelope)}`);
  return { usage: JSON.parse(report) as Usage, startedAt, endedAt, exitCode, data: envelope.data };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const brakesOf = (mayMove: boolean): string =>
  `max_domains: ${mayMove ? routes : 1}, max_failing_share: ${mayMove ? 1 : 0.5}`;

function print(name: string, run: Run, sight: Awaited<ReturnType<Crowd['sight']>>): void {
  const { usage, startedAt, endedAt, data } = run;
  const tookMs = endedAt - startedAt;
  const firstAt = sight.firstAt ?? endedAt;
  const lastAt = sight.lastSessionAt ?? endedAt;
  const lookingMs = lastAt - firstAt;
  const decisions = tally(data.routes.map((one) => one.decision?.kind ?? 'undecided'));
  console.log(`${name}: ${tookMs} ms, exit ${run.exitCode}; ${decisions}; ${data.flips.length} flips`);
  const errors = tally(data.routes.flatMap(({ error }) => (error === null ? [] : [error.code])));
  if (errors !== '') console.log(`  errors: ${errors}`);
  console.log(
    `  ${data.probes} probes, ${sight.questions} DNS questions; ${Math.round((data.probes * 1000) / lookingMs)} probes/s while probing`,
  );
  console.log(
    `  ${firstAt - startedAt} ms until the first question, ${lookingMs} ms looking and probing, ${endedAt - lastAt} ms after`,
  );
  console.log(
    `  ${usage.cpuMs.toFixed(0)} ms of CPU: ${((usage.cpuMs * 100) / tookMs).toFixed(0)} % of the time not waiting; no timer for ${usage.stoppedMs.toFixed(0)} ms at most`,
  );
  console.log(
    `  ${usage.peakMb.toFixed(0)} MB at its peak: ${(usage.peakMb / memoryGoal).toFixed(2)} of the ${memoryGoal} MB allowed`,
  );
}

function tally(words: readonly string[]): string {
  const groups = Object.entries(Object.groupBy(words, (one) => one));
  return groups.map(([word, list]) => `${list?.length ?? 0} ${word}`).join(', ');
}

async function profile(directory: string): Promise<void> {
  await runOnce(directory, ['--cpu-prof', '--cpu-prof-dir', directory]);
  const file = readdirSync(directory).find((one) => one.endsWith('.cpuprofile')) ?? '';
  const spent = timeByOwner(path.join(directory, file));
  const shown = spent.slice(0, 14).map(([owner, ms]) => `${owner} ${ms.toFixed(0)}`);
  console.log(`  CPU by owner, ms (profiled run): ${shown.join(', ')}`);
}

async function scenario(title: string, exchanges: number): Promise<void> {
  const plan = { routes, exchanges };
  const crowd = await startCrowd(plan);
  const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-bench-'));
  const writeConfig = (mayMove: boolean): void =>
    writeFileSync(path.join(directory, 'mxctl.yaml'), crowdConfig(plan, crowd, brakesOf(mayMove)));
  const measure = async (name: string): Promise<void> => {
    const run = await runOnce(directory);
    print(name, run, await crowd.sight());
  };
  try {
    console.log(title);
    writeConfig(false);
    await measure('cold, all well');
    await measure('warm, all well');
    await profile(directory);
    await crowd.sight();
    await crowd.setProxies('down');
    await measure('every proxy goes down, the brake holds');
    await measure('every proxy is down');
    writeConfig(true);
    // The brake stays until a person has looked.
    execFileSync(process.execPath, [program, 'resume'], { cwd: directory });
    await measure('every route moves');
  } finally {
    crowd.close();
    rmSync(directory, { recursive: true });
  }
}

await scenario(`${routes} routes over 300 exchanges`, 300);
await scenario(`${routes} routes that share nothing`, routes * 3);
