// What the program says about itself: help, the schema, the table of exit codes.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/render/envelope.ts';
import { displayWidth, standardWidth } from '../../src/render/terminal.ts';
import { runCli } from '../support/cli.ts';
import { projectRoot } from '../support/program.ts';

const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<
    string,
    { summary?: string; flags: Record<string, { summary?: string; description?: string }> }
  >;
};
const commands = Object.entries(manifest.commands).map(([id, command]) => ({
  typed: id.replaceAll(':', ' '),
  ...command,
}));

const tooWide = (text: string) => text.split('\n').filter((line) => displayWidth(line) > standardWidth);

describe('help', () => {
  it('fits into 80 columns and names every command, those for the night first', async () => {
    const { exitCode, stdout } = await runCli(['--help']);
    expect([exitCode, tooWide(stdout)]).toEqual([0, []]);
    for (const { typed } of commands) expect(stdout).toMatch(new RegExp(`^  ${typed}  `, 'm'));
    expect(stdout.indexOf('\n  status')).toBeLessThan(stdout.indexOf('\n  failover'));
    expect(stdout.indexOf('\n  failover')).toBeLessThan(stdout.indexOf('\n  schema'));
  });

  it('is what no arguments, and help alone, print too', async () => {
    const [bare, word, flag] = await Promise.all([runCli([]), runCli(['help']), runCli(['--help'])]);
    expect(bare).toEqual(flag);
    expect(word).toEqual(flag);
  });

  it('of one command is the same by flag and by word', async () => {
    const [word, flag] = await Promise.all([runCli(['help', 'status']), runCli(['status', '--help'])]);
    expect(word.stdout).toContain('mxctl status [ROUTE]');
    expect(word).toEqual(flag);
  });

  it.each(commands)('of mxctl $typed fits into 80 columns', async ({ typed }) => {
    const { exitCode, stdout } = await runCli([...typed.split(' '), '--help']);
    expect([exitCode, tooWide(stdout)]).toEqual([0, []]);
  });

  it('says of every command and flag what it is for', () => {
    const silent = commands.flatMap(({ typed, summary, flags }) => [
      ...((summary ?? '') === '' ? [typed] : []),
      ...Object.entries(flags)
        .filter(([, flag]) => (flag.summary ?? flag.description ?? '') === '')
        .map(([name]) => `${typed} --${name}`),
    ]);
    expect(silent).toEqual([]);
  });

  it('offers nothing that installs, updates or guesses', async () => {
    const { stdout } = await runCli(['--help']);
    expect(stdout).not.toMatch(/^ {2}(plugins|update)/m);
    expect(await runCli(['statsu'])).toMatchObject({
      exitCode: 64,
      stdout: '',
      stderr: 'error: statsu is not a command of mxctl\nDid you mean mxctl status? See mxctl --help\n',
    });
  });
});

describe('reference', () => {
  it('prints the same schema as text and as data', async () => {
    const [text, json] = await Promise.all([
      runCli(['schema', 'config']),
      runCli(['schema', 'config', '--json']),
    ]);
    const schema = JSON.parse(text.stdout) as Record<string, unknown>;
    expect(schema).toHaveProperty('properties.routes');
    expect((JSON.parse(json.stdout) as Envelope).data).toEqual(schema);
  });

  it('prints the schema whole in the C locale: what is not ASCII stays valid JSON', async () => {
    const [utf8, ascii] = await Promise.all([
      runCli(['schema', 'config']),
      runCli(['schema', 'config'], { env: { LC_ALL: 'C' } }),
    ]);
    // eslint-disable-next-line no-control-regex -- everything that is not ASCII
    expect(ascii.stdout).not.toMatch(/[^\u0000-\u007f]/);
    expect(Object.keys(JSON.parse(ascii.stdout) as object)).toEqual(
      Object.keys(JSON.parse(utf8.stdout) as object),
    );
  });

  it('lists every exit code', async () => {
    const { stdout } = await runCli(['help', 'exit-codes']);
    const codes = [...stdout.matchAll(/^ *(\d+) {2}/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 78, 130]);
  });
});
