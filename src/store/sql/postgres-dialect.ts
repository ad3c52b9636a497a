// Kysely over a small pool of PostgreSQL connections. Kysely's own dialect does the SQL; here are a driver that lends
// connections in the order of asking, outlives restarts of the server and says what went wrong in the store's words.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { isConnectionLost, isOvertaken, postgresFault } from './postgres-faults.ts';

export interface PostgresDialectOptions {
  readonly pool: Pool;
  /** As many as the pool may open: who waits, waits here, without a time limit and in order. */
  readonly maxConnections: number;
  readonly location: string;
}

/** A restart of the server leaves as many dead connections as the pool has; each is found out when it is used. */
const maxReconnects = 4;
const retryPauseMs = { least: 5, most: 50 };
/** What may be sent again outside of a transaction, whatever became of it the first time. */
const harmless = /^\s*(select|begin)\b/i;

const writing = new Set(['INSERT', 'UPDATE', 'DELETE']);

class PostgresConnection implements DatabaseConnection {
  readonly #options: PostgresDialectOptions;
  #client: PoolClient;
  #isBroken = false;
  #isInTransaction = false;

  constructor(client: PoolClient, options: PostgresDialectOptions) {
    this.#client = client;
    this.#options = options;
  }

  static async open(options: PostgresDialectOptions): Promise<PostgresConnection> {
    return new PostgresConnection(await connect(options), options);
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#run<R>(query);
      } catch (error) {
        if (isConnectionLost(error) || !(error instanceof Error && 'severity' in error))
          this.#isBroken = true;
        const isHarmless = !this.#isInTransaction && harmless.test(query.sql);
        const isPassing = isConnectionLost(error) || isOvertaken(error);
        if (!isHarmless || !isPassing || tries >= maxReconnects)
          throw postgresFault(error, this.#options.location);
      }
      await sleep(retryPauseMs.least + Math.random() * (retryPauseMs.most - retryPauseMs.least));
      await this.#replaceBroken();
    }
  }

  async begin(): Promise<void> {
    await this.executeQuery(CompiledQuery.raw('begin isolation level serializable'));
    this.#isInTransaction = true;
  }

  async end(verb: 'commit' | 'rollback'): Promise<void> {
    try {
      // Where the connection is gone the transaction is rolled back already.
      if (!this.#isBroken) await this.executeQuery(CompiledQuery.raw(verb));
    } finally {
      this.#isInTransaction = false;
    }
  }

  release(): void {
    this.#client.release(this.#isBroken);
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the store reads no streams');
  }

  async #run<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const result = await this.#client.query(query.sql, query.parameters.map(storable));
    const rows = result.rows as R[];
    return !writing.has(result.command) || result.rowCount === null
      ? { rows }
      : { rows, numAffectedRows: BigInt(result.rowCount) };
  }

  async #replaceBroken(): Promise<void> {
    if (!this.#isBroken) return;
    const client = await connect(this.#options);
    this.#client.release(true);
    this.#client = client;
    this.#isBroken = false;
  }
}

/** PostgreSQL's text holds any character but this one; mail from outside may. */
function storable(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value;
}

async function connect({ pool, location }: PostgresDialectOptions): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw postgresFault(error, location);
  }
}

function ours(connection: DatabaseConnection): PostgresConnection {
  if (connection instanceof PostgresConnection) return connection;
  throw new TypeError('a connection of another driver');
}

class PostgresDriver implements Driver {
  readonly #options: PostgresDialectOptions;
  readonly #waiting: (() => void)[] = [];
  #lent = 0;

  constructor(options: PostgresDialectOptions) {
    this.#options = options;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#lent >= this.#options.maxConnections)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#lent += 1;
    try {
      return await PostgresConnection.open(this.#options);
    } catch (error) {
      this.#passOn();
      throw error;
    }
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).end('commit');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // What went wrong before matters; where this fails too, the connection is thrown away and the server rolls back.
    await ours(connection)
      .end('rollback')
      .catch(() => undefined);
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    ours(connection).release();
    this.#passOn();
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await this.#options.pool.end();
  }

  /** The right to a connection goes to whoever waited longest. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#lent -= 1;
    else next();
  }
}

export function postgresDialect(options: PostgresDialectOptions): Dialect {
  return {
    createDriver: () => new PostgresDriver(options),
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Kysely's own signature
    createIntrospector: (db: Kysely<any>) => new PostgresIntrospector(db),
  };
}
