// examples/{systemd,cron,docker,kubernetes}: each is what it says, names only what there is, and its command lines are
// run by the real program. What systemd-analyze knows of units it is asked, where it is there.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { settleMs } from '../../../src/app/deadline.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { type CliWorld, startCliWorld, until } from '../../support/cli-world.ts';
import { projectRoot } from '../../support/program.ts';

const example = (name: string) => readFileSync(path.join(projectRoot, 'examples', name), 'utf8');
const configFile = '/etc/mxctl/mxctl.yaml';

interface Unit {
  readonly name: string;
  readonly text: string;
  /** Every value of a key, `Section.Key`. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

function unit(name: string): Unit {
  const text = example(`systemd/${name}`);
  const keys = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const [, key, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined)
      keys.set(`${section}.${key}`, [...(keys.get(`${section}.${key}`) ?? []), value ?? '']);
    else if (!/^($|[#[])/.test(line)) throw new Error(`${name}: ${line}`);
  }
  return { name, text, keys };
}

const units = readdirSync(path.join(projectRoot, 'examples/systemd')).map(unit);
const only = (one: Unit | undefined, key: string) => {
  const values = one?.keys.get(key) ?? [];
  expect(values, key).toHaveLength(1);
  return values[0] ?? '';
};
const [service, once, timer] = ['mxctl-auto.service', 'mxctl-once.service', 'mxctl-once.timer'].map((name) =>
  units.find((one) => one.name === name),
);

/** `50s`, `2min`, `5m` in ms. */
function ms(text: string): number {
  const [, count, unitName = ''] = /^(\d+)(s|m|min)$/.exec(text) ?? [];
  return Number(count) * (unitName === 's' ? 1000 : 60_000);
}

interface Pod {
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    readonly securityContext: object;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly startupProbe?: Probe;
    readonly livenessProbe?: Probe;
    readonly readinessProbe?: Probe;
  }[];
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

function manifests(name: string) {
  const documents = parseAllDocuments(example(`kubernetes/${name}`));
  for (const one of documents) expect(one.errors).toEqual([]);
  const [config, workload] = documents.map((one) => one.toJS() as Record<string, unknown>);
  return { config, workload } as unknown as {
    readonly config: {
      readonly kind: string;
      readonly metadata: { name: string };
      readonly data: Record<string, string>;
    };
    readonly workload: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly spec: Record<string, unknown>;
    };
  };
}

const deployment = manifests('deployment.yaml');
const cronJob = manifests('cronjob.yaml');
const jobSpec = (cronJob.workload.spec['jobTemplate'] as { spec: Record<string, unknown> }).spec;
const podOf = (spec: Record<string, unknown>) => (spec['template'] as { spec: Pod }).spec;
const pods = [podOf(deployment.workload.spec), podOf(jobSpec)] as const;

/** Instructions, continued lines joined, comments gone. */
const dockerfile = example('docker/Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [word = '', ...rest] = line.trim().split(/ +/);
    return { word, rest, text: rest.join(' ') };
  });
const cron = example('cron/mxctl-auto');

