// Brings a database to this program's schema, or says why not. All of it happens in one transaction with the write
// lock, so that two first runs at once make one schema, and a killed one makes none.

import { setTimeout as sleep } from 'node:timers/promises';
import type { KyselyPlugin } from 'kysely';
import { StoreError } from '../../errors.ts';
import { sanitise } from '../../model/text.ts';
import { migrations, migrationTable, versionOf } from '../migrations/index.ts';
import type { SqlEngine } from './engine.ts';
import { corruptHint } from './faults.ts';
import { Fields } from './fields.ts';

/** A schema is made in some ten milliseconds. */
const racePauseMs = { least: 20, most: 100 };

const names = Object.keys(migrations);

export const schemaVersion = Math.max(...names.map(versionOf));

/** Version of the schema that is there; 0 = none. Throws StoreError `store-newer` or `store-corrupt`. */
export async function readSchemaVersion(engine: SqlEngine): Promise<number> {
  const tables = await engine.listTables();
  if (tables.length === 0) return 0;
  if (!tables.includes(migrationTable)) {
    throw new StoreError('store-corrupt', `${engine.location} is a database, but not one of mxctl`, {
      hint:
        engine.kind === 'sqlite'
          ? 'name the right file, or one that does not exist yet: state.url: sqlite:FILE'
          : 'give mxctl a database of its own, or a schema: …?options=-c%20search_path%3DNAME in state.url',
    });
  }
  const rows = await engine.db.selectFrom(migrationTable).select('name').execute();
  const done = rows.map((row) => Fields.ofRow(migrationTable, row.name, row).line('name'));
  const unknown = done.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw newer(engine.location, unknown);
  return Math.max(0, ...done.map(versionOf));
}

function newer(location: string, unknown: readonly string[]): StoreError {
  const version = Math.max(...unknown.map(versionOf));
  return new StoreError(
    'store-newer',
    `state store ${location} has schema ${version}, this mxctl knows ${schemaVersion}: a newer mxctl wrote it`,
    { hint: 'update mxctl on this machine; the state store was not touched' },
  );
}

/** So that a schema which was left half made is finished, where a database commits each table by itself. */
const tolerant: KyselyPlugin = {
  transformQuery: ({ node }) =>
    node.kind === 'CreateTableNode' || node.kind === 'CreateIndexNode'
      ? { ...node, ifNotExists: true }
      : node,
  transformResult: ({ result }) => Promise.resolve(result),
};

/** Not Kysely's Migrator: that one asks again after a statement that failed, and in PostgreSQL nothing is answered any
 *  more in a transaction in which one did. */
async function migrate(engine: SqlEngine): Promise<void> {
  await engine.write('synced', async (trx) => {
    await trx.schema
      .createTable(migrationTable)
      .ifNotExists()
      .addColumn('name', 'varchar(255)', (column) => column.notNull().primaryKey())
      .addColumn('timestamp', 'varchar(255)', (column) => column.notNull())
      .execute();
    const rows = await trx.selectFrom(migrationTable).select('name').execute();
    const done = new Set(rows.map((row) => row.name));
    for (const [name, migration] of Object.entries(migrations)) {
      if (done.has(name)) continue;
      await migration.up(trx.withPlugin(tolerant));
      const timestamp = new Date().toISOString();
      await trx.insertInto(migrationTable).values({ name, timestamp }).execute();
    }
  });
}

function failed(error: unknown, location: string): unknown {
  if (error instanceof StoreError) return error;
  const said = sanitise(error instanceof Error ? error.message : 'for no stated reason');
  return new StoreError('store-corrupt', `state store ${location} cannot be brought up to date: ${said}`, {
    hint: corruptHint(location),
    cause: error,
  });
}

/** First runs at once meet at the tables that they make; the last of eight has seen seven others by then. */
const maxRaces = 10;

/** Throws StoreError `store-newer`, `store-corrupt` or `store-unavailable`. */
export async function bringUpToDate(engine: SqlEngine, readOnly: boolean): Promise<void> {
  for (let races = 0; ; races += 1) {
    if ((await readSchemaVersion(engine)) === schemaVersion) return;
    if (readOnly) {
      throw new StoreError(
        'store-unavailable',
        `state store ${engine.location} has no schema of this mxctl yet`,
        {
          hint: 'run a command that may write once: mxctl auto --once',
        },
      );
    }
    try {
      await migrate(engine);
      return;
    } catch (error) {
      if (!engine.isSchemaRace(error) || races >= maxRaces) throw failed(error, engine.location);
    }
    await sleep(racePauseMs.least + Math.random() * (racePauseMs.most - racePauseMs.least));
  }
}
