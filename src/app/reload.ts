// SIGHUP, between two rounds: the new configuration where it is good, the old one where it is not. Either is said once
// and kept in the history.

import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import type { Deps } from './deps.ts';
import { tellUnwatched } from './unwatched.ts';

export interface Reloadable {
  /** As of the last good configuration. */
  readonly program: Pick<Deps, 'config' | 'store' | 'clock' | 'newId' | 'logger'>;
  /** Gives back the configuration of before. Throws AppError where the new one cannot be used. */
  reload(): Promise<Config>;
}

export interface Reloaded {
  /** Null where the new configuration holds. */
  readonly error: AppError | null;
  /** One line. */
  readonly text: string;
}

/** As much of a list of problems as fits a line of history. */
const longestText = 600;

export async function reloadConfig(service: Reloadable): Promise<Reloaded> {
  let reloaded: Reloaded;
  try {
    const before = await service.reload();
    reloaded = { error: null, text: `configuration reloaded: ${difference(before, service.program.config)}` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const why = sanitise(error.message.split('\n').join('; '), longestText);
    reloaded = { error, text: `configuration not reloaded, the old one holds: ${why}` };
    service.program.logger.warn(reloaded.text);
  }
  await record(reloaded, service.program);
  return reloaded;
}

/** A store that is away keeps nobody from reading a configuration; the next round says that it is away. */
async function record({ error, text }: Reloaded, program: Reloadable['program']): Promise<void> {
  const { store, clock, newId, logger } = program;
  try {
    const data = { isReloaded: error === null, error: error?.code ?? null };
    await store.appendEvent({ id: newId(), at: clock.now(), route: null, kind: 'config', text, data });
    if (error === null) for (const line of await tellUnwatched(program, false)) logger.warn(line);
  } catch (failure) {
    if (!(failure instanceof AppError)) throw failure;
    logger.warn(`not in the history: ${failure.message}`);
  }
}

function difference(before: Config, after: Config): string {
  const names = [...after.routes.keys()];
  const added = names.filter((name) => !before.routes.has(name));
  const removed = [...before.routes.keys()].filter((name) => !after.routes.has(name));
  const list = (what: string, of: readonly string[]) =>
    of.length === 0 ? [] : [`${what} ${of.slice(0, 10).join(', ')}${of.length > 10 ? ' ...' : ''}`];
  const count = names.length === 1 ? '1 route' : `${names.length} routes`;
  return [count, ...list('new', added), ...list('gone', removed)].join('; ');
}
