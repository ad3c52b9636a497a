// The ways an audit goes out and comes in, by the built program: SMTP with --deep, DNS over HTTPS, a terminal, shards, a
// baseline at the merge, and every kind of place that a result may be written to.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCa, type TestCa } from '../../support/certificates.ts';
import { runCli } from '../../support/cli.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { startDohServer } from '../../support/doh-server.ts';
import { program } from '../../support/program.ts';
import { playSmtp } from '../../support/smtp-script.ts';

const many = Array.from({ length: 400 }, (_, n) => `d${n}.example`);
const zone = `
  example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
  mx1.host.example. 300 A 127.0.0.1
  mx2.host.example. 300 A 198.51.100.10
  old.example. 300 A 203.0.113.10
  good.example. 300 MX 10 mx1.host.example.
  moved.example. 300 MX 10 old.example.
  ${many.map((name, n) => `${name}. 300 MX 10 ${n % 7 === 0 ? 'old' : 'mx2.host'}.example.`).join('\n')}`;

let dns: DnsServer;
let ca: TestCa;
let folder: string;
beforeAll(async () => {
  dns = await startDnsServer({ zone });
  ca = await makeCa();
  folder = mkdtempSync(path.join(tmpdir(), 'mxctl-ways-'));
  write('ca.pem', ca.ca);
  write('many.txt', many.map((name) => `${name}\n`).join(''));
});
afterAll(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const inFolder = (name: string) => path.join(folder, name);
const write = (name: string, text: string) => writeFileSync(inFolder(name), text);
const read = (name: string) => readFileSync(inFolder(name), 'utf8');
const resolverFlags = () => ['--resolver', `${dns.address}:${dns.port}`];
const quick = () => ['--quick', '--expect', 'mx2.host.example', ...resolverFlags()];
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(['audit', ...args], { cwd: folder, env });

interface Line {
  readonly type: string;
  readonly domain?: string;
  readonly findings?: readonly { readonly rule: string; readonly is_new: boolean; readonly reason: string }[];
  readonly [key: string]: unknown;
}
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const foundIn = (text: string) =>
  linesOf(text)
    .flatMap(({ domain = '', findings = [] }) => findings.map(({ rule }) => `${domain} ${rule}`))
    .sort();
const summaryOf = (text: string) => linesOf(text).at(-1);

describe('--deep', () => {
  const greeting = 'S: 220 mx ESMTP\nC: EHLO *\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go';
  const rest = 'C: EHLO *\nS: 250 mx\nC: QUIT\nS: 221 bye\n(close)';

  it.each([
    ['the right certificate', 'mx1.host.example', []],
    ['that of another host', 'www.host.example', ['certificate']],
  ])('speaks to the port a path declares, once for all domains, and sees %s', async (_, name, wanted) => {
    const pair = await ca.issue([name], 60);
    const hop = await playSmtp(`${greeting}\n(tls own)\n${rest}`, { certificates: { own: pair } });
    onTestFinished(() => hop[Symbol.asyncDispose]());
    write(
      'deep.yaml',
      `version: 1
resolvers: [{address: ${dns.address}, port: ${dns.port}}]
providers: {bind: {type: rfc2136, server: 192.0.2.53, tsig: {name: k, secret: {env: K}}}}
routes:
  shop:
    strategy: mx
    records: [{provider: bind, zone: example, names: [good]}]
    ttl: 300
    paths: {direct: {role: primary, mx: [{preference: 10, exchange: mx1.host.example, port: ${hop.port}}]}}
    prefer: direct
`,
    );
    const args = [
      'good.example',
      'good.example.',
      '--quick',
      '--deep',
      '--config',
      'deep.yaml',
      '-o',
      'ndjson',
    ];
    const { stdout, exitCode } = await run(args, { NODE_EXTRA_CA_CERTS: inFolder('ca.pem') });
    // The exchange stands on loopback, which is found as well.
    expect(foundIn(stdout)).toEqual(
      [...wanted, 'exchange-private', 'missing-backup'].map((rule) => `good.example ${rule}`).sort(),
    );
    expect([exitCode, hop.clients.length, hop.deviations]).toEqual([2, 1, []]);
  });
});

describe('--resolver https://', () => {
  it('asks over HTTPS, with a CA of our own where Node is told of it', async () => {
    const doh = await startDohServer(dns, await ca.issue(['localhost'], 60));
    onTestFinished(() => doh.close());
    const args = ['moved.example', '--quick', '--expect', 'mx2.host.example', '-o', 'ndjson'];
    const trusting = await run([...args, '--resolver', doh.url], {
      NODE_EXTRA_CA_CERTS: inFolder('ca.pem'),
    });
    expect([trusting.exitCode, trusting.stderr]).toEqual([2, '']);
    expect(foundIn(trusting.stdout)).toEqual(['moved.example expectation']);
    expect(doh.asked()).toBeGreaterThan(1);
    const before = doh.asked();
    const doubting = await run([...args, '--resolver', doh.url]);
    expect([doubting.exitCode, foundIn(doubting.stdout), doh.asked()]).toEqual([8, [], before]);
    expect(doubting.stdout).toMatch(/could not ask https:\S+ \(\w*CERT\w*|\(UNABLE_TO_VERIFY/);
  });
});

describe('on a terminal', () => {
  it('shows how far it is and how long it will take, on a line that goes away', async () => {
    const words = ['audit', '--domains', 'many.txt', ...quick(), '--qps', '80', '-o', 'csv=many.csv'];
    const command = [process.execPath, program, ...words].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: tmpdir(), LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(2);
    // Written over, and erased at the end (ECMA-48 §8.3.41).
    const lines = shown.replaceAll('\u001b[K', '<erase>').split('\r');
    const isProgress = (line: string) =>
      /^\d+ domains {2}\d+% {2}\d+ with findings.* {2}\d+\/s.*left<erase>$/.test(line);
    expect(lines.filter(isProgress), shown).not.toEqual([]);
    expect(lines.at(-1)).toBe('<erase>');
  });

  it('says nothing of it to a pipe', async () => {
    const { stderr } = await run(['--domains', 'many.txt', ...quick(), '-o', 'csv=piped.csv']);
    expect(stderr).toBe('');
  });
});

describe('sixteen shards', () => {
  it('merged are the whole run, and a baseline at the merge ages what they found', async () => {
    const list = ['--domains', 'many.txt', ...quick()];
    const whole = await run([...list, '-o', 'ndjson=whole.ndjson']);
    const numbers = Array.from({ length: 16 }, (_, at) => at + 1);
    for (let from = 0; from < 16; from += 4) {
      await Promise.all(
        numbers
          .slice(from, from + 4)
          .map((n) => run([...list, '--shard', `${n}/16`, '--fail-on', 'never', '-o', `ndjson=${n}.ndjson`])),
      );
    }
    const files = numbers.map((n) => `${n}.ndjson`);
    const merged = await run(['merge', ...files, '-o', 'ndjson', '-o', 'human=merged.txt']);
    expect(merged.exitCode).toBe(whole.exitCode);
    expect(foundIn(merged.stdout)).toEqual(foundIn(read('whole.ndjson')));
    const { started_at, finished_at, lookups, ...rest } = summaryOf(read('whole.ndjson'))!;
    expect([started_at, finished_at, lookups]).not.toContain(undefined);
    expect(summaryOf(merged.stdout)).toMatchObject(rest);
    // Compared with nothing, so nothing is new.
    expect(read('merged.txt')).not.toMatch(/new|baseline/);

    const asked = await run(['merge', ...files, '--new-only']);
    expect(asked).toMatchObject({
      exitCode: 64,
      stderr: expect.stringMatching(/--new-only needs/) as string,
    });
    const [gone, ...others] = read('whole.ndjson')
      .split('\n')
      .filter((line) => line.includes('"rule":"expectation"'));
    const fixed = gone!.replaceAll(/"domain":"d\d+\.example"/g, '"domain":"d1.example"');
    write('last.ndjson', `${[read('whole.ndjson').split('\n')[0], fixed, ...others.slice(1)].join('\n')}\n`);
    const aged = await run(['merge', ...files, '--baseline', 'last.ndjson', '--new-only', '-o', 'ndjson']);
    const news = linesOf(aged.stdout).flatMap(({ domain, findings = [] }) =>
      findings.some(({ is_new: isNew }) => isNew) ? [domain] : [],
    );
    // Of the two that the baseline does not have one is a copy of another, under a name that is well.
    expect(news).toHaveLength(2);
    expect(summaryOf(aged.stdout)).toMatchObject({ new_findings: 2, fixed: 1 });
    expect(aged.exitCode).toBe(2);
  });
});

describe('-o FORMAT=FILE', () => {
  const args = () => ['moved.example', ...quick()];

  it('adds to what GitHub gives a step for its summary, and replaces every other file', async () => {
    write('summary.md', 'from the step before\n');
    write('other.md', 'the last one\n');
    const env = { GITHUB_STEP_SUMMARY: inFolder('summary.md') };
    await run([...args(), '-o', 'md=summary.md', '-o', 'csv=other.md'], env);
    expect(read('summary.md')).toMatch(/^from the step before\n## mxctl audit/);
    expect(read('other.md')).toMatch(/^outcome,/);
    const failed = await run([...args(), '-o', 'md=summary.md', '-o', 'csv=nowhere/a.csv'], env);
    expect([failed.exitCode, read('summary.md').match(/## mxctl/g)]).toEqual([64, ['## mxctl']]);
  });

  it('writes to what a link leads to, and the link stays', async () => {
    write('real.csv', 'the last one');
    symlinkSync('real.csv', inFolder('link.csv'));
    symlinkSync('made.csv', inFolder('dangling.csv'));
    await run([...args(), '-o', 'csv=link.csv', '-o', 'table=dangling.csv']);
    expect([lstatSync(inFolder('link.csv')).isSymbolicLink(), read('real.csv')]).toEqual([
      true,
      expect.stringMatching(/^outcome,/),
    ]);
    expect(read('made.csv')).toMatch(/expectation/);
  });

  it('writes to a named pipe that somebody reads', async () => {
    execFileSync('mkfifo', [inFolder('pipe')]);
    const reader = execFile('cat', [inFolder('pipe')]);
    let got = '';
    reader.stdout?.on('data', (text: string) => (got += text));
    const ended = once(reader, 'close');
    const { exitCode } = await run([...args(), '-o', 'ndjson=pipe']);
    await ended;
    expect([exitCode, foundIn(got)]).toEqual([2, ['moved.example expectation']]);
    expect(lstatSync(inFolder('pipe')).isFIFO()).toBe(true);
  });

  it('takes /dev/stdout and /dev/stderr for what they are, a log too', async () => {
    const both = await run([...args(), '-o', 'ndjson=/dev/stdout', '-o', 'csv=/dev/stderr']);
    expect([both.exitCode, foundIn(both.stdout), both.stderr]).toEqual([
      2,
      ['moved.example expectation'],
      expect.stringMatching(/^outcome,/),
    ]);
    const twice = await run([...args(), '-o', 'ndjson=/dev/stdout', '-o', 'csv']);
    expect(twice).toMatchObject({ exitCode: 64, stdout: '' });
    write('run.log', 'what was before\n');
    const log = openSync(inFolder('run.log'), 'a');
    const child = spawn(process.execPath, [program, 'audit', ...args(), '-o', 'csv=/dev/stderr'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: tmpdir() },
      stdio: ['ignore', 'ignore', log],
    });
    await once(child, 'close');
    closeSync(log);
    expect(read('run.log')).toMatch(/^what was before\noutcome,[^]*expectation/);
  });

  it('says in json how many skipped rows it left out', async () => {
    write('bad.txt', `${'nobody@x\n'.repeat(1200)}good.example\n`);
    await run(['--domains', 'bad.txt', '--quick', ...resolverFlags(), '-o', 'json=bad.json']);
    const report = JSON.parse(read('bad.json')) as { bad_rows: unknown[]; bad_rows_left_out: number };
    expect([report.bad_rows.length, report.bad_rows_left_out]).toEqual([1000, 200]);
    const merged = await run(['merge', 'bad.json', '-o', 'ndjson', '--fail-on', 'never']);
    expect(summaryOf(merged.stdout)).toMatchObject({ rows: 1201, bad_rows: 1200 });
  });
});
