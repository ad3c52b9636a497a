// The store from outside, for `mxctl state`: what is in it, its schema, all of its rows, and a lease whose holder is no
// more. Which columns there are the database itself says, so that no table can be forgotten here.

import { type Insertable, type Kysely, sql } from 'kysely';
import { StoreError } from '../../errors.ts';
import type { Lease } from '../../model/lease.ts';
import type { HeldLeaseRow, StoreAdmin, StoreDescription, StoredRow } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { bringUpToDate, readSchemaVersion, schemaVersion } from './migrate.ts';
import { openEngine } from './open.ts';
import { readLeases } from './lease-list.ts';
import { nobody } from './leases.ts';
import { type Columns, importedRow, readColumns } from './portable.ts';
import type { Tables } from './schema.ts';

/** Throws ConfigError for the url, StoreError `store-unavailable` or `store-corrupt` for what it names. */
export async function openStoreAdmin(options: {
  readonly url: string;
  /** Make what is not there. */
  readonly create: boolean;
}): Promise<StoreAdmin> {
  const engine = await openEngine(options);
  return {
    describe: (now) => describe(engine, now),
    migrate: async () => {
      const from = await readSchemaVersion(engine);
      await bringUpToDate(engine, false);
      return { from, to: schemaVersion };
    },
    exportRows: (take) => exportRows(engine, take),
    importRows: (rows, fail) => importRows(engine, rows, fail),
    readLease: async (route, now) =>
      (await heldLeases(engine, now)).find((one) => one.lease.route === route) ?? null,
    freeLease: (lease) => freeLease(engine, lease),
    close: () => engine.close(),
  };
}

async function heldLeases(engine: SqlEngine, callersNow: number): Promise<HeldLeaseRow[]> {
  const leases = await readLeases(engine);
  const now = await engine.leaseNow(engine.db, callersNow);
  return leases.map((lease) => ({ lease, leftMs: lease.expiresAt - now }));
}

async function describe(engine: SqlEngine, now: number): Promise<StoreDescription> {
  const { location, kind } = engine;
  const schema = await readSchemaVersion(engine);
  const columns = schema === 0 ? new Map<string, Columns>() : await readColumns(engine);
  const tables: { name: string; rows: number }[] = [];
  for (const name of columns.keys()) tables.push({ name, rows: await countRows(engine.db, name) });
  const instants = { event: 'at', observation: 'at', action: 'intended_at', run: 'started_at' };
  const oldest: number[] = [];
  for (const [table, column] of Object.entries(instants)) {
    if (!columns.has(table)) continue;
    const answer = await sql<{ at: number | string | null }>`
      select min(${sql.ref(column)}) as at from ${sql.table(table)}`.execute(engine.db);
    const at = answer.rows[0]?.at ?? null;
    if (at !== null) oldest.push(Number(at));
  }
  return {
    location,
    kind,
    schema,
    knownSchema: schemaVersion,
    sizeBytes: await engine.sizeBytes(),
    tables,
    oldestAt: oldest.length === 0 ? null : Math.min(...oldest),
    leases: columns.has('lease') ? await heldLeases(engine, now) : [],
  };
}

async function countRows(db: Kysely<Tables>, table: string): Promise<number> {
  const answer = await sql<{
    rows: number | string;
  }>`select count(*) as rows from ${sql.table(table)}`.execute(db);
  return Number(answer.rows[0]?.rows ?? 0);
}

async function checkSchema(engine: SqlEngine): Promise<void> {
  const schema = await readSchemaVersion(engine);
  if (schema === schemaVersion) return;
  const what = `state store ${engine.location} has schema ${schema}, this mxctl knows ${schemaVersion}`;
  throw new StoreError('store-older', what, { hint: 'mxctl state migrate   brings it up to date' });
}

async function exportRows(
  engine: SqlEngine,
  take: (rows: readonly StoredRow[]) => Promise<void>,
): Promise<void> {
  await checkSchema(engine);
  const tables = [...(await readColumns(engine)).keys()];
  await engine.single('read', async (db) => {
    for (const table of tables) {
      for await (const rows of engine.pages(db, table))
        await take(rows.map((row) => ({ table, row: row as StoredRow['row'] })));
    }
  });
}

/** Rows in one INSERT: at most some twenty columns each, below SQLite's 32,766 parameters. */
const rowsPerInsert = 500;

async function importRows(
  engine: SqlEngine,
  rows: AsyncIterable<StoredRow>,
  fail: (why: string) => never,
): Promise<ReadonlyMap<string, number>> {
  await checkSchema(engine);
  const columns = await readColumns(engine);
  const counts = new Map<string, number>();
  await engine.single('write', async (db) => {
    await checkEmpty(engine, db, [...columns.keys()]);
    let waiting: StoredRow[] = [];
    const flush = async () => {
      const [first] = waiting;
      if (first === undefined) return;
      await insertRows(db, first.table, waiting);
      counts.set(first.table, (counts.get(first.table) ?? 0) + waiting.length);
      waiting = [];
    };
    for await (const one of rows) {
      const row = importedRow(columns, one, fail);
      if (waiting.length >= rowsPerInsert || (waiting[0]?.table ?? one.table) !== one.table) await flush();
      waiting.push({ table: one.table, row });
    }
    await flush();
  });
  return counts;
}

async function checkEmpty(engine: SqlEngine, db: Kysely<Tables>, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    // Leases that were let go say nothing but how far the tokens have come.
    const rows =
      table === 'lease' ? (await readLeases({ ...engine, db })).length : await countRows(db, table);
    if (rows === 0) continue;
    throw new StoreError(
      'store-not-empty',
      `state store ${engine.location} is not empty: ${rows} rows in ${table}`,
      {
        hint: 'import into a new one: name another sqlite:FILE or database in state.url',
      },
    );
  }
}

async function insertRows(db: Kysely<Tables>, table: string, rows: readonly StoredRow[]): Promise<void> {
  if (table === 'lease') {
    for (const { row } of rows) await importToken(db, String(row['route']), Number(row['token']));
    return;
  }
  const values = rows.map((one) => one.row as unknown as Insertable<Tables[keyof Tables]>);
  await db
    .insertInto(table as keyof Tables)
    .values(values)
    .execute();
}

/** Free, and with the larger of the two tokens: what the other store gave away may still be in somebody's hand. */
async function importToken(db: Kysely<Tables>, route: string, token: number): Promise<void> {
  const known = await db.selectFrom('lease').select('token').where('route', '=', route).executeTakeFirst();
  if (known === undefined) {
    await db.insertInto('lease').values({ route, holder: nobody, token, expires_at: 0 }).execute();
  } else if (known.token < token) {
    await db.updateTable('lease').set({ token }).where('route', '=', route).execute();
  }
}

async function freeLease(engine: SqlEngine, lease: Lease): Promise<boolean> {
  return engine.write('synced', async (trx) => {
    const freed = await trx
      .updateTable('lease')
      .set({ holder: nobody, expires_at: 0 })
      .where('route', '=', lease.route)
      .where('token', '=', lease.token)
      .where('holder', '!=', nobody)
      .executeTakeFirst();
    return freed.numUpdatedRows === 1n;
  });
}
