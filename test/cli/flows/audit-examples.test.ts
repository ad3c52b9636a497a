// The command lines of examples/{github-actions,gitlab,cron}, as the shell of each service runs them: the real program,
// a list of three domains and a DNS server on loopback.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { readJunit } from '../../support/junit-check.ts';
import { program, projectRoot } from '../../support/program.ts';

const zone = `
  example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
  mx1.host.example. 300 A 192.0.2.10
  mx2.host.example. 300 A 198.51.100.10
  old.example. 300 A 203.0.113.10
  good.example. 300 MX 10 mx1.host.example.
  good.example. 300 MX 20 mx2.host.example.
  moved.example. 300 MX 10 old.example.
  fine.example. 300 MX 10 mx1.host.example.
  fine.example. 300 MX 20 mx2.host.example.`;

let dns: DnsServer;
let folder: string;
beforeEach(async () => {
  dns = await startDnsServer({ zone });
  folder = mkdtempSync(path.join(tmpdir(), 'mxctl-examples-'));
  mkdirSync(path.join(folder, 'bin'));
  // --quick: the name servers of these domains are nowhere.
  stub('mxctl', `[ "$2" = merge ] || set -- "$@" --quick\nexec "${process.execPath}" "${program}" "$@"`);
  // What the registry has is not what is tested.
  stub('npm', 'echo "npm $*" >> "$HOME/npm.log"');
  write('customers.csv', 'customer,domain\nA,good.example\nB,moved.example\nC,fine.example\n');
  write(
    'mxctl.yaml',
    `version: 1
resolvers: [{address: ${dns.address}, port: ${dns.port}}]
audits:
  customers:
    domains: {file: customers.csv, column: domain}
    expect: {mx: [mx1.host.example, mx2.host.example]}
`,
  );
});
afterEach(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const stub = (name: string, body: string) => {
  write(`bin/${name}`, `#!/bin/sh\n${body}\n`);
  chmodSync(path.join(folder, 'bin', name), 0o755);
};
const example = (name: string) => readFileSync(path.join(projectRoot, 'examples', name), 'utf8');

function shell(
  script: string,
  env: Readonly<Record<string, string>> = {},
  argv: readonly string[] = ['bash', '-eo', 'pipefail', '-c'],
) {
  const [file = '', ...args] = argv;
  const options = {
    cwd: folder,
    env: { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder, LANG: 'C.UTF-8', ...env },
    timeout: 60_000,
  };
  return new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(file, [...args, script], options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end();
  });
}

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
}

describe('the GitHub workflow', () => {
  const action = parse(example('github-actions/mxctl-audit/action.yml')) as {
    inputs: Record<string, { default: string }>;
    runs: { steps: Step[] };
  };
  const workflow = parse(example('github-actions/audit.yml')) as { jobs: { audit: { steps: Step[] } } };
  const steps = action.runs.steps.filter(({ run }) => run !== undefined);
  const given = workflow.jobs.audit.steps.find(({ uses }) => uses?.endsWith('/mxctl-audit') === true)?.with;

  it('annotates, sums up and leaves the files that the next steps upload', async () => {
    const args = given?.['args'] ?? '';
    const uploads = workflow.jobs.audit.steps.flatMap((step) => [
      ...(step.with?.['sarif_file'] === undefined ? [] : [step.with['sarif_file']]),
      ...(step.with?.['path'] === undefined ? [] : [step.with['path']]),
    ]);
    // The resolvers of the example are not on loopback; those of the configuration are.
    const offline = args.replaceAll(/--resolver \S+/g, '');
    expect(args.length - offline.length).toBeGreaterThan(20);
    expect(
      await shell(steps[0]?.run ?? '', { VERSION: action.inputs['version']?.default ?? '' }),
    ).toMatchObject({
      exitCode: 0,
    });
    expect(read('npm.log')).toMatch(/^npm install --global mxctl@\d+\.\d+\.\d+\n$/);
    const summary = path.join(folder, 'summary.md');
    const { exitCode, stdout } = await shell(steps[1]?.run ?? '', {
      ARGS: offline,
      GITHUB_STEP_SUMMARY: summary,
    });
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^::error file=customers\.csv,line=3,title=moved\.example%3A expectation::/m);
    expect(read('summary.md')).toContain('## mxctl audit');
    expect(uploads).toEqual(['audit.sarif', 'audit.ndjson']);
    expect(JSON.parse(read('audit.sarif'))).toHaveProperty('runs');
  });

  it('hands arguments on as they are: none is run', async () => {
    const { exitCode } = await shell(steps[1]?.run ?? '', {
      ARGS: '$(touch$IFS"owned") ;touch owned',
      GITHUB_STEP_SUMMARY: path.join(folder, 'summary.md'),
    });
    expect(exitCode).toBe(64);
    expect(() => read('owned')).toThrow('ENOENT');
  });

  it('puts no expression into the text of a command', () => {
    for (const { run } of steps) expect(run).not.toContain('${{');
  });
});

