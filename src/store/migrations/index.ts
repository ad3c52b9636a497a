// Every migration, in code: nothing is read from disk, so a packed build cannot lose one. Names are only ever added;
// the number in front is the schema's version. There is no way down: an older program refuses a newer file.

import type { Migration } from 'kysely/migration';
import { firstTables } from './0001-first-tables.ts';
import { canaries } from './0002-canaries.ts';
import { vantagesAndBrakes } from './0003-vantages-and-brakes.ts';
import { publishTimes } from './0004-publish-times.ts';

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-canaries': canaries,
  '0003-vantages-and-brakes': vantagesAndBrakes,
  '0004-publish-times': publishTimes,
};

/** Table in which it is noted what has run. */
export const migrationTable = 'schema_migration';

/** 0 where the name carries no number. */
export function versionOf(name: string): number {
  const version = Number.parseInt(name, 10);
  return Number.isNaN(version) ? 0 : version;
}
