// The files of a world: the CA's certificate, the TSIG secret, the key of canary tokens, the Maildir where canaries
// arrive and, while it runs, the switchboard's address. Loads no server, so that `mxctl sandbox --set` can find the
// switchboard cheaply.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TsigKey } from '../dns/tsig.ts';

export const caFileIn = (directory: string): string => join(directory, 'ca.pem');
export const tsigSecretFileIn = (directory: string): string => join(directory, 'tsig.key');
export const canaryKeyFileIn = (directory: string): string => join(directory, 'canary.key');
/** Not `Maildir`: it is emptied when a world begins, and somebody's mail might be in a directory of that name. */
export const maildirIn = (directory: string): string => join(directory, 'canary-maildir');

/** Where the control file of a sandbox in `directory` is. */
export function controlFileIn(directory: string): string {
  return join(directory, 'control.json');
}

/** A new temporary directory where none is given. */
export async function makeDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return mkdtemp(join(tmpdir(), 'mxctl-sandbox-'));
  await mkdir(given, { recursive: true, mode: 0o700 });
  return given;
}

/** 256 bits, as long as the digest of the HMAC in a token (RFC 2104 §3). */
const canaryKeyOctets = 32;

export async function writeKeys(directory: string, key: TsigKey, caPem: string): Promise<void> {
  await writeSecret(tsigSecretFileIn(directory), Buffer.from(key.secret));
  await writeSecret(canaryKeyFileIn(directory), randomBytes(canaryKeyOctets));
  await writeFile(caFileIn(directory), caPem);
}

async function writeSecret(file: string, octets: Buffer): Promise<void> {
  // A mode only counts for a file that is new, and what lies there may be somebody's link.
  await rm(file, { force: true });
  await writeFile(file, `${octets.toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
}
