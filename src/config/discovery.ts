// Which file is the configuration: --config, MXCTL_CONFIG, ./mxctl.yaml, then the XDG base directories.

import { access } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import { faultOf } from './bounded-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DiscoveryInput {
  /** Value of --config; null where it was not given. */
  readonly explicitFile: string | null;
  readonly env: Environment;
  readonly cwd: string;
}

/** Places looked at, in order; a file that was named is the only one. */
export function configCandidates({ explicitFile, env, cwd }: DiscoveryInput): string[] {
  const named = explicitFile ?? nonEmpty(env['MXCTL_CONFIG']);
  if (named !== null) return [resolve(cwd, named)];
  // XDG Base Directory Specification: relative values are ignored.
  const absolute = (text: string | null) => (text !== null && isAbsolute(text) ? text : null);
  const home = absolute(nonEmpty(env['HOME']));
  const user = absolute(nonEmpty(env['XDG_CONFIG_HOME'])) ?? (home === null ? null : join(home, '.config'));
  const system = (nonEmpty(env['XDG_CONFIG_DIRS']) ?? '/etc/xdg').split(':').filter((one) => isAbsolute(one));
  const directories = [...(user === null ? [] : [user]), ...system];
  return [resolve(cwd, 'mxctl.yaml'), ...directories.map((one) => join(one, 'mxctl', 'mxctl.yaml'))];
}

/** Absolute name of the configuration. Throws ConfigError `config-not-found` with the places that were looked at. */
export async function findConfigFile(input: DiscoveryInput): Promise<string> {
  const candidates = configCandidates(input);
  for (const file of candidates) {
    try {
      await access(file);
      return file;
    } catch (error) {
      if (!isAbsent(error))
        throw new ConfigError('config-not-found', `cannot reach ${sanitise(file)}: ${faultOf(error)}`, {
          hint: 'check the rights of the directories above it',
          cause: error,
        });
    }
  }
  throw new ConfigError(
    'config-not-found',
    `no configuration: ${candidates.map((one) => sanitise(one)).join(', ')}`,
    {
      hint: 'name one with --config FILE or MXCTL_CONFIG, or start from examples/ and save it as ./mxctl.yaml',
    },
  );
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(faultOf(error));
}
