// The base class and bin/run.js, run as a program around commands that do what commands do at their worst.

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Envelope } from '../../src/render/envelope.ts';
import { createFixtureProgram, runCli, startCli } from '../support/cli.ts';
import type { FixtureProgram, Run } from '../support/cli.ts';

const command = (execute: string, statics = '') => `
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../dist/base-command.js';
import { AppError, ConfigError, RefusedError } from '../dist/errors.js';
export default class Fixture extends BaseCommand {
  ${statics}
  async execute(context) { ${execute} }
}`;

let fixture: FixtureProgram;
beforeAll(() => {
  fixture = createFixtureProgram({
    fine: command(`return { data: { a: 1 }, text: () => ['fine → good'] };`),
    found: command(`return {
      exitCode: 2, data: [], text: () => ['1 DOWN'], next: [{ command: 'x', effect: 'y' }],
      warnings: [{ code: 'quorum', message: 'quorum is 1', subject: 'support' }] };`),
    refuses: command(`return { data: { plan: 'a3f9c1' }, text: () => ['Plan a3f9c1'],
      error: new RefusedError('refused', 'hold-down forbids it', { hint: 'wait 4m' }) };`),
    config: command(
      `throw new ConfigError('config-invalid', '2 mistakes\\nm.yaml:1:1: \\u001b[2J', { hint: 'fix' });`,
    ),
    bug: command(`const nothing = undefined; return nothing.field;`),
    later: command(
      `setTimeout(() => { throw new Error('out of nowhere'); }, 0); return new Promise(() => {});`,
    ),
    forgotten: command(`Promise.reject(new Error('nobody waits')); return new Promise(() => {});`),
    closing: command(`context.runtime.onClose(() => { throw new AppError('store-corrupt', 'cannot close'); });
      return { data: 1, text: () => ['done'] };`),
    opened: command(`setInterval(() => {}, 1000); return { data: 1, text: () => ['done'] };`),
    big: command(`return { data: 'x'.repeat(3_000_000), text: () => ['y'.repeat(3_000_000)] };`),
    stream:
      command(`for (let n = 1; n <= 3; n += 1) { context.emit({ n }); context.print(() => ['tick ' + n]); }
      return { data: { n: 3 }, text: () => ['last'] };`),
    endless: command(`for (;;) { context.emit({ n: 1 }); context.print(() => ['tick']);
      await new Promise((resolve) => setImmediate(resolve)); if (context.runtime.signal.aborted) throw context.runtime.signal.reason; }`),
    waits: command(`process.stdout.write('ready\\n'); const { clock, signal } = context.runtime;
      await clock.sleep(60_000, signal);`),
    stubborn: command(`process.stdout.write('ready\\n');
      context.runtime.signal.addEventListener('abort', () => process.stdout.write('asked\\n'));
      setInterval(() => {}, 1000); await new Promise(() => {});`),
    wants: command(
      `return { data: null, text: () => [] };`,
      `static args = { route: Args.string({ required: true, description: 'route' }), shape: Args.string({ options: ['a', 'b'] }) };
       static flags = { count: Flags.integer(), to: Flags.string({ dependsOn: ['count'] }), kind: Flags.string({ options: ['x'] }) };`,
    ),
  });
});
afterAll(() => {
  fixture.remove();
});

const text = (...args: string[]) => runCli(args, { program: fixture.program });
async function json(...args: string[]): Promise<Envelope> {
  const run = await runCli([...args, '--json'], { program: fixture.program });
  return parseOnly(run);
}

