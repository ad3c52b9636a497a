// A transaction by hand, for the two that wait for a file: the store's own are short and may be tried again.

import { type Kysely, sql } from 'kysely';
import type { Tables } from './schema.ts';

/** `begin` is the statement that begins it. Rolled back where `work` throws. */
export async function inTransaction<T>(
  db: Kysely<Tables>,
  begin: string,
  work: () => Promise<T>,
): Promise<T> {
  await sql.raw(begin).execute(db);
  try {
    const result = await work();
    await sql.raw('commit').execute(db);
    return result;
  } catch (error) {
    // What went wrong before matters; a connection that is gone has rolled back.
    await sql
      .raw('rollback')
      .execute(db)
      .catch(() => undefined);
    throw error;
  }
}
