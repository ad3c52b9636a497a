// The service for a long time: `auto --interval 1s` over 200 routes whose proxies go down and come back, with its memory
// and its file handles looked at every second. Prints how the end compares with the beginning; asserts nothing.
// Run: node test/bench/soak.ts [SECONDS]

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { type Crowd, crowdSecret, startCrowd } from '../support/crowd.ts';
import { crowdConfig } from '../support/crowd-config.ts';
import { program } from '../support/program.ts';

const seconds = Number(process.argv[2] ?? 60);
const plan = { routes: 200, exchanges: 60 };
/** Down for the time of a burst and a move, well for that of a return; s. */
const cycle = { down: 10, up: 20 };
/** Loading code, filling caches and the first moves are no leak; s. */
const warmUp = Math.min(60, seconds / 4);

interface Sample {
  readonly at: number;
  readonly rssMb: number;
  readonly handles: number;
}

interface Tally {
  rounds: number;
  missed: number;
  flips: number;
  errors: number;
}

function sampleOf(pid: number, startedAt: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  const handles = readdirSync(`/proc/${pid}/fd`).length;
  return { at: (Date.now() - startedAt) / 1000, rssMb: rssKb / 1024, handles };
}

interface Line {
  readonly missed?: unknown;
  readonly flips?: readonly unknown[];
  readonly routes?: readonly { readonly error: unknown }[];
}

function count(line: Line, tally: Tally): void {
  if (line.missed !== undefined) tally.missed += 1;
  if (line.routes === undefined) return;
  tally.rounds += 1;
  tally.flips += line.flips?.length ?? 0;
  tally.errors += line.routes.filter((one) => one.error !== null).length;
}

async function breakAndHeal(crowd: Crowd, endsAt: number): Promise<void> {
  while (Date.now() < endsAt) {
    await wait(Math.min(cycle.up * 1000, Math.max(0, endsAt - Date.now())));
    if (Date.now() >= endsAt) return;
    await crowd.setProxies('down');
    await wait(cycle.down * 1000);
    await crowd.setProxies('up');
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function print(samples: readonly Sample[], tally: Tally, stateMb: number): void {
  const steady = samples.filter((one) => one.at >= warmUp);
  const quarter = Math.ceil(steady.length / 4);
  const [first, last] = [steady.slice(0, quarter), steady.slice(-quarter)];
  const of = (list: readonly Sample[], what: 'rssMb' | 'handles') => median(list.map((one) => one[what]));
  const compare = (what: 'rssMb' | 'handles', unit: string) =>
    `${of(first, what).toFixed(0)} -> ${of(last, what).toFixed(0)} ${unit}, ratio ${(of(last, what) / of(first, what)).toFixed(2)}`;
  const peak = Math.max(...samples.map((one) => one.rssMb));
  console.log(
    `${seconds} s, ${plan.routes} routes, an interval of 1 s, medians of the first and last quarter:`,
  );
  console.log(
    `  memory  ${compare('rssMb', 'MB')}; peak ${peak.toFixed(0)} MB: ${(peak / 250).toFixed(2)} of the 250 MB allowed`,
  );
  console.log(
    `  handles ${compare('handles', 'open')}; most ${Math.max(...samples.map((one) => one.handles))}`,
  );
  console.log(
    `  ${tally.rounds} rounds: ${(tally.rounds / seconds).toFixed(2)} of those due; ${tally.missed} missed, ${tally.flips} flips, ${tally.errors} errors`,
  );
  console.log(`  state store ${stateMb.toFixed(1)} MB`);
}

const crowd = await startCrowd(plan);
const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-soak-'));
const brakes =
  'hold_down: 5s, probation: 5s, max_flips: {count: 1000, within: 1h}, max_domains: 1000000, max_failing_share: 1';
writeFileSync(path.join(directory, 'mxctl.yaml'), crowdConfig(plan, crowd, brakes));
const startedAt = Date.now();
const child = spawn(process.execPath, [program, 'auto', '--interval', '1s', '--json'], {
  cwd: directory,
  env: { ...process.env, BENCH_TSIG: crowdSecret },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
try {
  const tally: Tally = { rounds: 0, missed: 0, flips: 0, errors: 0 };
  createInterface(child.stdout).on('line', (line) => count(JSON.parse(line) as Line, tally));
  const samples: Sample[] = [];
  const endsAt = startedAt + seconds * 1000;
  const faults = breakAndHeal(crowd, endsAt);
  while (Date.now() < endsAt && child.exitCode === null) {
    await wait(1000);
    samples.push(sampleOf(child.pid ?? 0, startedAt));
  }
  await faults;
  child.kill('SIGTERM');
  console.log(`exit ${await ended}`);
  print(samples, tally, statSync(path.join(directory, 'state.sqlite')).size / 1e6);
} finally {
  child.kill('SIGKILL');
  crowd.close();
  rmSync(directory, { recursive: true });
}
