// A PostgreSQL database as an older mxctl left it: some of the migrations, and a note of each.

import { migrations, migrationTable, versionOf } from '../../src/store/migrations/index.ts';
import { openPostgresEngine } from '../../src/store/sql/postgres-engine.ts';

export async function makeOldSchema(url: string, version: number): Promise<void> {
  const engine = await openPostgresEngine({ url, readOnly: false, lockWaitMs: 5000 });
  try {
    await engine.write('synced', async (trx) => {
      await trx.schema
        .createTable(migrationTable)
        .addColumn('name', 'varchar(255)', (column) => column.notNull().primaryKey())
        .addColumn('timestamp', 'varchar(255)', (column) => column.notNull())
        .execute();
      for (const [name, migration] of Object.entries(migrations)) {
        if (versionOf(name) > version) break;
        await migration.up(trx);
        await trx.insertInto(migrationTable).values({ name, timestamp: '2026-11-01' }).execute();
      }
    });
  } finally {
    await engine.close();
  }
}
