// Runs the built program as a person, a pipe or cron would. Tests in test/cli and test/e2e use nothing else of it.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { program, projectRoot } from './program.ts';

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly program?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

// A run that needs longer hangs; the slowest machine of CI takes a tenth of it.
const runTimeoutMs = 60_000;

/** Nothing of the environment that tests run in: neither their colours nor a config of the developer's. */
function plainEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LANG: 'C.UTF-8', ...extra };
}

/** Runs to the end with pipes for stdout and stderr and no stdin. Fails only where the program was killed. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const file = options.program ?? program;
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [file, ...args],
      {
        cwd: options.cwd ?? tmpdir(),
        env: plainEnv(options.env),
        timeout: runTimeoutMs,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : error.code;
        if (typeof exitCode === 'number') resolve({ exitCode, stdout, stderr });
        else reject(new Error(`${args.join(' ')}: killed (${String(error?.signal)})\n${stdout}\n${stderr}`));
      },
    );
    child.stdin?.end();
  });
}

/** Starts and leaves it running; the caller waits for what it wants. The end of the test kills what is left. */
export function startCli(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [options.program ?? program, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: plainEnv(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

export interface FixtureProgram {
  readonly program: string;
  readonly remove: () => void;
}

/** The same bin/run.js and base class around commands written for a test: file name in commands/ -> JavaScript.
 *  With a manifest oclif loads only the command that runs, as it does in the shipped program. */
export function createFixtureProgram(
  commands: Readonly<Record<string, string>>,
  options: { hasManifest?: boolean } = {},
): FixtureProgram {
  const root = mkdtempSync(path.join(tmpdir(), 'mxctl-fixture-'));
  for (const shared of ['dist', 'node_modules']) {
    symlinkSync(path.join(projectRoot, shared), path.join(root, shared));
  }
  const { oclif } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
    oclif: Record<string, unknown>;
  };
  const manifest = {
    name: 'mxctl-fixture',
    version: '9.9.9',
    type: 'module',
    oclif: { ...oclif, commands: './commands', plugins: [] },
  };
  writeFileSync(path.join(root, 'package.json'), JSON.stringify(manifest));
  mkdirSync(path.join(root, 'bin'));
  cpSync(program, path.join(root, 'bin/run.js'));
  mkdirSync(path.join(root, 'commands'));
  for (const [name, source] of Object.entries(commands)) {
    writeFileSync(path.join(root, 'commands', `${name}.js`), source);
  }
  if (options.hasManifest === true) {
    const entries = Object.keys(commands).map((id) => [
      id,
      { id, args: {}, flags: {}, aliases: [], isESM: true, relativePath: ['commands', `${id}.js`] },
    ]);
    const content = { version: '9.9.9', commands: Object.fromEntries(entries) as unknown };
    writeFileSync(path.join(root, 'oclif.manifest.json'), JSON.stringify(content));
  }
  return {
    program: path.join(root, 'bin/run.js'),
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}
