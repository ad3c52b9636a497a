// From file to frozen Config: finds the file and reads it, bounded. Asks nothing of the network and reads no secret.

import { hostname } from 'node:os';
import { relative } from 'node:path';
import { ConfigError } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import { faultOf, readStart } from './bounded-file.ts';
import type { Config } from './config.ts';
import { type DiscoveryInput, findConfigFile } from './discovery.ts';
import { parseConfig } from './parse.ts';
import { ConfigProblemsError } from './problems.ts';

/** Some 8,000 routes; what is larger belongs in CSV or NDJSON inventories, which are read as streams. */
const maxConfigBytes = 4 * 1024 * 1024;

export interface LoadInput extends DiscoveryInput {
  /** Instant; ms. Only to warn of exceptions that have ended. */
  readonly now?: number;
}

/**
 * Finds, reads and checks the configuration.
 *
 * Throws ConfigError `config-not-found`, or ConfigProblemsError `config-invalid` with every problem.
 */
export async function loadConfig(input: LoadInput): Promise<Config> {
  const configFile = await findConfigFile(input);
  const near = relative(input.cwd, configFile);
  const shownFile = near.startsWith('..') ? configFile : near;
  return parseConfig(await readBounded(configFile, shownFile), {
    configFile,
    shownFile,
    now: input.now ?? Date.now(),
    hostname: hostname(),
  });
}

async function readBounded(file: string, shownFile: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    ({ bytes } = await readStart(file, maxConfigBytes + 1));
  } catch (error) {
    throw new ConfigError('config-not-found', `cannot read ${sanitise(shownFile)}: ${faultOf(error)}`, {
      hint: 'check its name and that this user may read it',
      cause: error,
    });
  }
  const fault = (message: string) =>
    new ConfigProblemsError(shownFile, [{ line: 1, column: 1, path: '', message, suggestion: null }]);
  if (bytes.length > maxConfigBytes)
    throw fault('is larger than 4 MiB; keep lists of domains in CSV or NDJSON files');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fault('is not UTF-8; save it as UTF-8');
  }
}