/** The one object on stdout; fails where there is anything else. */
function parseOnly(run: Run): Envelope {
  const envelope = JSON.parse(run.stdout) as Envelope;
  expect(run.exitCode).toBe(envelope.exit_code);
  expect(run.stderr).toBe('');
  expect(Object.keys(envelope)).toEqual([
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
  ]);
  expect(envelope.run_id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  return envelope;
}

describe('a command that does its work', () => {
  it('prints its text and ends with 0', async () => {
    expect(await text('fine')).toEqual({ exitCode: 0, stdout: 'fine → good\n', stderr: '' });
  });

  it('prints plain ASCII in the C locale', async () => {
    const run = await runCli(['fine'], { program: fixture.program, env: { LC_ALL: 'C' } });
    expect(run.stdout).toBe('fine -> good\n');
  });

  it('prints one object with --json', async () => {
    const envelope = await json('fine');
    expect(envelope).toMatchObject({ schema: 'mxctl/fine/v1', ok: true, command: 'fine', version: '9.9.9' });
    expect(envelope).toMatchObject({ data: { a: 1 }, warnings: [], error: null });
  });

  it('keeps warnings off stdout, and the Next block off everything but a terminal', async () => {
    expect(await text('found')).toEqual({
      exitCode: 2,
      stdout: '1 DOWN\n',
      stderr: 'warning: support: quorum is 1\n',
    });
    expect((await json('found')).warnings).toEqual([
      { code: 'quorum', message: 'quorum is 1', subject: 'support' },
    ]);
  });

  it('loses nothing of a large result on its way into a pipe', async () => {
    expect((await text('big')).stdout).toHaveLength(3_000_001);
    expect((await json('big')).data).toHaveLength(3_000_000);
  });

  it('ends though something is still open', async () => {
    expect((await text('opened')).exitCode).toBe(0);
  });
});

describe('a command that fails', () => {
  it('shows what it has and says why it went no further', async () => {
    expect(await text('refuses')).toEqual({
      exitCode: 3,
      stdout: 'Plan a3f9c1\n',
      stderr: 'error: hold-down forbids it\nwait 4m\n',
    });
    expect(await json('refuses')).toMatchObject({
      ok: false,
      exit_code: 3,
      data: { plan: 'a3f9c1' },
      error: { code: 'refused', message: 'hold-down forbids it', hint: 'wait 4m', retryable: false },
    });
  });

  it('lets no control character of a message through', async () => {
    expect(await text('config')).toEqual({
      exitCode: 78,
      stdout: '',
      stderr: 'error: 2 mistakes\nm.yaml:1:1: \\u001b[2J\nfix\n',
    });
  });

  it('calls a bug a bug, with a stack only where it was asked for', async () => {
    const run = await text('bug');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^error: a bug in mxctl: TypeError: .*\nPlease report it: /s);
    expect(run.stderr).not.toContain('    at ');
    expect((await text('bug', '--verbose')).stderr).toContain('    at ');
    expect((await json('bug')).error?.code).toBe('bug');
  });

  it.each(['later', 'forgotten'])('reports an exception that nobody caught: %s', async (name) => {
    const run = await text(name);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('a bug in mxctl');
    expect(run.stderr).not.toContain('    at ');
    expect((await json(name)).error?.code).toBe('bug');
  });

  it.each([
    ['a package is missing', `import 'no-such-package';`],
    ['its file is damaged', `this is no JavaScript`],
  ])('calls it a bug that it cannot be loaded: %s', async (_title, source) => {
    const damaged = createFixtureProgram({ fine: source }, { hasManifest: true });
    onTestFinished(damaged.remove);
    const run = await runCli(['fine'], damaged);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain('error: a bug in mxctl');
    const envelope = parseOnly(await runCli(['fine', '--json'], damaged));
    expect(envelope).toMatchObject({ exit_code: 1, error: { code: 'bug' } });
  });

  it('says so when the end of a run goes wrong after its work', async () => {
    const envelope = await json('closing');
    expect(envelope).toMatchObject({ ok: false, data: 1, error: { code: 'store-corrupt' } });
    expect((await text('closing')).stderr).toBe('error: cannot close\n');
  });
});

describe('a command line that is not understood', () => {
  it.each([
    ['no such command', ['stauts'], 'stauts is not a command of mxctl'],
    ['an unknown flag', ['fine', '--foo'], 'unknown flag: --foo'],
    ['a missing argument', ['wants'], 'missing 1 required arg:'],
    ['an argument too many', ['fine', 'extra'], ''],
    ['an argument off the list', ['wants', 'r', 'c'], 'expected c to be one of: a, b'],
    ['a flag off the list', ['wants', 'r', '--kind', 'y'], 'expected --kind=y to be one of: x'],
    ['a flag without its value', ['wants', 'r', '--kind'], 'flag --kind expects'],
    ['a flag of the wrong kind', ['wants', 'r', '--count', 'many'], 'parsing --count'],
    ['a flag without the one it needs', ['wants', 'r', '--to', 'x'], 'all of the following must be provided'],
    ['a flag where a command is expected', ['--verbose'], '--verbose stands where a command'],
    ['help for what is not there', ['nosuch', '--help'], 'ommand nosuch not found'],
  ])('is exit 64: %s', async (_title, args, message) => {
    const run = await text(...args);
    expect(run).toMatchObject({ exitCode: 64, stdout: '' });
    expect(run.stderr).toMatch(/^error: /);
    expect(run.stderr.toLowerCase()).toContain(message.toLowerCase());
    expect(run.stderr).toContain('--help');
    expect(run.stderr).not.toContain('    at ');
    const envelope = await json(...args);
    expect(envelope).toMatchObject({ ok: false, exit_code: 64, data: null, error: { code: 'usage' } });
    expect(envelope.error?.message.toLowerCase()).toContain(message.toLowerCase());
  });
});

describe('a command that streams', () => {
  it('prints lines of JSON and ends with the envelope', async () => {
    const { stdout } = await runCli(['stream', '--json'], { program: fixture.program });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Envelope & { n?: number });
    expect(lines.map(({ schema, n }) => [schema, n])).toEqual([
      ['mxctl/stream-record/v1', 1],
      ['mxctl/stream-record/v1', 2],
      ['mxctl/stream-record/v1', 3],
      ['mxctl/stream/v1', undefined],
    ]);
  });

  it('prints text as it comes', async () => {
    expect((await text('stream')).stdout).toBe('tick 1\ntick 2\ntick 3\nlast\n');
  });

  it.each([[['endless']], [['endless', '--json']]])('bears a reader that goes away: %j', async (args) => {
    const child = startCli(args, { program: fixture.program });
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    let stderr = '';
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([130, null]);
    expect(stderr).not.toContain('EPIPE');
  });
});

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s stops a command with 130 and says so', async (signal) => {
    const child = startCli(['waits'], { program: fixture.program });
    await waitForLine(child.stdout!, 'ready');
    let stderr = '';
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close');
    child.kill(signal);
    expect(await ended).toEqual([130, null]);
    expect(stderr).toMatch(new RegExp(`^error: stopped by ${signal}\n.*mxctl status`));
  });

  it('pressed twice ends what does not stop by itself', async () => {
    const child = startCli(['stubborn'], { program: fixture.program });
    await waitForLine(child.stdout!, 'ready');
    child.kill('SIGINT');
    await waitForLine(child.stdout!, 'asked');
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
  });
});

async function waitForLine(stream: Readable, line: string): Promise<void> {
  let seen = '';
  while (!seen.includes(`${line}\n`)) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    seen += chunk.toString();
  }
}
