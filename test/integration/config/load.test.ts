import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configCandidates } from '../../../src/config/discovery.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigProblemsError } from '../../../src/config/problems.ts';
import { AppError } from '../../../src/errors.ts';

let directory: string;
const file = (name: string, content: string | Uint8Array) => writeFile(join(directory, name), content);
const load = (env: Record<string, string> = {}, explicitFile: string | null = null) =>
  loadConfig({ explicitFile, env: { XDG_CONFIG_DIRS: join(directory, 'none'), ...env }, cwd: directory });

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`not an AppError: ${String(error)}`);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-config-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('finding the configuration', () => {
  it('looks at ./mxctl.yaml, the user and the system, in this order, unless a file is named', () => {
    const at = (explicitFile: string | null, env: Record<string, string>) =>
      configCandidates({ explicitFile, env, cwd: '/work' });
    expect(at(null, { HOME: '/home/me' })).toEqual([
      '/work/mxctl.yaml',
      '/home/me/.config/mxctl/mxctl.yaml',
      '/etc/xdg/mxctl/mxctl.yaml',
    ]);
    expect(at(null, { HOME: '/home/me', XDG_CONFIG_HOME: '/x', XDG_CONFIG_DIRS: '/a:relative:/b' })).toEqual([
      '/work/mxctl.yaml',
      '/x/mxctl/mxctl.yaml',
      '/a/mxctl/mxctl.yaml',
      '/b/mxctl/mxctl.yaml',
    ]);
    expect(at(null, { MXCTL_CONFIG: 'conf/m.yaml' })).toEqual(['/work/conf/m.yaml']);
    expect(at('a.yaml', { MXCTL_CONFIG: '/b.yaml' })).toEqual(['/work/a.yaml']);
    expect(at(null, { MXCTL_CONFIG: '', XDG_CONFIG_DIRS: '/a' })).toEqual([
      '/work/mxctl.yaml',
      '/a/mxctl/mxctl.yaml',
    ]);
  });

  it('takes the first that is there', async () => {
    await mkdir(join(directory, 'xdg/mxctl'), { recursive: true });
    await file('xdg/mxctl/mxctl.yaml', 'version: 1\nvantage: xdg');
    await file('named.yaml', 'version: 1\nvantage: named');
    const env = { XDG_CONFIG_HOME: join(directory, 'xdg') };
    expect((await load(env)).vantage).toBe('xdg');
    await file('mxctl.yaml', 'version: 1\nvantage: here');
    expect((await load(env)).vantage).toBe('here');
    expect((await load({ ...env, MXCTL_CONFIG: 'named.yaml' })).vantage).toBe('named');
    const config = await load({ MXCTL_CONFIG: '/nowhere' }, 'named.yaml');
    expect(config.configFile).toBe(join(directory, 'named.yaml'));
  });

  it('does not fall back where the named one is not there, and says where it looked', async () => {
    await file('mxctl.yaml', 'version: 1');
    const error = await refusal(load({}, 'nmaed.yaml'));
    expect(error).toMatchObject({ code: 'config-not-found', exitCode: 78 });
    expect(error.message).toContain(join(directory, 'nmaed.yaml'));
    expect(error.hint).toContain('--config FILE');
  });

  it('says that a directory is no configuration', async () => {
    await mkdir(join(directory, 'mxctl.yaml'));
    const error = await refusal(load());
    expect(error).toMatchObject({ code: 'config-not-found', exitCode: 78 });
    expect(error.message).toContain('EISDIR');
  });
});

describe('reading the configuration', () => {
  it('throws every problem with its place, exit code 78', async () => {
    await file('mxctl.yaml', 'version: 1\nvantgae: x\nresolvers: [y]\n');
    const error = await refusal(load());
    expect(error).toMatchObject({ code: 'config-invalid', exitCode: 78 });
    if (!(error instanceof ConfigProblemsError)) throw error;
    expect(error.problems).toEqual([
      { line: 2, column: 1, path: 'vantgae', message: 'unknown key', suggestion: 'vantage' },
      expect.objectContaining({ line: 3, column: 13, path: 'resolvers[0]', suggestion: null }),
    ]);
    expect(error.message.split('\n')[1]).toBe('mxctl.yaml:2:1: vantgae: unknown key (did you mean vantage?)');
  });

  it('names a file elsewhere in full', async () => {
    await file('m.yaml', 'version: 3');
    const other = await mkdtemp(join(tmpdir(), 'mxctl-cwd-'));
    const error = await refusal(loadConfig({ explicitFile: join(directory, 'm.yaml'), env: {}, cwd: other }));
    await rm(other, { recursive: true });
    expect(error.message).toContain(`${join(directory, 'm.yaml')}:1:10: version:`);
  });

  it('takes a byte order mark and Windows line ends', async () => {
    await file('mxctl.yaml', '\ufeffversion: 1\r\nvantage: a\r\n');
    expect((await load()).vantage).toBe('a');
  });

  it('refuses what is not UTF-8', async () => {
    await file('mxctl.yaml', Uint8Array.from([0x76, 0x3a, 0x20, 0xe9]));
    expect((await refusal(load())).message).toContain('mxctl.yaml:1:1: is not UTF-8');
  });

  it('reads no more than 4 MiB, also of a file that never ends', async () => {
    await file('mxctl.yaml', `version: 1\n#${'x'.repeat(4 * 1024 * 1024)}`);
    expect((await refusal(load())).message).toContain('is larger than 4 MiB');
    expect((await refusal(load({}, '/dev/zero'))).message).toContain('is larger than 4 MiB');
  });

  it('reads no secret: files that do not exist are no matter yet', async () => {
    await file(
      'mxctl.yaml',
      'version: 1\nproviders: {p: {type: rfc2136, server: 192.0.2.1, tsig: {name: k, secret: {file: nowhere}}}}',
    );
    expect((await load()).providers.get('p')).toMatchObject({
      tsig: { secret: { file: join(directory, 'nowhere') } },
    });
  });
});