/** Words after `mxctl` of every command line there is, and where it stands. */
const commandLines: readonly (readonly [string, readonly string[]])[] = [
  ...[service, once].map((one): [string, string[]] => [
    one?.name ?? '',
    only(one, 'Service.ExecStart').split(' ').slice(1),
  ]),
  ...[...cron.matchAll(/^#?\* \* \* \* \* {2}mxctl {2}mxctl (.*)$/gm)].map(
    ([, words = '']): [string, string[]] => ['crontab', words.split(' ')],
  ),
  ['Dockerfile', JSON.parse(dockerfile.find((one) => one.word === 'CMD')?.text ?? '[]') as string[]],
  ...pods.map((pod): [string, readonly string[]] => ['Kubernetes', pod.containers[0]?.args ?? []]),
];

describe('every command line of the examples', () => {
  let flow: CliWorld;
  beforeAll(async () => {
    flow = await startCliWorld({}, { mode: 'auto', rise: 1 });
  });
  afterAll(() => flow.close());

  it('is there', () => {
    expect(commandLines.map(([where, [verb]]) => `${where} ${verb ?? ''}`)).toEqual([
      'mxctl-auto.service auto',
      'mxctl-once.service auto',
      'crontab auto',
      'crontab observe',
      'Dockerfile auto',
      'Kubernetes auto',
      'Kubernetes auto',
    ]);
  });

  it.each(commandLines)('does what it should: %s %j', async (_, words) => {
    await flow.reset();
    const socket = path.join(flow.world.directory, 'health.sock');
    const args = words
      .map((one) => (one === configFile ? flow.configFile : one))
      .map((one, at) => (words[at - 1] === '--health-listen' ? `unix:${socket}` : one));
    if (args.includes('--once')) {
      expect(await flow.run(args)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      return;
    }
    const started = flow.start([...args, '--json']);
    await until(() => started.stdout.includes('"routes":'));
    expect(existsSync(socket)).toBe(true);
    started.child.kill('SIGTERM');
    expect(await started.ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each(commandLines)('leaves time to settle before its slot is over: %s %j', (_, words) => {
    const interval = words[words.indexOf('--interval') + 1] ?? '';
    const bound = ms(words[words.indexOf('--max-runtime') + 1] ?? '');
    expect(bound).toBeGreaterThan(10_000);
    // A cron slot is a minute long.
    if (words.includes('--once')) expect(bound).toBeLessThan(60_000);
    else expect(ms(interval)).toBe(30_000);
  });
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the systemd units', () => {
  it.skipIf(!hasAnalyze)('satisfy systemd-analyze, and expose little', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-units-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const { name, text } of units)
      // It wants the program to be there.
      writeFileSync(path.join(folder, name), text.replaceAll('/usr/local/bin/mxctl', process.execPath));
    const files = units.map(({ name }) => path.join(folder, name));
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
    expect([verified.status, verified.stdout, verified.stderr]).toEqual([0, '', '']);
    for (const file of files.filter((one) => one.endsWith('.service'))) {
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
        encoding: 'utf8',
      });
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      expect(exposure).toBeLessThan(2.5);
    }
  });

  it('hold what keeps a service small, and nothing that V8 cannot live with', () => {
    for (const one of [service, once]) {
      expect(Object.fromEntries(one?.keys ?? [])).toMatchObject({
        'Service.DynamicUser': ['yes'],
        'Service.NoNewPrivileges': ['yes'],
        'Service.ProtectSystem': ['strict'],
        'Service.CapabilityBoundingSet': [''],
        'Service.UMask': ['0077'],
        'Service.SystemCallFilter': ['@system-service'],
      });
      expect(one?.keys.has('Service.MemoryDenyWriteExecute')).toBe(false);
    }
  });

  it('keep the state where the default is, and hand over every credential that the configuration names', () => {
    const named = [...example('unattended.yaml').matchAll(/\{ ?credential: ([\w-]+) ?\}/g)].map(
      ([, name]) => name,
    );
    expect(named).toEqual(['tsig-key', 'heartbeat-url']);
    for (const one of [service, once]) {
      expect(one?.keys.get('Service.LoadCredential')?.map((text) => text.split(':')[0])).toEqual(named);
      expect(one?.keys.get('Service.Environment')).toContain('XDG_STATE_HOME=/var/lib');
      expect(only(one, 'Service.StateDirectory')).toBe('mxctl');
    }
  });

  it('let mxctl speak for itself, reload it by SIGHUP, and give it the time that it needs', () => {
    expect(only(service, 'Service.Type')).toBe('notify');
    expect(only(service, 'Service.NotifyAccess')).toBe('all');
    expect(only(service, 'Service.ExecReload')).toBe('/bin/kill -HUP $MAINPID');
    expect(ms(only(service, 'Service.WatchdogSec'))).toBeGreaterThanOrEqual(60_000);
    expect(ms(only(service, 'Service.TimeoutStopSec'))).toBeGreaterThan(settleMs + 15_000);
    expect(only(service, 'Service.RestartPreventExitStatus').split(' ')).toEqual(['64', '78']);
    const [, bound = ''] = /--max-runtime (\S+)/.exec(only(once, 'Service.ExecStart')) ?? [];
    expect(only(once, 'Service.Type')).toBe('oneshot');
    expect(ms(only(once, 'Service.TimeoutStartSec'))).toBeGreaterThanOrEqual(ms(bound) + settleMs);
    expect(only(timer, 'Timer.OnCalendar')).toBe('minutely');
    expect(only(timer, 'Timer.Persistent')).toBe('false');
  });
});

describe('the Kubernetes manifests', () => {
  it.each([
    ['deployment', deployment],
    ['cronjob', cronJob],
  ])('of the %s carry a configuration that is good', (_, { config }) => {
    const text = config.data['mxctl.yaml'] ?? '';
    const { warnings, routes, heartbeat, vantage } = parseConfig(text, {
      configFile,
      shownFile: configFile,
      now: Date.parse('2026-11-22'),
      hostname: 'mxctl-7d4f9c-x2x9z',
    });
    expect([config.kind, routes.size, warnings]).toEqual(['ConfigMap', 1, []]);
    expect(heartbeat).not.toBeNull();
    // Pods of a Deployment are vantages of their own; those of a CronJob, one after the other, are one.
    expect(vantage).toBe(config === cronJob.config ? 'kubernetes' : 'mxctl-7d4f9c-x2x9z');
  });

  it.each(pods.map((pod) => [pod]))('run it without any right that it does not need', (pod) => {
    const [container] = pod.containers;
    expect(pod.containers).toHaveLength(1);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod).toMatchObject({ automountServiceAccountToken: false });
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(settleMs + 15_000);
    expect(container?.volumeMounts.map((one) => one.name).sort()).toEqual(
      pod.volumes.map((one) => one.name).sort(),
    );
    expect(container?.volumeMounts.find((one) => one.name === 'config')?.mountPath).toBe(
      path.dirname(configFile),
    );
  });

  it('of the deployment ask the endpoints that there are, where they are', () => {
    const { workload, config } = deployment;
    expect(workload).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 2 } });
    const [container] = pods[0].containers;
    const [port] = container?.ports ?? [];
    expect(container?.args).toContain(`0.0.0.0:${port?.containerPort ?? 0}`);
    for (const probe of [container?.startupProbe, container?.livenessProbe, container?.readinessProbe])
      expect(probe?.httpGet.port).toBe(port?.name);
    expect(container?.livenessProbe?.httpGet.path).toBe('/livez');
    expect(container?.readinessProbe?.httpGet.path).toBe('/readyz');
    expect(pods[0].volumes.find((one) => one.name === 'config')?.configMap?.name).toBe(config.metadata.name);
  });

  it('of the cron job start no second one, run none twice, and are outlived by no round', () => {
    const { workload } = cronJob;
    expect(workload).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      spec: { schedule: '* * * * *', concurrencyPolicy: 'Forbid' },
    });
    const { args = [] } = pods[1].containers[0] ?? {};
    const bound = ms(args[args.indexOf('--max-runtime') + 1] ?? '');
    expect(jobSpec).toMatchObject({ backoffLimit: 0 });
    expect(Number(jobSpec['activeDeadlineSeconds']) * 1000).toBeGreaterThan(bound + settleMs + 15_000);
    expect(pods[1]).toMatchObject({ restartPolicy: 'Never' });
  });
});

