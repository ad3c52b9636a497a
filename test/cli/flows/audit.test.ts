// The built program auditing lists against a DNS server on loopback: inputs, outputs, exit codes, shards and baselines.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rcodes } from '../../../src/dns/message.ts';
import type { Envelope } from '../../../src/render/envelope.ts';
import { runCli } from '../../support/cli.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { program } from '../../support/program.ts';

const zone = `
  example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
  mx1.host.example. 300 A 192.0.2.10
  mx2.host.example. 300 A 198.51.100.10
  old.example. 300 A 203.0.113.10
  good.example. 300 MX 10 mx1.host.example.
  good.example. 300 MX 20 mx2.host.example.
  moved.example. 300 MX 10 old.example.
  xn--bcher-kva.example. 300 MX 10 mx1.host.example.
  xn--bcher-kva.example. 300 MX 20 mx2.host.example.
  legacy.example. 300 MX 10 old.example.
  late.example. 300 MX 10 old.example.`;

const csv =
  'customer;Domain\nA;good.example\nB;moved.example\nC;bücher.example\nD;info@acme.example\nE;GOOD.example.\nF;legacy.example\n';

let dns: DnsServer;
let folder: string;
let isDown = false;
beforeAll(async () => {
  dns = await startDnsServer({
    zone,
    behave: ({ query, reply, send }) => {
      const isFailing = isDown && query.questions[0]?.name === 'moved.example.';
      send(isFailing ? { ...reply, rcode: rcodes.SERVFAIL, answers: [], authorities: [] } : reply);
    },
  });
  folder = mkdtempSync(path.join(tmpdir(), 'mxctl-audit-'));
  write('customers.csv', csv);
  write(
    'mxctl.yaml',
    `version: 1
resolvers: [{address: ${dns.address}, port: ${dns.port}}]
audits:
  customers:
    domains: {file: customers.csv, column: domain}
    expect: {mx: [mx1.host.example, mx2.host.example]}
    ignore:
      - {domain: legacy.example, reason: "migrating, OPS-1182"}
      - {domain: late.example, until: "2020-01-31", reason: "was to be over long ago"}
`,
  );
});
afterAll(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const run = (...args: string[]) => runCli(['audit', ...args], { cwd: folder });
/** Without a configuration, as in CI. */
const bare = (...args: string[]) =>
  runCli(['audit', ...args, '--resolver', `${dns.address}:${dns.port}`], { cwd: tmpdir() });

interface Line {
  readonly type: string;
  readonly [key: string]: unknown;
}
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const domainsIn = (text: string) =>
  linesOf(text)
    .filter((one) => one.type === 'domain')
    .map((one) => `${String(one['domain'])} ${String(one['outcome'])}`);
const rulesIn = (text: string, domain: string) => {
  const line = linesOf(text).find((one) => one.type === 'domain' && one['domain'] === domain);
  return (line?.['findings'] as { rule: string; is_new: boolean; first_seen_at: string }[]).map((one) => ({
    rule: one.rule,
    isNew: one.is_new,
    at: one.first_seen_at,
  }));
};

describe('mxctl audit', () => {
  it('audits what the configuration lists, and says where each finding was named', async () => {
    const { exitCode, stdout, stderr } = await run('--quick', '--concurrency', '1', '-o', 'ndjson');
    expect([exitCode, stderr]).toEqual([2, '']);
    expect(domainsIn(stdout)).toEqual([
      'good.example good',
      'moved.example found',
      'xn--bcher-kva.example good',
      'legacy.example ignored',
    ]);
    expect(linesOf(stdout)[0]).toMatchObject({ type: 'run', audits: ['customers'] });
    expect(linesOf(stdout).find((one) => one.type === 'bad-row')).toMatchObject({
      file: 'customers.csv',
      line: 5,
      text: 'info@acme.example',
    });
    expect(linesOf(stdout).at(-1)).toMatchObject({
      type: 'summary',
      ...{ rows: 6, bad_rows: 1, duplicates: 1, good: 2, found: 1, unknown: 0, ignored: 1 },
    });
    expect(linesOf(stdout).find((one) => one['domain'] === 'moved.example')).toMatchObject({
      file: 'customers.csv',
      line: 3,
      mx: ['10 old.example.'],
    });
    expect(rulesIn(stdout, 'moved.example').map(({ rule }) => rule)).toContain('expectation');
  });

  it('needs no configuration for names on its command line', async () => {
    const expected = ['--expect', 'mx1.host.example', '--expect', 'mx2.host.example', '--quick'];
    expect(await bare('good.example', 'bücher.example', ...expected)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await bare('moved.example', ...expected)).toMatchObject({ exitCode: 2 });
    expect(await bare('moved.example', ...expected, '--fail-on', 'never')).toMatchObject({ exitCode: 0 });
    const some = await bare('good.example', '--expect', 'mx2.host.example', '--match', 'contains', '--quick');
    expect(some.exitCode).toBe(0);
  });

  it('judges a list from standard input as an audit of the configuration does', async () => {
    const child = spawn(
      process.execPath,
      [program, 'audit', '--domains', '-', '--as', 'customers', '--quick', '-o', 'ndjson'],
      { cwd: folder, env: { PATH: process.env['PATH'], HOME: tmpdir() }, stdio: ['pipe', 'pipe', 'ignore'] },
    );
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stdin.end('# two\nmoved.example\nlegacy.example\n');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(2);
    expect(domainsIn(stdout).sort()).toEqual(['legacy.example ignored', 'moved.example found']);
    expect(linesOf(stdout).find((one) => one.type === 'domain')).toMatchObject({
      audit: 'customers',
      file: null,
    });
  });

  it('finds an ignore whose last day is past, and what it hid', async () => {
    const { stdout } = await run(
      'late.example',
      'legacy.example',
      '--as',
      'customers',
      '--quick',
      '-o',
      'ndjson',
    );
    expect(rulesIn(stdout, 'late.example').map(({ rule }) => rule)).toEqual([
      'expectation',
      'expired-ignore',
    ]);
    expect(domainsIn(stdout)).toContain('legacy.example ignored');
  });

  it('prints one object with --json, and the same to a file', async () => {
    const { stdout, stderr, exitCode } = await run('--quick', '--json', '-o', 'json=audit.json');
    const envelope = JSON.parse(stdout) as Envelope & { data: { domains: unknown[]; summary: unknown } };
    expect([exitCode, stderr]).toEqual([2, '']);
    expect(Object.keys(envelope).slice(0, 4)).toEqual(['schema', 'ok', 'exit_code', 'command']);
    expect(envelope).toMatchObject({
      schema: 'mxctl/audit/v1',
      exit_code: 2,
      error: null,
      warnings: [],
    });
    expect(envelope.data.domains).toHaveLength(4);
    expect(JSON.parse(read('audit.json'))).toMatchObject({ domains: { length: 4 } });
  });

  it('writes many formats at once, each file whole or not at all', async () => {
    const outputs = ['human', 'sarif=a.sarif', 'junit=a.xml', 'csv=a.csv', 'md=a.md', 'html=a.html'];
    const { exitCode, stdout } = await run('--quick', ...outputs.flatMap((one) => ['-o', one]));
    expect([exitCode, stdout]).toEqual([2, expect.stringContaining('moved.example')]);
    expect(JSON.parse(read('a.sarif'))).toHaveProperty('runs');
    expect(read('a.xml')).toMatch(/^<\?xml[^]*<\/testsuites>\n$/);
    write('a.csv', 'the last one');
    const failing = await run('nonsense', '-o', 'csv=a.csv');
    expect([failing.exitCode, read('a.csv')]).toEqual([64, 'the last one']);
    expect(readdirSync(folder).filter((one) => one.includes('.tmp'))).toEqual([]);
  });
});

describe('what is not known', () => {
  it('is no finding, and 8 where it is too much', async () => {
    isDown = true;
    try {
      const args = ['good.example', 'moved.example', '--quick', '-o', 'ndjson'];
      const { exitCode, stdout } = await bare(...args);
      expect(exitCode).toBe(8);
      expect(domainsIn(stdout).sort()).toEqual(['good.example good', 'moved.example unknown']);
      expect((await bare(...args, '--max-unknown', '50%')).exitCode).toBe(0);
      expect((await bare(...args, '--max-unknown', '1')).exitCode).toBe(0);
    } finally {
      isDown = false;
    }
  });

  it('neither fixes a finding of the baseline nor makes it younger', async () => {
    await run('--quick', '-o', 'ndjson=1.ndjson', '-o', 'human');
    const first = rulesIn(read('1.ndjson'), 'moved.example');
    expect(first.every((one) => one.isNew)).toBe(true);
    isDown = true;
    await run('--quick', '--baseline', '1.ndjson', '-o', 'ndjson=2.ndjson');
    isDown = false;
    expect(linesOf(read('2.ndjson')).at(-1)).toMatchObject({ fixed: 0, held: first.length, unknown: 1 });
    const same = await run('--quick', '--baseline', '2.ndjson', '-o', 'json=3.json', '--new-only');
    expect(same.exitCode).toBe(0);
    const known = await run('--quick', '--baseline', '3.json', '-o', 'ndjson');
    expect(rulesIn(known.stdout, 'moved.example')).toEqual(first.map((one) => ({ ...one, isNew: false })));
    dns.serve(
      zone.replace(
        'moved.example. 300 MX 10 old.example.',
        'moved.example. 300 MX 10 mx1.host.example.\nmoved.example. 300 MX 20 mx2.host.example.',
      ),
    );
    const fixed = await run('--quick', '--baseline', '3.json', '-o', 'ndjson');
    dns.serve(zone);
    expect(fixed.exitCode).toBe(0);
    expect(linesOf(fixed.stdout).filter((one) => one.type === 'fixed')).toHaveLength(first.length);
  });
});

describe('shards', () => {
  it('together are the list: merged they say and exit as one run does', async () => {
    const shards = await Promise.all(
      [1, 2, 3].map((number) =>
        run('--quick', '--shard', `${number}/3`, '-o', `ndjson=shard-${number}.ndjson`, '--fail-on', 'never'),
      ),
    );
    expect(shards.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    const files = [1, 2, 3].map((number) => `shard-${number}.ndjson`);
    const merged = await run('merge', ...files, '-o', 'ndjson', '-o', 'html=all.html');
    const whole = await run('--quick', '-o', 'ndjson');
    expect(merged.exitCode).toBe(whole.exitCode);
    expect(domainsIn(merged.stdout).sort()).toEqual(domainsIn(whole.stdout).sort());
    const { started_at, finished_at, lookups, ...rest } = linesOf(whole.stdout).at(-1)!;
    expect([started_at, finished_at, lookups]).not.toContain(undefined);
    expect(linesOf(merged.stdout).at(-1)).toMatchObject({ ...rest, type: 'summary' });
    expect(existsSync(path.join(folder, 'all.html'))).toBe(true);

    const partly = await run('merge', ...files.slice(1), '--fail-on', 'never', '-o', 'csv');
    expect(partly).toMatchObject({ exitCode: 8, stderr: 'warning: there is no file of shard 1/3\n' });
    write('cut.ndjson', read('shard-1.ndjson').split('\n').slice(0, 1).join('\n'));
    const cut = await run('merge', 'cut.ndjson', ...files.slice(1), '--fail-on', 'never', '-o', 'csv');
    expect(cut).toMatchObject({
      exitCode: 8,
      stderr: expect.stringContaining('ends before its summary') as string,
    });
    const twice = await run('merge', 'shard-1.ndjson', 'shard-1.ndjson');
    expect(twice).toMatchObject({ exitCode: 64, stdout: '' });
    const none = await run('merge', 'customers.csv');
    expect(none).toMatchObject({ exitCode: 64, stdout: '' });
  });
});

describe('what was not meant so', () => {
  it.each([
    [['nonsense'], /there is no audit "nonsense"\naudits: customers/],
    [['custommers'], /did you mean customers\?/],
    [['good..example'], /has two dots/],
    [['good.example', '--expect', '192.0.2.1'], /--expect wants the name of an exchange/],
    [['--expect', 'mx1.host.example'], /--expect and --as say how to judge/],
    [['--domains', 'none.csv'], /cannot read none\.csv: ENOENT/],
    [['--domains', 'customers.csv', '--column', 'domains'], /did you mean Domain\?/],
    [['-o', 'pdf'], /formats: human table json/],
    [['-o', 'csv', '-o', 'table'], /two outputs would go to standard output/],
    [['--json', '-o', 'csv'], /with --json standard output holds the one JSON object/],
    [['-o', 'csv=/nowhere/a.csv'], /cannot write \/nowhere\/a\.csv: ENOENT/],
    [['--shard', '4/3'], /--shard wants N\/OF/],
    [['--max-unknown', 'most'], /--max-unknown wants a share or a number/],
    [['--new-only'], /--new-only needs --baseline/],
    [['--baseline', 'customers.csv'], /customers\.csv holds no results of an audit/],
    [['good.example', '--resolver', 'dns.example'], /--resolver wants an address or a URL/],
  ])('mxctl audit %j is refused with 64', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    const [told, silent] = args.includes('--json') ? [stdout, stderr] : [stderr, stdout];
    expect([exitCode, told, silent]).toEqual([64, expect.stringMatching(message), '']);
  });

  it('a list without a domain is said to be none', async () => {
    write('empty.txt', '# nobody\n');
    const { exitCode, stderr } = await run('--domains', 'empty.txt');
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining('the list is empty')]);
  });

  it('a reader that has seen enough is no error', async () => {
    write('many.txt', Array.from({ length: 30_000 }, (_, n) => `d${n}.example\n`).join(''));
    const child = spawn(
      process.execPath,
      [program, 'audit', '--domains', 'many.txt', '--quick', '-o', 'ndjson'],
      { cwd: folder, env: { PATH: process.env['PATH'], HOME: tmpdir() }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    await once(child, 'close');
    expect(stderr).not.toMatch(/error|EPIPE/);
    expect(dns.asked.length).toBeLessThan(25_000);
  });
});