describe('the GitLab pipeline', () => {
  const pipeline = parse(example('gitlab/.gitlab-ci.yml')) as {
    variables: Record<string, string>;
    '.mxctl': { before_script: string[]; cache: { paths: string[] } };
    audit: { parallel: number; script: string[] };
    report: { script: string[]; artifacts: { paths: string[]; reports: { junit: string } } };
  };

  async function runPipeline() {
    const { parallel, script } = pipeline.audit;
    for (let node = 1; node <= parallel; node++) {
      const env = { CI_NODE_INDEX: String(node), CI_NODE_TOTAL: String(parallel) };
      expect(await shell(script.join('\n'), env)).toMatchObject({ exitCode: 0 });
    }
    return shell(pipeline.report.script.join('\n'));
  }

  it('audits in shards and reports once, with what the merge request shows', async () => {
    const report = await runPipeline();
    expect(report.exitCode).toBe(2);
    const cases = readJunit(read(pipeline.report.artifacts.reports.junit)).flatMap((suite) => suite.cases);
    expect(cases.map(({ name, failure }) => `${name} ${failure?.type ?? 'passed'}`).sort()).toEqual([
      'fine.example passed',
      'good.example passed',
      'moved.example expectation',
    ]);
    for (const file of pipeline.report.artifacts.paths) expect(read(file)).not.toBe('');
  });

  it('compares with the run before, which it keeps in the cache', async () => {
    await runPipeline();
    expect(pipeline['.mxctl'].cache.paths).toEqual(['last.ndjson']);
    const { stdout } = await runPipeline();
    expect(stdout).toMatch(/^Known \(\d+\)$/m);
    expect(stdout).not.toMatch(/^New/m);
  });

  it('installs the version that it names', async () => {
    await shell(pipeline['.mxctl'].before_script.join('\n'), pipeline.variables);
    expect(read('npm.log')).toMatch(/^npm install --global mxctl@\d+\.\d+\.\d+\n$/);
  });
});

describe('the cron job', () => {
  const text = example('cron/mxctl-audit');
  /** Its files where a test may write. */
  const cron = (line: RegExp) =>
    shell(
      (line.exec(text)?.[1] ?? 'false')
        .replaceAll('/etc/mxctl/', `${folder}/`)
        .replaceAll('/var/lib/mxctl', folder),
      {},
      ['/bin/sh', '-c'],
    );
  const job = /^17 5 \* \* \* {2}mxctl {2}(.*)$/m;
  const silent = { exitCode: 0, stdout: '', stderr: '' };

  it('is silent where nothing is new, and prints the report where something is', async () => {
    expect(await cron(/^# {3}(cd .*)$/m)).toMatchObject({ exitCode: 2, stderr: '' });
    expect(await cron(job)).toEqual(silent);
    dns.serve(zone.replace('fine.example. 300 MX 10 mx1.host', 'fine.example. 300 MX 10 old'));
    const { stdout } = await cron(job);
    expect(stdout).toContain('fine.example');
    expect(stdout).not.toContain('moved.example');
    expect(await cron(job)).toEqual(silent);
  });

  it('has no percent sign that cron would take for a new line', () => {
    expect(job.exec(text)?.[1]).not.toMatch(/(?<!\\)%/);
  });
});
