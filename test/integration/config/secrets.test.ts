import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSecret, type SecretReader } from '../../../src/config/secrets.ts';
import { AppError } from '../../../src/errors.ts';
import type { SecretSource } from '../../../src/model/secret.ts';

const secret = 'c2VjcmV0LWtleQ==';
let directory: string;
let warnings: string[];
const place = (name: string) => join(directory, name);
const node = (script: string) => ({ command: [process.execPath, '-e', script] });
const read = (source: SecretSource, more: Partial<SecretReader> = {}) =>
  readSecret(source, {
    env: {},
    credentialsDirectory: null,
    warn: (text) => warnings.push(text),
    ...more,
  });

/** The error, after a look that neither it nor its cause shows what was read. */
async function refusal(source: SecretSource, more: Partial<SecretReader> = {}): Promise<AppError> {
  const error: unknown = await read(source, more).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error(`not an AppError: ${String(error)}`);
  expect(inspect(error, { depth: 9 })).not.toContain(secret);
  expect(error).toMatchObject({ code: 'secret-unreadable', exitCode: 78 });
  return error;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-secret-'));
  warnings = [];
});
afterEach(() => rm(directory, { recursive: true }));

describe('a secret', () => {
  it.each([
    ['\n', ''],
    ['\r\n', ''],
    ['', ''],
    ['\n\n', '\n'],
  ])('from a file loses one trailing line break (%j)', async (end, left) => {
    await writeFile(place('key'), secret + end, { mode: 0o600 });
    expect((await read({ file: place('key') })).reveal()).toBe(secret + left);
    expect(warnings).toEqual([]);
  });

  it('from a file that others may read comes with a warning', async () => {
    await writeFile(place('key'), secret);
    await chmod(place('key'), 0o644);
    expect((await read({ file: place('key') })).reveal()).toBe(secret);
    expect(warnings).toEqual([`secret file ${place('key')} may be read by others (mode 644); chmod 600 it`]);
  });

  it('comes from the environment it is given, a systemd credential or a program', async () => {
    await writeFile(place('tsig'), `${secret}\n`, { mode: 0o400 });
    expect((await read({ env: 'K' }, { env: { K: secret } })).reveal()).toBe(secret);
    expect((await read({ credential: 'tsig' }, { credentialsDirectory: directory })).reveal()).toBe(secret);
    expect((await read(node(`console.log('${secret}')`))).reveal()).toBe(secret);
  });

  it('does not show itself in text, JSON or a dump', async () => {
    const value = await read({ env: 'K' }, { env: { K: secret } });
    expect(`${String(value)} ${JSON.stringify({ value })} ${inspect(value)}`).not.toContain(secret);
  });
});

describe('a secret that cannot be read', () => {
  it('names its file and why', async () => {
    expect((await refusal({ file: place('none') })).message).toBe(
      `cannot read secret file ${place('none')}: ENOENT`,
    );
    expect((await refusal({ file: directory })).message).toContain('EISDIR');
  });

  it('names its environment variable', async () => {
    expect((await refusal({ env: 'TSIG' })).message).toBe(
      'cannot read environment variable TSIG: it is not set',
    );
  });

  it('names its credential, and never leaves the directory for it', async () => {
    expect((await refusal({ credential: 'k' })).message).toContain('CREDENTIALS_DIRECTORY is not set');
    const inside = { credentialsDirectory: directory };
    expect((await refusal({ credential: 'k' }, inside)).message).toContain('systemd credential k: ENOENT');
    for (const name of ['../key', '/etc/passwd', '..'])
      expect((await refusal({ credential: name }, inside)).message).toContain('may not hold a slash');
  });

  it.each([
    ['empty', '\n', 'it is empty'],
    ['with a NUL', `${secret}\0`, 'it holds a NUL'],
    ['of 65 KiB', secret.repeat(5_000), 'it is larger than 64 KiB'],
  ])('is one %s', async (_, content, why) => {
    await writeFile(place('key'), content, { mode: 0o600 });
    expect((await refusal({ file: place('key') })).message).toContain(why);
  });

  it('is one that is not text', async () => {
    await writeFile(place('key'), Uint8Array.from([0xff, 0xfe]), { mode: 0o600 });
    expect((await refusal({ file: place('key') })).message).toContain('it is not UTF-8 text');
  });

  it('names the program, never its arguments or what it says', async () => {
    const failing = await refusal(
      node(`console.error('${secret}'); console.log('${secret}'); process.exit(3)`),
    );
    expect(failing.message).toBe(`cannot read secret command ${process.execPath}: exit code 3`);
    expect((await refusal({ command: ['/nonexistent/vault', secret] })).message).toContain('ENOENT');
  });

  it('stops a program that does not end, or does not stop talking', async () => {
    const silent = await refusal(node('setInterval(() => {}, 1000)'), { commandTimeoutMs: 300 });
    expect(silent.message).toContain('it was still running after 0.3 s');
    const loud = await refusal(node("setInterval(() => process.stdout.write('x'.repeat(65536)), 1)"));
    expect(loud.message).toContain('it printed more than 64 KiB');
  });

  it('does not wait for what a program started', async () => {
    const script =
      "require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'inherit'})";
    expect((await refusal(node(script), { commandTimeoutMs: 700 })).message).toContain('still running');
  });

  it('gives a program no shell', async () => {
    expect((await refusal({ command: ['echo $HOME; true'] })).message).toContain('ENOENT');
  });
});
