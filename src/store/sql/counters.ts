// Counters of the whole store. Counting is the first thing that a transaction does: it locks the row, so that those
// that read and then write come one by one on every database.

import type { Transaction } from 'kysely';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';

/** The next number, from 1; the row stays locked to the end of the transaction. */
export async function nextOf(trx: Transaction<Tables>, name: 'turn' | 'domain-use'): Promise<number> {
  const row = await trx
    .insertInto('counter')
    .values({ name, value: 1 })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) })),
    )
    .returning('value')
    .executeTakeFirstOrThrow();
  return Fields.ofRow('counter', name, row).count('value');
}
