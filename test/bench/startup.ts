// Start-up of `mxctl --version` against a bare oclif program with one command, manifest and compile cache, run in
// turn on the same machine. Prints medians and their ratio; the aim is 1.3 at most.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot, program } from '../support/program.ts';

// Enough for a median that repeats within 2% on a busy machine of two cores.
const rounds = Number(process.argv[2] ?? 41);

const hello = createHello();
const samples: Record<'hello' | 'mxctl', number[]> = { hello: [], mxctl: [] };
for (let round = 0; round <= rounds; round += 1) {
  // The first round fills the compile caches and is not counted.
  const counted = round > 0;
  for (const [name, file] of [
    ['hello', hello.program],
    ['mxctl', program],
  ] as const) {
    const elapsedMs = time(file);
    if (counted) samples[name].push(elapsedMs);
  }
}
rmSync(hello.root, { recursive: true });

const [helloMs, mxctlMs] = [median(samples.hello), median(samples.mxctl)];
console.log(`start-up, medians of ${rounds}: bare oclif hello --version ${helloMs.toFixed(0)} ms,`);
console.log(
  `mxctl --version ${mxctlMs.toFixed(0)} ms, ratio ${(mxctlMs / helloMs).toFixed(2)} (aim: 1.3 at most)`,
);

function time(file: string): number {
  const startedAt = performance.now();
  execFileSync(process.execPath, [file, '--version'], { cwd: tmpdir() });
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function createHello(): { root: string; program: string } {
  const root = mkdtempSync(path.join(tmpdir(), 'oclif-hello-'));
  symlinkSync(path.join(projectRoot, 'node_modules'), path.join(root, 'node_modules'));
  const oclif = { bin: 'hello', commands: './commands', dirname: 'hello' };
  const files = {
    'package.json': JSON.stringify({
      name: 'hello',
      version: '1.0.0',
      type: 'module',
      files: ['commands'],
      oclif,
    }),
    'commands/hello.js': `import { Command } from '@oclif/core';
export default class Hello extends Command { async run() { this.log('hello'); } }`,
    'bin/run.js': `import module from 'node:module';
module.enableCompileCache();
const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });`,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  }
  execFileSync(path.join(projectRoot, 'node_modules/.bin/oclif'), ['manifest'], {
    cwd: root,
    stdio: 'ignore',
  });
  return { root, program: path.join(root, 'bin/run.js') };
}
