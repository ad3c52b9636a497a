// Reads a secret from where it is kept: file, environment, systemd credential, or a program's output. Never writes
// what it read into an error, and never what a program said beside it.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { Secret, type SecretSource } from '../model/secret.ts';
import { sanitise } from '../model/text.ts';
import { faultOf, readStart } from './bounded-file.ts';
import type { Environment } from './discovery.ts';

/** Keys and tokens have a few hundred octets; a larger answer is not one. */
const maxSecretBytes = 64 * 1024;
/** A vault answers in seconds; longer, and a run from cron would be late. */
const defaultCommandTimeoutMs = 10_000;

export interface SecretReader {
  readonly env: Environment;
  /** `$CREDENTIALS_DIRECTORY` of systemd; null where the process has none. */
  readonly credentialsDirectory: string | null;
  readonly commandTimeoutMs?: number;
  /** Told of a file that others may read; never of its content. */
  readonly warn?: (text: string) => void;
}

/** One trailing line break is the editor's and is cut. Throws ConfigError `secret-unreadable` naming the source. */
export async function readSecret(source: SecretSource, reader: SecretReader): Promise<Secret> {
  const text = await readText(source, reader);
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw unreadable(source, 'it is empty');
  if (secret.includes('\0')) throw unreadable(source, 'it holds a NUL; secrets are text (base64 for keys)');
  return new Secret(secret);
}

async function readText(source: SecretSource, reader: SecretReader): Promise<string> {
  if ('env' in source) {
    const value = reader.env[source.env];
    if (value === undefined) throw unreadable(source, 'it is not set');
    return value;
  }
  if ('command' in source) return runCommand(source, reader);
  if ('file' in source) return readFileBounded(source, source.file, reader.warn);
  if (reader.credentialsDirectory === null)
    throw unreadable(
      source,
      'CREDENTIALS_DIRECTORY is not set: this is no systemd service with LoadCredential=',
    );
  // The schema forbids a slash; this holds for sources that were not parsed from a file too.
  if (/[/\0]/.test(source.credential) || ['.', '..', ''].includes(source.credential))
    throw unreadable(source, 'its name may not hold a slash');
  return readFileBounded(source, resolve(reader.credentialsDirectory, source.credential));
}

async function readFileBounded(
  source: SecretSource,
  file: string,
  warn?: (text: string) => void,
): Promise<string> {
  try {
    const { bytes, mode } = await readStart(file, maxSecretBytes + 1);
    // Group and world bits: a warning only, since container runtimes mount secrets as 0444.
    if ((mode & 0o077) !== 0)
      warn?.(`${nameOf(source)} may be read by others (mode ${(mode & 0o777).toString(8)}); chmod 600 it`);
    return decode(source, bytes);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // The cause is left out: it adds nothing to its code.
    throw unreadable(source, faultOf(error));
  }
}

function runCommand(source: { readonly command: readonly string[] }, reader: SecretReader): Promise<string> {
  const timeoutMs = reader.commandTimeoutMs ?? defaultCommandTimeoutMs;
  const [program = '', ...args] = source.command;
  return new Promise((done, fail) => {
    // No shell, no terminal to ask on; what it says on stderr may hold the secret and goes nowhere. A process group of
    // its own, so that what it started ends with it: a grandchild that keeps stdout open would keep us waiting.
    const child = spawn(program, args, {
      env: { ...reader.env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (why: string) => {
      clearTimeout(timer);
      endGroup(child.pid);
      child.stdout.destroy();
      fail(unreadable(source, why));
    };
    const timer = setTimeout(() => stop(`it was still running after ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxSecretBytes) stop('it printed more than 64 KiB');
    });
    child.on('error', (error) => stop(faultOf(error)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) {
        fail(
          unreadable(source, code === null ? `it was ended by ${signal ?? 'a signal'}` : `exit code ${code}`),
        );
        return;
      }
      try {
        done(decode(source, Buffer.concat(chunks)));
      } catch (error) {
        fail(error instanceof Error ? error : unreadable(source, 'unknown error'));
      }
    });
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function decode(source: SecretSource, bytes: Uint8Array): string {
  if (bytes.length > maxSecretBytes) throw unreadable(source, 'it is larger than 64 KiB');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(source, 'it is not UTF-8 text (base64 for keys)');
  }
}

/** For people: where the secret is kept. Of a command only the program: arguments may be tokens. */
function nameOf(source: SecretSource): string {
  if ('file' in source) return `secret file ${sanitise(source.file)}`;
  if ('env' in source) return `environment variable ${sanitise(source.env)}`;
  if ('credential' in source) return `systemd credential ${sanitise(source.credential)}`;
  return `secret command ${sanitise(source.command[0] ?? '')}`;
}

const hints = {
  file: 'check its name and that this user may read it',
  env: 'set it in the environment of this process (a systemd unit or cron has its own)',
  credential: 'check LoadCredential= in the unit',
  command: 'run it by hand as this user: it must print the secret and nothing else, and end with 0',
} as const;

function unreadable(source: SecretSource, why: string): ConfigError {
  const kind = (['file', 'env', 'credential', 'command'] as const).find((one) => one in source) ?? 'file';
  return new ConfigError('secret-unreadable', `cannot read ${nameOf(source)}: ${why}`, { hint: hints[kind] });
}
