// What the program loads before it does anything. A command pays only for what it uses: no SQL, no zod, no DNS
// server, no SDK for a version number.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/cli.ts';
import { projectRoot } from '../support/program.ts';

const heavy = [
  'node:sqlite',
  'kysely',
  'zod',
  'yaml',
  'dns2',
  'smtp-server',
  'selfsigned',
  'pg',
  'cloudflare',
  '@aws-sdk/client-route-53',
];

async function listModules(args: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-modules-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const list = path.join(folder, 'modules');
  const hook = path.join(projectRoot, 'test/support/list-modules.ts');
  const env = { MXCTL_TEST_MODULES: list, NODE_OPTIONS: `--import=${hook}` };
  expect(await runCli(args, { env })).toMatchObject({ exitCode: 0, stderr: '' });
  return readFileSync(list, 'utf8').trimEnd().split('\n');
}

function heavyAmong(modules: readonly string[]): string[] {
  return heavy.filter((name) =>
    modules.some((url) => url === name || url.includes(`/node_modules/${name}/`)),
  );
}

const commandsAmong = (modules: readonly string[]) => [
  ...new Set(
    modules.filter((url) => url.includes('/dist/commands/')).map((url) => path.basename(url, '.js')),
  ),
];

describe('start-up', () => {
  it.each([
    [['--version'], []],
    [['--help'], []],
    [['schema', '--help'], []],
    [['help', 'schema'], []],
    [['help', 'exit-codes'], ['exit-codes']],
  ])('of mxctl %j loads nothing heavy and the code of no other command', async (args, commands) => {
    const modules = await listModules(args);
    expect(modules.some((url) => url.includes('/node_modules/@oclif/core/'))).toBe(true);
    expect(heavyAmong(modules)).toEqual([]);
    expect(commandsAmong(modules)).toEqual(commands);
  });

  it('of a command that reads the schema loads zod, and still no SQL', async () => {
    const found = heavyAmong(await listModules(['schema', 'config']));
    expect(found).toContain('zod');
    expect(found).not.toContain('node:sqlite');
  });

  it('of the Cloudflare adapter needs no package at run time', () => {
    const bundle = readFileSync(path.join(projectRoot, 'dist/providers/cloudflare/sdk.js'), 'utf8');
    expect(bundle).not.toMatch(/^(import|export) .* from /m);
    expect(bundle.length).toBeLessThan(100_000);
    const { dependencies } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies).not.toHaveProperty('cloudflare');
  });
});
