// Who measures, what holds `auto` back until a person resumes, and how many owner names were moved in the last hour.
// Dialect-neutral, as the first schema.

import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const vantagesAndBrakes: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('vantage')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('machine', 'text', (column) => column.notNull())
      .addColumn('holder', 'text', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('turn', 'bigint', (column) => column.notNull())
      .addColumn('since_turn', 'bigint', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .addColumn('prev_turn', 'bigint')
      .addColumn('prev_seen_at', 'bigint')
      .addColumn('fault_since', 'bigint')
      .addColumn('rival', 'text')
      .addColumn('rival_at', 'bigint')
      // Two machines under one name are two rows, or nobody could see that they are two.
      .addPrimaryKeyConstraint('vantage_key', ['name', 'machine'])
      .execute();

    await db.schema
      .createTable('brake')
      .addColumn('kind', 'text', (column) => column.notNull())
      // `all`, `route:NAME` or `vantage:NAME`: NULL would not be unique in SQL.
      .addColumn('scope', 'text', (column) => column.notNull())
      .addColumn('route', 'text')
      .addColumn('vantage', 'text')
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('released_at', 'bigint')
      .addColumn('released_by', 'text')
      .addPrimaryKeyConstraint('brake_key', ['kind', 'scope'])
      .execute();

    await db.schema
      .createTable('domain_use')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('route', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('domains', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('domain_use_age').on('domain_use').column('at').execute();

    // A row that is written first is a lock that every database has: two that read and then write come one by one.
    await db.schema
      .createTable('counter')
      .addColumn('name', 'text', (column) => column.notNull().primaryKey())
      .addColumn('value', 'bigint', (column) => column.notNull())
      .execute();
  },
};
