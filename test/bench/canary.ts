// `auto --once` as cron runs it over 500 routes of two paths with a canary on each, all of them on their way: every hop
// says 250 and holds the letter. Then the letters come, some beside 100,000 others in the one mailbox. Real program,
// real SQLite, hops and name servers in another process. Prints time and memory; asserts nothing.
// Run: node test/bench/canary.ts [ROUTES] [ROUNDS]

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import {
  type Crowd,
  type CrowdPlan,
  crowdSecret,
  crowdZone,
  exchangesOf,
  startCrowd,
} from '../support/crowd.ts';
import { program } from '../support/program.ts';

const routes = Number(process.argv[2] ?? 500);
/** Canaries a path that are on their way at once: an hour of them at one in five minutes. */
const rounds = Number(process.argv[3] ?? 12);
/** MB; what the project set itself. */
const memoryGoal = 250;
/** Letters of others in the mailbox. */
const crowdedMailbox = 100_000;

interface Usage {
  readonly peakMb: number;
  readonly cpuMs: number;
  readonly stoppedMs: number;
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

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function measure(name: string): Promise<number> {
  const startedAt = performance.now();
  const args = ['--import', reporter, program, 'auto', '--once', '--json'];
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, BENCH_TSIG: crowdSecret, BENCH_KEY: 'a canary key of the bench, 32 octets' },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const [out, report] = await Promise.all([
    textOf(child.stdio[1] as Readable),
    textOf(child.stdio[3] as Readable),
  ]);
  const tookMs = performance.now() - startedAt;
  const { data } = JSON.parse(out) as { data: { routes: { decision: { kind: string } | null }[] } | null };
  if (data === null) throw new Error(`auto failed: ${out}`);
  const kinds = Object.entries(Object.groupBy(data.routes, (one) => one.decision?.kind ?? 'undecided'));
  const decisions = kinds.map(([kind, list]) => `${list?.length ?? 0} ${kind}`).join(', ');
  const { peakMb, cpuMs, stoppedMs } = JSON.parse(report) as Usage;
  const states = inStates();
  console.log(
    `${name}: ${(tookMs / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU; ${decisions}`,
  );
  console.log(`  canaries: ${states}; no timer for ${stoppedMs.toFixed(0)} ms at most`);
  console.log(
    `  ${peakMb.toFixed(0)} MB at its peak: ${(peakMb / memoryGoal).toFixed(2)} of the ${memoryGoal} MB allowed`,
  );
  return tookMs;
}

function inStore<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path.join(directory, 'state.sqlite'));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function inStates(): string {
  const rows = inStore((database) =>
    database.prepare('SELECT state, count(*) AS count FROM canary GROUP BY state ORDER BY state').all(),
  );
  return rows.map((row) => `${String(row['count'])} ${String(row['state'])}`).join(', ');
}

/** As if this much time had passed: everything in the store is so much older. */
function letPass(ms: number): void {
  inStore((database) =>
    database.exec(`UPDATE canary SET sent_at = sent_at - ${ms}, handed_at = handed_at - ${ms};
      UPDATE mailbox_look SET read_at = read_at - ${ms}, tried_at = tried_at - ${ms}`),
  );
}

/** Everything that is held arrives now. */
function release(): number {
  const tokens = inStore((database) =>
    database.prepare("SELECT token FROM canary WHERE state = 'handed'").all(),
  ).map((row) => String(row['token']));
  tokens.forEach((token, at) =>
    put(`r${at}`, `X-Mxctl-Canary: ${token}\r\nSubject: mxctl canary ${token}\r\n${received}`),
  );
  return tokens.length;
}

/** A way of usual length. */
const received = Array.from(
  { length: 6 },
  (_, at) =>
    `Received: from host${at}.example.net (host${at}.example.net [192.0.2.${at}])\r\n\tby host${at + 1}.example.net (Postfix) with ESMTPS id 4Xk2${at}\r\n\tfor <canary@example.com>; Sat, 21 Nov 2026 23:35:58 +0000 (UTC)\r\n`,
).join('');

let letters = 0;
function put(name: string, headers: string, at = Date.now()): void {
  const file = `${Math.floor(at / 1000)}.N${++letters}.${name}`;
  writeFileSync(path.join(maildir, 'tmp', file), `${headers}\r\nhello\r\n`);
  renameSync(path.join(maildir, 'tmp', file), path.join(maildir, 'new', file));
}

const local = (port: number): string => `"127.0.0.1:${port}"`;

function configOf(plan: CrowdPlan, { ports }: Crowd): string {
  const route = (at: number): string => {
    const [first, second, third] = exchangesOf(plan, at);
    return `  r${at}:
    strategy: mx
    records: [{provider: bench, zone: ${crowdZone}, names: [r${at}], authorities: [${ports.authorities.map(local).join(', ')}]}]
    paths:
      proxy: {role: proxy, mx: [{preference: 10, exchange: ${first}, port: ${ports.proxy}}, {preference: 20, exchange: ${second}, port: ${ports.proxy}}]}
      direct: {role: primary, mx: [{preference: 10, exchange: ${third}, port: ${ports.direct}}]}
    prefer: proxy
    failover_to: [direct]
    canary: {to: canary@r${at}.${crowdZone}}
`;
  };
  return `version: 1
state: {url: "sqlite:state.sqlite"}
vantage: bench
resolvers: [${local(ports.resolver)}]
providers:
  bench: {type: rfc2136, server: ${local(ports.update)}, tsig: {name: bench, algorithm: hmac-sha256, secret: {env: BENCH_TSIG}}}
defaults:
  probe: {stages: [connect, banner, ehlo], rise: 1, forgive: 1}
  failover: {mode: manual}
  canary: {from: canary@ops.example, key: {env: BENCH_KEY}, arrival: {maildir: {directory: "${maildir}"}}}
routes:
${Array.from({ length: plan.routes }, (_, at) => route(at)).join('')}`;
}

const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-bench-'));
const maildir = path.join(directory, 'maildir');
for (const part of ['tmp', 'new', 'cur']) mkdirSync(path.join(maildir, part), { recursive: true });
const plan = { routes, exchanges: 300 };
const crowd = await startCrowd(plan);
const everyMs = 5 * 60_000;
try {
  writeFileSync(path.join(directory, 'mxctl.yaml'), configOf(plan, crowd));
  console.log(`${routes} routes of two paths, one mailbox`);
  await measure('the first canaries');
  await measure('nothing is due, all are held');
  for (let round = 2; round < rounds; round++) {
    letPass(everyMs);
    await measure(`round ${round}, all are held`);
  }
  letPass(everyMs);
  console.log(`${release()} letters arrive at once`);
  await measure('the round that finds them');
  console.log(`  ${readdirSync(path.join(maildir, 'new')).length} letters left in the mailbox`);
  letPass(everyMs);
  const before = await measure('an ordinary round');
  const old = Date.now() - 30 * 86_400_000;
  for (let at = 0; at < crowdedMailbox; at++) put('old', 'Subject: nothing\r\n', old);
  release();
  letPass(everyMs);
  const beside = await measure(`a round beside ${crowdedMailbox} old letters`);
  console.log(`  ${(beside / before).toFixed(2)} times an ordinary round`);
} finally {
  crowd.close();
  rmSync(directory, { recursive: true });
}
