// The databases that the store's suites run on: a SQLite file, and a PostgreSQL server of the test file. There leases
// go by the server's time: here the server's clock is set to what a test says, and the caller's is an hour off.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openSqlStore } from '../../src/store/sql/open.ts';
import type { Store } from '../../src/store/store.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import type { StoreFactory } from './store-contract.ts';

export async function makeSqliteFactory(): Promise<StoreFactory> {
  const directory = await mkdtemp(join(tmpdir(), 'mxctl-store-'));
  const stores: Store[] = [];
  return {
    open: async () => {
      const store = await openSqlStore({ url: `sqlite:${join(directory, 'state.db')}` });
      stores.push(store);
      return store;
    },
    dispose: async () => {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

export interface PostgresStores {
  readonly server: RealPostgres;
  /** Empties the one database; a test at a time. */
  makeFactory(): Promise<StoreFactory>;
  dispose(): Promise<void>;
}

const hour = 3_600_000;

export async function startPostgresStores(): Promise<PostgresStores> {
  const server = await startPostgres();
  const database = await server.createDatabase();
  await (await openSqlStore({ url: server.url(database) })).close();
  const admin = new pg.Pool({ connectionString: server.url(database), max: 1 });
  // The server may stop before the last connection has ended.
  admin.on('error', () => undefined);
  admin.on('connect', (client) => client.on('error', () => undefined));
  // Found before PostgreSQL's own where pg_catalog is named behind it.
  await admin.query(`
    create sequence test_clock minvalue 0;
    create function clock_timestamp() returns timestamptz language sql volatile
      as 'select to_timestamp(last_value / 1000.0) from public.test_clock'`);
  const url = server.url(database, '?options=-c%20search_path%3Dpublic,pg_catalog');
  const tables = await admin.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
     where table_schema = 'public' and table_name not like 'schema_migration%'`,
  );
  // Quicker than TRUNCATE where tables hold a few rows.
  const empty = tables.rows.map((row) => `delete from ${row.name}`).join('; ');
  const setClock = (now: number) => admin.query('select setval($1, $2)', ['test_clock', now]);
  let calls = 0;
  /** Alternately an hour fast and an hour slow. */
  const skewed = (now: number) => now + (calls++ % 2 === 0 ? hour : -hour);
  const atServersTime = (store: Store): Store => ({
    ...store,
    acquireLease: async (route, holder, ttlMs, now, deadHolder) => {
      await setClock(now);
      return store.acquireLease(route, holder, ttlMs, skewed(now), deadHolder);
    },
    renewLease: async (lease, ttlMs, now) => {
      await setClock(now);
      return store.renewLease(lease, ttlMs, skewed(now));
    },
  });
  return {
    server,
    makeFactory: async () => {
      await admin.query(empty);
      const stores: Store[] = [];
      return {
        open: async () => {
          const store = await openSqlStore({ url });
          stores.push(store);
          return atServersTime(store);
        },
        dispose: async () => {
          for (const store of stores) await store.close();
        },
      };
    },
    dispose: async () => {
      await admin.end();
      await server.dispose();
    },
  };
}
