// A PostgreSQL database, or one that speaks its protocol, as the store's engine. Every transaction is SERIALIZABLE and
// tried again where others came first, so that queries need no thought of who else is at work; nothing here rests on
// advisory locks or notifications, which clusters behind this protocol do not have.

import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { ColumnRow, SqlEngine } from './engine.ts';
import {
  isConnectionLost,
  isOvertaken,
  isSchemaRace,
  postgresFault,
  unknownCommit,
} from './postgres-faults.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { inTransaction } from './single.ts';
import { type PostgresAddress, readPostgresUrl } from './postgres-url.ts';
import type { Tables } from './schema.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly readOnly: boolean;
  /** How long to go on trying where other transactions come first, and to wait for a lock that one of them holds. */
  readonly lockWaitMs: number;
}

/** Of a process: a run has its routes wait for each other at the database anyway, and eight machines with four each stay
 *  far below the hundred that a server allows unless told. */
const maxConnections = 4;
/** Across the world and back some times (TCP, TLS, log-in), and still a small part of a lease. */
const connectTimeoutMs = 5000;
/** A statement takes milliseconds; the longest, dropping months of history, some seconds. */
const statementTimeoutMs = 15_000;
/** For a server that does not even say that the time is over: its machine is gone, or the way to it. */
const answerTimeoutMs = statementTimeoutMs + 5000;
/** Between two statements of a transaction stands only our own code. A process that was stopped in the middle must not
 *  keep others from what it locked. */
const idleInTransactionTimeoutMs = 15_000;
/** What is not used for this long is closed; a service with an interval of a minute keeps one open. */
const idleTimeoutMs = 90_000;
/** Silence after which the way to the server is tested, below what firewalls forget; ms. */
const keepAliveDelayMs = 30_000;
/** A connection is renewed after this, so that a service follows the database's name to another machine; s. */
const maxLifetimeSeconds = 1800;
/** Pause before a transaction is tried again: about what one takes, growing, and never in step with others. */
const firstPauseMs = 5;
const longestPauseMs = 250;
/** A transaction whose connection was lost before its commit is tried again on a new one, this often: a restart of the
 *  server is told by the first one that is refused. */
const maxLost = 2;

/** `bigint`, and with it COUNT and MAX, comes as digits; what a number cannot hold stays so and is told as damage. */
const bigintOid: number = pg.types.builtins.INT8;
type TypeParser = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown;

const parserOf: TypeParser = (oid, format) =>
  oid === bigintOid && format !== 'binary'
    ? parseBigint
    : (pg.types.getTypeParser as TypeParser)(oid, format);

function parseBigint(digits: string): number | string {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits;
}

function createPool(address: PostgresAddress, { readOnly, lockWaitMs }: PostgresOptions): pg.Pool {
  const { host, port, user, database, password, ssl, options } = address;
  const pool = new pg.Pool({
    host,
    port,
    user,
    database,
    // A function, even where there is none: else pg would look into the environment and into ~/.pgpass.
    password: () => password,
    ssl,
    options: [
      ...(options === null ? [] : [options]),
      ...(readOnly ? ['-c default_transaction_read_only=on'] : []),
    ].join(' '),
    client_encoding: 'UTF8',
    application_name: 'mxctl',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    maxLifetimeSeconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelayMs,
    statement_timeout: statementTimeoutMs,
    // Below the one above, so that a lock is told as what it is. 0 would be: for ever.
    lock_timeout: Math.max(1, lockWaitMs),
    query_timeout: answerTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    types: { getTypeParser: parserOf },
  });
  // A connection that breaks while nobody uses it is dropped by the pool; one that breaks in use fails its query. The
  // event itself would end the process where nobody listened.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Throws ConfigError for the url, StoreError `store-unavailable` for the server. */
export async function openPostgresEngine(options: PostgresOptions): Promise<SqlEngine> {
  const address = await readPostgresUrl(options.url);
  const { location } = address;
  const pool = createPool(address, options);
  const db = new Kysely<Tables>({ dialect: postgresDialect({ pool, maxConnections, location }) });
  let isClosed = false;
  return {
    kind: 'postgres',
    db,
    location,
    // Both kinds of durability: what the server does at a commit, which is to sync.
    write: (_durability, work) => writeSerializable(db, work, location, options.lockWaitMs),
    single: (mode, work) =>
      db.connection().execute((connection) =>
        inTransaction(connection, beginSingle[mode], async () => {
          // A pipe may stand for as long as whoever reads it likes.
          await sql`set local idle_in_transaction_session_timeout = 0`.execute(connection);
          return work(connection);
        }),
      ),
    pages: postgresPages,
    leaseNow: (connection) => databaseNow(connection),
    listTables: () => listTables(db),
    listColumns: () => listColumns(db),
    sizeBytes: () => sizeBytes(db),
    isSchemaRace,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await db.destroy();
    },
  };
}

