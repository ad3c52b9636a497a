// First schema. Dialect-neutral: text, bigint (ms since the epoch, tokens, seconds), integer (0/1 and small counts).
// No foreign keys: history is pruned, and a dangling `rollback_of` is only a name. JSON is kept as text because it is
// validated on the way out whatever the column type promises.

import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

async function measurements(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('observation')
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('observation_newest')
    .on('observation')
    .columns(['route', 'at', 'seq'])
    .execute();
  await db.schema.createIndex('observation_age').on('observation').column('at').execute();

  await db.schema
    .createTable('health')
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('vantage', 'text', (column) => column.notNull())
    .addColumn('hop', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('failures', 'bigint', (column) => column.notNull())
    .addColumn('rejections', 'bigint', (column) => column.notNull())
    .addColumn('successes', 'bigint', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .addColumn('fate', 'text', (column) => column.notNull())
    .addColumn('summary', 'text', (column) => column.notNull())
    .addColumn('is_slow', 'integer', (column) => column.notNull())
    .addColumn('greets_with_5xx', 'integer', (column) => column.notNull())
    .addColumn('failing_since', 'bigint')
    .addPrimaryKeyConstraint('health_key', ['route', 'vantage', 'hop'])
    .execute();

  await db.schema
    .createTable('route_state')
    .addColumn('route', 'text', (column) => column.notNull().primaryKey())
    .addColumn('phase', 'text', (column) => column.notNull())
    .addColumn('phase_since', 'bigint', (column) => column.notNull())
    .addColumn('active_path', 'text')
    .addColumn('active_since', 'bigint', (column) => column.notNull())
    .addColumn('runs', 'bigint', (column) => column.notNull())
    .addColumn('last_run_at', 'bigint', (column) => column.notNull())
    .addColumn('last_decision', 'text', (column) => column.notNull())
    .addColumn('last_reasons', 'text', (column) => column.notNull())
    .addColumn('down_paths', 'text', (column) => column.notNull())
    .execute();
}

async function sightings(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sighting')
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('server', 'text', (column) => column.notNull())
    .addColumn('ttl', 'bigint', (column) => column.notNull())
    .addColumn('rdata', 'text', (column) => column.notNull())
    .addColumn('first_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('replaced_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('sighting_history')
    .on('sighting')
    .columns(['owner', 'type', 'first_seen_at'])
    .execute();
  // A server has one answer at a time: the database itself refuses a second open sighting.
  await db.schema
    .createIndex('sighting_open')
    .unique()
    .on('sighting')
    .columns(['owner', 'type', 'server'])
    .where(sql.ref('replaced_at'), 'is', null)
    .execute();
}

async function journal(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('lease')
    .addColumn('route', 'text', (column) => column.notNull().primaryKey())
    // Empty = free. The row stays, because the token in it is spent.
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('token', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('action')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('plan_digest', 'text', (column) => column.notNull())
    .addColumn('plan', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('overrides', 'text', (column) => column.notNull())
    .addColumn('lease_token', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('change_states', 'text', (column) => column.notNull())
    .addColumn('intended_at', 'bigint', (column) => column.notNull())
    .addColumn('applied_at', 'bigint')
    .addColumn('confirmed_at', 'bigint')
    .addColumn('clear_at', 'bigint')
    .addColumn('rollback_of', 'text')
    .addColumn('note', 'text')
    .execute();
  await db.schema.createIndex('action_newest').on('action').columns(['route', 'intended_at']).execute();
  await db.schema.createIndex('action_state').on('action').columns(['state', 'intended_at']).execute();
}

async function record(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('pause')
    // `all`, or `route:NAME`: NULL would not be unique in SQL.
    .addColumn('scope', 'text', (column) => column.notNull().primaryKey())
    .addColumn('route', 'text')
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('event')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('route', 'text')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('data', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('event_age').on('event').column('at').execute();
  await db.schema.createIndex('event_newest').on('event').columns(['route', 'at']).execute();

  await db.schema
    .createTable('run')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('command', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint', (column) => column.notNull())
    .addColumn('exit_code', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('run_newest').on('run').columns(['command', 'started_at']).execute();
}

export const firstTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await measurements(db);
    await sightings(db);
    await journal(db);
    await record(db);
  },
};
