// The built program against a running mail world: the world lives in the test's process, so that a test can look into
// it and break it; every command is a process of its own, as a person, cron or a script would start it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Envelope } from '../../src/render/envelope.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import { mailDomain } from '../../src/sandbox/map.ts';
import type { WorldConfigOptions } from '../../src/sandbox/world-config.ts';
import { canaryKeyFileIn, maildirIn } from '../../src/sandbox/world-files.ts';
import { startWorld, type World, type WorldOptions } from '../../src/sandbox/world.ts';
import { type Run, runCli, startCli } from './cli.ts';
import { program } from './program.ts';

/** What a program on the command line of a test is given beside the config. */
export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the world's own. */
  readonly configFile?: string;
}

export class CliWorld {
  readonly world: World;
  readonly stateFile: string;
  readonly #outputs: string[] = [];
  readonly #secrets: Buffer[] = [];
  #configFile: string;
  #environment: Readonly<Record<string, string>> = {};
  #files = 0;

  constructor(world: World, configFile: string, stateFile: string) {
    this.world = world;
    this.#configFile = configFile;
    this.stateFile = stateFile;
  }

  get configFile(): string {
    return this.#configFile;
  }

  async run(args: readonly string[], options: CliOptions = {}): Promise<Run> {
    const run = await runCli(args, { env: this.#env(options), cwd: this.world.directory });
    this.#outputs.push(run.stdout, run.stderr);
    return run;
  }

  /** Runs with --json. Stdout must be exactly one object, the envelope, with the exit code of the process. */
  async json(args: readonly string[], options: CliOptions = {}): Promise<Envelope> {
    return parseEnvelope(await this.run([...args, '--json'], options), args[0] ?? '');
  }

  start(args: readonly string[], options: CliOptions = {}): Started {
    return new Started(startCli(args, { env: this.#env(options), cwd: this.world.directory }));
  }

  /** On a terminal of its own, as wide as a person's. */
  startOnTerminal(args: readonly string[], options: CliOptions = {}): Started {
    const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', words, '/dev/null'], {
      cwd: this.world.directory,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: tmpdir(),
        LANG: 'C.UTF-8',
        TERM: 'xterm',
        NO_COLOR: '1',
        ...this.#env(options),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return new Started(child);
  }

  /** Another config file for the same world: the text of its own, changed. */
  writeConfig(change: (yaml: string) => string): string {
    this.#files += 1;
    const file = path.join(this.world.directory, `mxctl-${this.#files}.yaml`);
    const before = readFileSync(this.configFile, 'utf8');
    const after = change(before);
    if (after === before) throw new Error('the change of the config changed nothing');
    writeFileSync(file, after);
    return file;
  }

  /** From now on every command reads its config so changed. */
  useConfig(change: (yaml: string) => string): void {
    this.#configFile = this.writeConfig(change);
  }

  /** From now on every command finds this in its environment. */
  useEnvironment(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }

  /** What DNS publishes for the mail domain: TTL, then the values. */
  get mx(): readonly (string | number)[] {
    const rrset = this.world.data.rrset(mailDomain, 'MX');
    return rrset === null ? [] : [rrset.ttl, ...rrset.rdata];
  }

  /** A letter in the mailbox that canaries come to, from whoever. */
  putLetter(text: string): void {
    const name = `${Math.floor(Date.now() / 1000)}.T${++this.#files}.test`;
    writeFileSync(path.join(maildirIn(this.world.directory), 'new', name), text);
  }

  /** Somebody else changes the MX RRset: terraform, a web form. */
  publish(ttl: number, ...rdata: string[]): void {
    this.world.data.put(rrsetOf(mailDomain, 'MX', ttl, rdata));
  }

  /** Back to the beginning: the proxy published, every hop well, nothing remembered. */
  async reset(): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.stateFile + suffix, { force: true });
    this.publish(this.world.ttl, ...proxyMx);
    for (const hop of this.world.hops) await hop.setFault('ok');
  }

  /** A secret of a test's own: no command may tell it either. */
  mustNotTell(secret: string): void {
    this.#secrets.push(Buffer.from(secret));
  }

  /** Ends the world. Throws where a secret was printed, or is in the state store, in whatever notation. */
  async close(): Promise<void> {
    const { directory } = this.world;
    const stores = readdirSync(directory).filter((file) => /\.sqlite(-wal)?$/.test(file));
    const kept = stores.map((file) => readFileSync(path.join(directory, file)).toString('latin1'));
    const canaryKey = Buffer.from(readFileSync(canaryKeyFileIn(directory), 'utf8').trim(), 'base64');
    const secrets = [Buffer.from(this.world.key.secret), canaryKey, ...this.#secrets];
    const told = [...this.#outputs, ...kept].find((text) =>
      secrets.some((secret) =>
        (['base64', 'base64url', 'hex', 'latin1'] as const).some((notation) =>
          text.includes(secret.toString(notation).replace(/=+$/, '')),
        ),
      ),
    );
    await this.world.close();
    rmSync(directory, { recursive: true, force: true });
    if (told !== undefined) throw new Error('a secret was told');
  }

  #env({ env = {}, configFile = this.configFile }: CliOptions): Record<string, string> {
    return { ...this.#environment, MXCTL_CONFIG: configFile, ...env };
  }
}

/** What the flows are played with: TTLs of seconds, nothing sent, no flip but by hand unless told. */
export async function startCliWorld(
  world: WorldOptions = {},
  config: Partial<WorldConfigOptions> = {},
): Promise<CliWorld> {
  const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-flow-'));
  const running = await startWorld({ directory, ...world });
  const [configFile, stateFile] = [path.join(directory, 'mxctl.yaml'), path.join(directory, 'state.sqlite')];
  writeFileSync(configFile, running.configYaml({ stateFile, mode: 'manual', ...config }));
  return new CliWorld(running, configFile, stateFile);
}

/** Proxy first, its TTL of normal times behind: what the world publishes before anything happens. */
export const proxyMx = ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.', '90 spool.example.org.'];
export const directMx = ['10 mx.shop.example.', '90 spool.example.org.'];

const envelopeKeys = [
  'schema',
  'ok',
  'exit_code',
  'command',
  'version',
  'run_id',
  'started_at',
  'finished_at',
  'data',
  'warnings',
  'error',
];

function parseEnvelope(run: Run, command: string): Envelope {
  expect(run.stdout.endsWith('\n'), run.stdout + run.stderr).toBe(true);
  const envelope = JSON.parse(run.stdout) as Envelope;
  expect(Object.keys(envelope)).toEqual(envelopeKeys);
  expect(envelope).toMatchObject({
    schema: `mxctl/${command}/v1`,
    command,
    exit_code: run.exitCode,
    ok: run.exitCode === 0,
  });
  if (envelope.error !== null) {
    expect(Object.keys(envelope.error)).toEqual(['code', 'message', 'hint', 'retryable']);
  }
  expect(run.stderr).toBe('');
  return envelope;
}

/** A process under way. */
export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Run>;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.ended = once(child, 'close').then(([code]: unknown[]) => ({
      exitCode: typeof code === 'number' ? code : -1,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves once stdout has what is looked for; rejects where the process ends without it. */
  async until(wanted: RegExp): Promise<void> {
    const { stdout } = this.child;
    if (stdout === null) throw new Error('no stdout');
    while (!wanted.test(this.#stdout)) {
      const more = once(stdout, 'data').then(() => true);
      const isMore = await Promise.race([more, this.ended.then(() => false)]);
      if (!isMore && !wanted.test(this.#stdout)) {
        throw new Error(`ended before ${String(wanted)}:\n${this.#stdout}\n${this.#stderr}`);
      }
    }
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }
}

/** Waits for something in this process to become true. */
export async function until(isSo: () => boolean | Promise<boolean>, patienceMs = 20_000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`it did not come to be: ${String(isSo)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Nothing in it moves a cursor, sets a title or turns text around. */
export function expectHarmless(text: string): void {
  // eslint-disable-next-line no-control-regex -- that is what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
}

/** Harmless text on 80 columns. Lines with file names of the test may be longer. */
export function expectScreen(text: string): void {
  expectHarmless(text);
  const tooWide = text.split('\n').filter((line) => line.length > 80 && !line.includes(tmpdir()));
  expect(tooWide).toEqual([]);
}