describe('the Dockerfile', () => {
  const stages = dockerfile.filter((one) => one.word === 'FROM').length;
  const last = dockerfile.slice(dockerfile.findLastIndex((one) => one.word === 'FROM'));
  const first = dockerfile.slice(0, dockerfile.length - last.length);
  const find = (word: string) => last.filter((one) => one.word === word);

  it('copies only what is in the package', () => {
    const packed = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: projectRoot,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as [{ files: { path: string }[] }];
    const files = packed[0].files.map((one) => one.path);
    const copied = first.filter((one) => one.word === 'COPY').flatMap((one) => one.rest.slice(0, -1));
    expect(copied).toEqual(['package.json', 'oclif.manifest.json', 'bin/run.js', 'dist']);
    for (const one of copied)
      expect(
        files.some((file) => file === one || file.startsWith(`${one}/`)),
        one,
      ).toBe(true);
  });

  it('builds in one stage and runs in another, which has no npm and nothing of development', () => {
    expect(stages).toBe(2);
    const major = /^\d+/.exec(process.versions.node)?.[0] ?? '';
    for (const { text } of dockerfile.filter((one) => one.word === 'FROM'))
      expect(text).toMatch(new RegExp(`^docker\\.io/library/node:${major}-bookworm-slim( AS install)?$`));
    const install = first.find((one) => one.word === 'RUN')?.text ?? '';
    expect(install).toMatch(/npm install --omit=dev --ignore-scripts/);
    expect(last.filter((one) => one.word === 'COPY').map((one) => one.text)).toEqual([
      '--from=install /opt/mxctl /opt/mxctl',
    ]);
    expect(last.find((one) => one.word === 'RUN')?.text).toMatch(/^rm -rf .*\/npm/);
  });

  it('knows only instructions that Docker knows, and holds no secret', () => {
    const words = [
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'ENV',
      'USER',
      'STOPSIGNAL',
      'HEALTHCHECK',
      'ENTRYPOINT',
      'CMD',
    ];
    for (const { word } of dockerfile) expect(words).toContain(word);
    const env = find('ENV')[0]?.rest ?? [];
    expect(env.map((one) => one.split('=')[0])).toEqual([
      'NODE_ENV',
      'MXCTL_CONFIG',
      'XDG_STATE_HOME',
      'HOME',
    ]);
    expect(env).toContain(`MXCTL_CONFIG=${configFile}`);
  });

  it('is nobody, starts what there is, and asks the endpoint that it opens', () => {
    expect(find('USER').map((one) => one.text)).toEqual(['65532:65532']);
    const entry = JSON.parse(find('ENTRYPOINT')[0]?.text ?? '[]') as string[];
    expect(entry).toEqual(['node', '/opt/mxctl/bin/run.js']);
    const { bin } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    expect(entry[1]).toBe(`/opt/mxctl/${bin['mxctl'] ?? ''}`);
    const [, , script = ''] = JSON.parse(
      /CMD (\[.*\])$/.exec(find('HEALTHCHECK')[0]?.text ?? '')?.[1] ?? '[]',
    ) as string[];
    const listen = (JSON.parse(find('CMD')[0]?.text ?? '[]') as string[]).at(-1) ?? '';
    expect(script).toContain(`http://${listen}/healthz`);
    // Nobody there: not healthy.
    const closed = script.replace(listen, '127.0.0.1:9');
    expect(spawnSync(process.execPath, ['-e', closed]).status).toBe(1);
  });
});

describe('the crontab', () => {
  it('needs no lock, says why, and has no percent sign that cron would take for a new line', () => {
    const lines = cron.split('\n').filter((line) => /^#?\*/.test(line));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).not.toMatch(/flock|(?<!\\)%/);
    expect(cron).toMatch(/No flock: a round holds a lease/);
  });
});