const beginSingle = {
  read: 'begin isolation level repeatable read read only',
  write: 'begin isolation level serializable',
} as const;

/** Rows in a page: a megabyte where rows are long. */
const rowsPerPage = 500;

async function* postgresPages(
  db: Kysely<Tables>,
  table: string,
): AsyncIterable<readonly Readonly<Record<string, unknown>>[]> {
  const cursor = sql.id(`pages of ${table}`);
  await sql`declare ${cursor} no scroll cursor for select * from ${sql.table(table)}`.execute(db);
  for (;;) {
    const page = await sql<
      Record<string, unknown>
    >`fetch forward ${sql.lit(rowsPerPage)} from ${cursor}`.execute(db);
    if (page.rows.length === 0) break;
    yield page.rows;
  }
  await sql`close ${cursor}`.execute(db);
}

async function writeSerializable<T>(
  db: Kysely<Tables>,
  work: (trx: Transaction<Tables>) => Promise<T>,
  location: string,
  waitMs: number,
): Promise<T> {
  // Real time, not the injected clock: what we wait for are other processes.
  const deadline = performance.now() + waitMs;
  let pauseMs = firstPauseMs;
  for (let lost = 0; ;) {
    const progress = { isCommitting: false };
    try {
      return await db.transaction().execute(async (trx) => {
        const result = await work(trx);
        progress.isCommitting = true;
        return result;
      });
    } catch (error) {
      const isLost = isConnectionLost(error);
      if (isLost && progress.isCommitting) throw unknownCommit(error, location);
      if (isLost) lost += 1;
      const mayTryAgain = isLost ? lost <= maxLost : isOvertaken(error);
      if (!mayTryAgain || performance.now() > deadline) throw postgresFault(error, location);
    }
    await sleep(pauseMs * (0.5 + Math.random()));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Of the server, and of this instant: `now()` would be that of the transaction's begin. */
async function databaseNow(db: Kysely<Tables>): Promise<number> {
  const answer = await sql<{
    at: number | string;
  }>`select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint) as at`.execute(db);
  const at = Number(answer.rows[0]?.at);
  if (!Number.isSafeInteger(at)) throw new RangeError('the database does not know the time');
  return at;
}

async function listTables(db: Kysely<Tables>): Promise<string[]> {
  const answer = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'`.execute(db);
  return answer.rows.map((row) => row.name);
}

async function listColumns(db: Kysely<Tables>): Promise<ColumnRow[]> {
  const answer = await sql<ColumnRow>`
    select c.table_name as "table", c.column_name as name, c.data_type as type, c.is_nullable = 'YES' as may_be_null
    from information_schema.columns c
    join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
    where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'`.execute(db);
  return answer.rows;
}

/** Of our own tables, with their indexes; others may live in the same database. */
async function sizeBytes(db: Kysely<Tables>): Promise<number | null> {
  try {
    const answer = await sql<{ size: number | string | null }>`
      select cast(sum(pg_total_relation_size(c.oid)) as bigint) as size
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = current_schema() and c.relkind = 'r'`.execute(db);
    const size = Number(answer.rows[0]?.size ?? Number.NaN);
    return Number.isFinite(size) ? size : null;
  } catch {
    // Not every database that speaks this protocol has the function.
    return null;
  }
}
