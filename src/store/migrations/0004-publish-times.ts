// How long writes took until every authority answered them. Dialect-neutral, as the first schema.

import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const publishTimes: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('publish_time')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('provider', 'text', (column) => column.notNull())
      .addColumn('zone', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('accepted_ms', 'bigint', (column) => column.notNull())
      .addColumn('first_ms', 'bigint')
      .addColumn('all_ms', 'bigint')
      .execute();
    await db.schema
      .createIndex('publish_time_newest')
      .on('publish_time')
      .columns(['provider', 'zone', 'at'])
      .execute();
    await db.schema.createIndex('publish_time_age').on('publish_time').column('at').execute();
  },
};
