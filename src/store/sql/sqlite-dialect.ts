// Kysely over node:sqlite. Kysely's own SQLite dialect does the SQL; here are a driver that lends its one connection in
// turn, begins transactions with the write lock and waits for a lock without stopping the event loop, and an adapter
// that says so and that DDL is transactional.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isBusy, storeFault } from './faults.ts';

/** The store has some sixty texts of statements, batches apart; beyond this the cache starts anew. */
const maxCachedStatements = 200;
/** Pause between tries for a lock: transactions take about a millisecond, and two waiters must not stay in step. */
const lockPauseMs = { least: 2, most: 15 };
/** SQLite answers at once, so a loop of awaited calls would never give way to timers and sockets. A probe's times are
 *  whole milliseconds; ten of them stay below what it would call slow by three orders. */
const maxTurnMs = 10;

export interface SqliteDialectOptions {
  readonly database: DatabaseSync;
  readonly location: string;
  readonly lockWaitMs: number;
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #options: SqliteDialectOptions;
  readonly #statements = new Map<string, { statement: StatementSync; isReader: boolean }>();

  constructor(options: SqliteDialectOptions) {
    this.#options = options;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // Real time, not the injected clock: what we wait for is another process. A statement that met a lock had no
    // effect, and a transaction here never upgrades a read lock, so that trying again cannot deadlock.
    const deadline = performance.now() + this.#options.lockWaitMs;
    for (;;) {
      try {
        return this.#run<R>(query);
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw storeFault(error, this.#options.location);
      }
      await sleep(lockPauseMs.least + Math.random() * (lockPauseMs.most - lockPauseMs.least));
    }
  }

  #run<R>(query: CompiledQuery): QueryResult<R> {
    const { statement, isReader } = this.#prepare(query.sql);
    const parameters = query.parameters as SQLInputValue[];
    if (isReader) return { rows: statement.all(...parameters) as R[] };
    return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) };
  }

  #prepare(text: string): { statement: StatementSync; isReader: boolean } {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#options.database.prepare(text);
    const prepared = { statement, isReader: statement.columns().length > 0 };
    if (this.#statements.size >= maxCachedStatements) this.#statements.clear();
    this.#statements.set(text, prepared);
    return prepared;
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the store reads no streams');
  }
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #connection: NodeSqliteConnection;
  readonly #waiting: (() => void)[] = [];
  #isLent = false;
  #turnBeganAt = performance.now();

  constructor(options: SqliteDialectOptions) {
    this.#database = options.database;
    this.#connection = new NodeSqliteConnection(options);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  /** To one at a time, in the order of asking. Gives way between transactions, never within one: that would lengthen
   *  the time the file is locked. */
  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isLent) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#isLent = true;
    if (performance.now() - this.#turnBeganAt > maxTurnMs) {
      await nextTurn();
      this.#turnBeganAt = performance.now();
    }
    return this.#connection;
  }

  /** IMMEDIATE: a transaction that reads first and writes later would otherwise fail where it could have waited. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  /** A full disk makes SQLite roll back by itself; a second rollback would hide the first error. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  /** Passes it on to whoever waited longest, so that nobody can come between. */
  releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isLent = false;
    else next();
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    this.#database.close();
    return Promise.resolve();
  }
}

/** Kysely says no for SQLite as a whole; SQLite itself does roll DDL back, so a migration is all or nothing. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  /** Not that there were more than one: it keeps Kysely from a lock of its own, which wakes all who wait at every
   *  release. With a thousand routes at once that was most of a run's memory and a third of its time. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

export function sqliteDialect(options: SqliteDialectOptions): Dialect {
  return {
    createDriver: () => new NodeSqliteDriver(options),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Kysely's own signature
    createIntrospector: (db: Kysely<any>) => new SqliteIntrospector(db),
  };
}
