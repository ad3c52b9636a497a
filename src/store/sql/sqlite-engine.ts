// One SQLite file as the store's engine: rights, pragmas, durability. Never more than one connection a process.
// WAL, so that `status` reads while `auto` writes. https://www.sqlite.org/wal.html

import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type * as sqlite from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { StoreError } from '../../errors.ts';
import type { ColumnRow, Durability, SqlEngine } from './engine.ts';
import { fileFault, storeFault } from './faults.ts';
import type { Tables } from './schema.ts';
import { inTransaction } from './single.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

export interface SqliteOptions {
  /** Absolute. */
  readonly file: string;
  readonly create: boolean;
  readonly readOnly: boolean;
  /** How long to wait for another process's transaction. */
  readonly lockWaitMs: number;
}

/** Only the owner: the history names hosts, people and reasons. */
const fileMode = 0o600;
const directoryMode = 0o700;
/** How long SQLite itself waits, with the event loop standing still; the driver waits the rest without that. */
const busyTimeoutMs = 25;

/** node:sqlite without its ExperimentalWarning (Node 22): cron mails any output. Other warnings pass. */
function loadSqlite(): typeof sqlite {
  const emitWarning = Reflect.get(process, 'emitWarning') as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (args[1] === 'ExperimentalWarning' && String(args[0]).startsWith('SQLite ')) return;
    Reflect.apply(emitWarning, process, args);
  };
  try {
    // Loads at once, so that nothing else runs while the filter is in place.
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function isPresent(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** With what is missing above it. Not Node's own `recursive`: that never ends where the system says "no such file" of
 *  a directory whose parent is there, as below /proc (seen with 24.21, 2026-11). */
async function makeDirectory(directory: string): Promise<void> {
  try {
    if (await isPresent(directory)) return;
    const parent = dirname(directory);
    if (parent !== directory) await makeDirectory(parent);
    await mkdir(directory, { mode: directoryMode });
  } catch (error) {
    // Another process was first.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** An empty file with the right mode; SQLite gives -wal and -shm the mode of the file. */
async function createFile(file: string): Promise<void> {
  await makeDirectory(dirname(file));
  try {
    await (await open(file, 'wx', fileMode)).close();
  } catch (error) {
    // Another process was first; the migrations sort that out.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** Touches the file only where it does not exist: closing any descriptor of it besides SQLite's would drop the POSIX
 *  locks of this process. https://www.sqlite.org/howtocorrupt.html §2.2 */
async function prepareFile({ file, create, readOnly }: SqliteOptions, location: string): Promise<void> {
  try {
    if (await isPresent(file)) return;
    if (create && !readOnly) {
      await createFile(file);
      return;
    }
  } catch (error) {
    throw fileFault(error, location);
  }
  throw new StoreError('store-unavailable', `state store ${location} does not exist`, {
    hint: 'the first `mxctl auto --once` makes it; or name the right one: state.url: sqlite:FILE',
  });
}

function openDatabase(options: SqliteOptions, location: string): sqlite.DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  try {
    return new DatabaseSync(options.file, {
      readOnly: options.readOnly,
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: false,
      allowExtension: false,
    });
  } catch (error) {
    throw storeFault(error, location);
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

/** Throws StoreError `store-unavailable` or `store-corrupt`. */
export async function openSqliteEngine(options: SqliteOptions): Promise<SqlEngine> {
  const location = `sqlite:${options.file}`;
  await prepareFile(options, location);
  const database = openDatabase(options, location);
  const db = new Kysely<Tables>({
    dialect: sqliteDialect({ database, location, lockWaitMs: options.lockWaitMs }),
  });
  try {
    // The file may be anybody's: nothing in its schema may call functions with side effects.
    await sql`pragma trusted_schema = off`.execute(db);
    const isWal = await setJournalMode(db, options.readOnly);
    return engineOver(db, options, location, isWal);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** False where the file system cannot share memory (some network mounts): slower, and no less correct. */
async function setJournalMode(db: Kysely<Tables>, readOnly: boolean): Promise<boolean> {
  const answer = readOnly
    ? await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
    : await sql<{ journal_mode: string }>`pragma journal_mode = wal`.execute(db);
  return answer.rows[0]?.journal_mode === 'wal';
}

/** Rows in a page: a megabyte where rows are long. */
const rowsPerPage = 500;

async function* sqlitePages(
  db: Kysely<Tables>,
  table: string,
): AsyncIterable<Readonly<Record<string, unknown>>[]> {
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const { rows } = await sql<Record<string, unknown>>`
      select rowid as "(row)", * from ${sql.table(table)} where rowid > ${after} order by rowid limit ${rowsPerPage}`.execute(
      db,
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = Number(last['(row)']);
    for (const row of rows) delete row['(row)'];
    yield rows;
  }
}

function engineOver(db: Kysely<Tables>, options: SqliteOptions, location: string, isWal: boolean): SqlEngine {
  let isClosed = false;
  let current: Durability | null = null;
  return {
    kind: 'sqlite',
    db,
    location,
    write: (durability, work) =>
      db.connection().execute(async (connection) => {
        // FULL syncs the WAL at every commit, and with it all that was written before; NORMAL only at checkpoints, so
        // a power cut may lose the newest commits but never damages the file. Outside of WAL, NORMAL may damage it.
        const wanted = isWal ? durability : 'synced';
        if (current !== wanted) {
          await sql`pragma synchronous = ${sql.raw(wanted === 'synced' ? 'full' : 'normal')}`.execute(
            connection,
          );
          current = wanted;
        }
        return connection.transaction().execute(work);
      }),
    single: (mode, work) =>
      db.connection().execute((connection) => {
        // A reader sees one state of the file, and is in nobody's way.
        return inTransaction(connection, mode === 'read' ? 'begin' : 'begin immediate', () =>
          work(connection),
        );
      }),
    pages: sqlitePages,
    // Everybody who has the file open is on this machine, and so has this clock.
    leaseNow: (_trx, callersNow) => Promise.resolve(callersNow),
    // The write lock is held from the start: nobody can come between.
    isSchemaRace: () => false,
    listTables: async () => {
      const answer = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
        db,
      );
      return answer.rows.map((row) => row.name);
    },
    listColumns: async () => {
      const answer = await sql<ColumnRow>`
        select t.name as "table", c.name as name, c.type as type, not c."notnull" as may_be_null
        from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table'`.execute(db);
      return answer.rows;
    },
    sizeBytes: async () => (await sizeOf(options.file)) + (await sizeOf(`${options.file}-wal`)),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      try {
        if (isWal && !options.readOnly) await sql`pragma wal_checkpoint(truncate)`.execute(db);
      } finally {
        await db.destroy();
      }
    },
  };
}
