// What the store asks of a database beyond SQL: a place for each dialect's own habits, so that every query above it
// is written once, for SQLite and for PostgreSQL.

import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './schema.ts';

/**
 * synced   on disk before the promise resolves: the journal, a person's pause
 * relaxed  survives a killed process, not a power cut, and is synced with the next synced write: measurements, which
 *          the next run makes anew; leases of one machine, because a power cut ends their holders too and an intent
 *          syncs its token. A database that others share syncs both: its power cut ends no holder of a lease
 */
export type Durability = 'synced' | 'relaxed';

export interface ColumnRow {
  readonly table: string;
  readonly name: string;
  /** As the database calls it. */
  readonly type: string;
  readonly may_be_null: number | boolean;
}

export interface SqlEngine {
  readonly kind: 'sqlite' | 'postgres';
  /** For reading. Writing goes through `write`. */
  readonly db: Kysely<Tables>;
  /** For people; without any password. */
  readonly location: string;
  /** One transaction, alone in effect: none that others commit comes between what it read and what it wrote. Rolled
   *  back whole where `work` throws. `work` may be called again, after a rollback, where others came first: it must
   *  not keep anything from one call to the next. Never nested. */
  write<T>(durability: Durability, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** One transaction that may stand still for as long as a file takes: to read all tables as they are at one instant
   *  while others write, or to fill them. Never tried again. */
  single<T>(mode: 'read' | 'write', work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** All rows of a table, some hundred at a time; within `single`. */
  pages(db: Kysely<Tables>, table: string): AsyncIterable<readonly Readonly<Record<string, unknown>>[]>;
  /** Now, for leases; ms. Of the database where machines share it, for their clocks differ; else the caller's. */
  leaseNow(db: Kysely<Tables>, callersNow: number): Promise<number>;
  listTables(): Promise<string[]>;
  /** Of those tables. */
  listColumns(): Promise<ColumnRow[]>;
  /** Null where the database does not tell. */
  sizeBytes(): Promise<number | null>;
  /** True where the schema could not be made because another process was making it. */
  isSchemaRace(error: unknown): boolean;
  close(): Promise<void>;
}
