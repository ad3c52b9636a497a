// The files of a world: the CA's certificate, the TSIG secret and, while it runs, the switchboard's address. Loads no
// server, so that `mxctl sandbox --set` can find the switchboard cheaply.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TsigKey } from '../dns/tsig.ts';

export const caFileIn = (directory: string): string => join(directory, 'ca.pem');
export const tsigSecretFileIn = (directory: string): string => join(directory, 'tsig.key');

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

export async function writeKeys(directory: string, key: TsigKey, caPem: string): Promise<void> {
  const secretFile = tsigSecretFileIn(directory);
  // A mode only counts for a file that is new, and what lies there may be somebody's link.
  await rm(secretFile, { force: true });
  await writeFile(secretFile, `${Buffer.from(key.secret).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  await writeFile(caFileIn(directory), caPem);
}
