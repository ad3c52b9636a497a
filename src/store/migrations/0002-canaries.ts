// Canaries, the looks into their mailboxes, latencies by the hour, and what a run found beside decisions.
// Dialect-neutral, as the first schema.

import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

async function canary(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('canary')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('vantage', 'text', (column) => column.notNull())
    .addColumn('hop', 'text', (column) => column.notNull())
    .addColumn('sent_at', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('handed_at', 'bigint')
    .addColumn('reply', 'text')
    .addColumn('queue_id', 'text')
    .addColumn('summary', 'text', (column) => column.notNull())
    .addColumn('arrived_at', 'bigint')
    .addColumn('is_spam', 'integer', (column) => column.notNull())
    .addColumn('copies', 'bigint', (column) => column.notNull())
    .addColumn('is_by_subject', 'integer', (column) => column.notNull())
    .addColumn('trace', 'text', (column) => column.notNull())
    .addColumn('bounce', 'text')
    .addColumn('replayed_at', 'bigint')
    .execute();
  await db.schema.createIndex('canary_newest').on('canary').columns(['route', 'path', 'id']).execute();
  // Few rows whatever the history: what has not arrived. Without it a path's missing ones would cost its whole history.
  await db.schema
    .createIndex('canary_open')
    .on('canary')
    .columns(['route', 'path', 'state', 'id'])
    .where(sql.ref('arrived_at'), 'is', null)
    .where(sql.ref('replayed_at'), 'is', null)
    .execute();
  await db.schema.createIndex('canary_age').on('canary').column('sent_at').execute();
}

export const canaries: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await canary(db);
    await db.schema
      .createTable('mailbox_look')
      .addColumn('route', 'text', (column) => column.notNull().primaryKey())
      .addColumn('read_at', 'bigint')
      .addColumn('tried_at', 'bigint', (column) => column.notNull())
      .addColumn('fault', 'text')
      .addColumn('skew_ms', 'bigint')
      .addColumn('forged', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('latency_hour')
      .addColumn('route', 'text', (column) => column.notNull())
      .addColumn('hour_at', 'bigint', (column) => column.notNull())
      .addColumn('path', 'text', (column) => column.notNull())
      .addColumn('handed', 'bigint', (column) => column.notNull())
      .addColumn('arrived', 'bigint', (column) => column.notNull())
      .addColumn('p50_ms', 'bigint')
      .addColumn('p95_ms', 'bigint')
      .addColumn('max_ms', 'bigint')
      .addPrimaryKeyConstraint('latency_hour_key', ['route', 'hour_at', 'path'])
      .execute();
    await db.schema
      .alterTable('route_state')
      .addColumn('notices', 'text', (column) => column.notNull().defaultTo('[]'))
      .execute();
    await db.schema.createIndex('latency_hour_age').on('latency_hour').column('hour_at').execute();
  },
};
