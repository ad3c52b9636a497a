// What the store asks of a database beyond SQL: a place for each dialect's own habits, so that every query above it
// is written once. SQLite is the first; PostgreSQL fits behind the same four members.

import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './schema.ts';

/**
 * synced   on disk before the promise resolves: the journal, a person's pause
 * relaxed  survives a killed process, not a power cut, and is synced with the next synced write: measurements, which
 *          the next run makes anew; leases, because a power cut ends their holders too and an intent syncs its token
 */
export type Durability = 'synced' | 'relaxed';

export interface SqlEngine {
  /** For reading. Writing goes through `write`. */
  readonly db: Kysely<Tables>;
  /** For people; without any password. */
  readonly location: string;
  /** One transaction that has the write lock from its start; rolled back whole where `work` throws. Never nested. */
  write<T>(durability: Durability, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  listTables(): Promise<string[]>;
  sizeBytes(): Promise<number | null>;
  close(): Promise<void>;
}
