// A real PostgreSQL server that lets us wait, runs out of disk, or has the schema of an older mxctl: every call ends within
// its bounds, says what is wrong, leaves nothing half-written and works again afterwards.

import { chownSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { Lease } from '../../../src/model/lease.ts';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { openPostgresEngine } from '../../../src/store/sql/postgres-engine.ts';
import type { Store } from '../../../src/store/store.ts';
import { makeOldSchema } from '../../support/old-schema.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';
import { diskMissing, mountDisk, type SmallDisk } from '../../support/small-disk.ts';
import { anAction, anObservation, idOf } from '../../support/store-samples.ts';

const minute = 60_000;
const run = { command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 };

async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error as Error;
  expect(`${error.message} ${error.hint ?? ''}`).not.toMatch(/Tr0ub4dor/);
  return error;
}

async function leaseOf(store: Store, holder: string): Promise<Lease> {
  const answer = await store.acquireLease('support', holder, minute, Date.now());
  if (answer.outcome !== 'held') throw new Error('taken');
  return answer.lease;
}

describe.skipIf(postgresMissing !== null)(`PostgreSQL ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.dispose();
  });

  async function openStore(database: string, lockWaitMs = 300): Promise<Store> {
    const store = await openSqlStore({ url: server.url(database), lockWaitMs });
    onTestFinished(() => store.close());
    return store;
  }

  /** A second connection in the middle of a transaction. */
  async function holdBy(database: string, statement: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: server.url(database) });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    await client.query('begin');
    await client.query(statement);
    return client;
  }

  describe('while somebody holds a lock', () => {
    const locked = { code: 'store-unavailable', exitCode: 8, retryable: true };
    /** Of the lock, and of the machine that this runs on. */
    const longestMs = 300 + 5000;

    it.each([
      ['the lease row', `select * from lease where route = 'support' for update`],
      ['the table of leases', 'lock table lease in access exclusive mode'],
    ])('%s: no lease is given or renewed, and nothing hangs', async (_, statement) => {
      const database = await server.createDatabase();
      const store = await openStore(database);
      const lease = await leaseOf(store, 'a:1:run');
      const holder = await holdBy(database, statement);
      const calls = [
        () => store.acquireLease('support', 'b:2:run', minute, Date.now()),
        () => store.renewLease(lease, minute, Date.now()),
        () => store.releaseLease(lease),
        () => store.beginAction(anAction({ leaseToken: lease.token }), lease),
      ];
      for (const call of calls) {
        const startedAt = performance.now();
        // A lease that is held is told without waiting where its row can be read.
        const fault = await call().then((answer) => answer ?? null, faultOfReason);
        expect(performance.now() - startedAt).toBeLessThan(longestMs);
        if (!(fault instanceof AppError)) {
          expect(fault).toMatchObject({ outcome: 'taken' });
          continue;
        }
        expect(fault).toMatchObject(locked);
        expect(fault.message).toContain('is locked by somebody else');
        expect(fault.hint).toContain('from pg_stat_activity order by xact_start');
      }
      // What has nothing to do with it goes on.
      await store.recordRun({ id: idOf(1), ...run });
      await holder.query('rollback');
      expect(await store.listActions({})).toEqual([]);
      expect(await store.renewLease(lease, minute, Date.now())).toMatchObject({ token: lease.token });
      await store.beginAction(anAction({ leaseToken: lease.token }), lease);
    });

    it('the lock of a free lease is waited for, and had when it is let go', async () => {
      const database = await server.createDatabase();
      const store = await openStore(database, 10_000);
      await store.releaseLease(await leaseOf(store, 'a:1:run'));
      const holder = await holdBy(database, `select * from lease where route = 'support' for update`);
      const asked = store.acquireLease('support', 'b:2:run', minute, Date.now());
      await untilRows(
        () => server.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`, database),
        1,
      );
      await holder.query('rollback');
      expect(await asked).toMatchObject({ outcome: 'held', lease: { token: 2 } });
    });
  });

  it('ends a statement that takes too long, and says so', async () => {
    const database = await server.createDatabase();
    const engine = await openPostgresEngine({ url: server.url(database), readOnly: false, lockWaitMs: 300 });
    onTestFinished(() => engine.close());
    const fault = await faultOf(
      engine.write('synced', async (trx) => {
        await sql`set local statement_timeout = 50`.execute(trx);
        await sql`select pg_sleep(20)`.execute(trx);
      }),
    );
    expect(fault).toMatchObject({ code: 'store-unavailable', exitCode: 8, retryable: true });
    expect(fault.message).toContain('took too long');
  });

  it('ends a transaction that stands still, which is then made again', async () => {
    const database = await server.createDatabase();
    const store = await openStore(database);
    const engine = await openPostgresEngine({ url: server.url(database), readOnly: false, lockWaitMs: 5000 });
    onTestFinished(() => engine.close());
    let calls = 0;
    await engine.write('synced', async (trx) => {
      const values = { id: idOf(1), command: 'auto', started_at: 1, finished_at: 2, exit_code: calls };
      await trx.insertInto('run').values(values).execute();
      if (calls++ > 0) return;
      await sql`set local idle_in_transaction_session_timeout = 50`.execute(trx);
      const open = `select 1 from pg_stat_activity where state = 'idle in transaction' and datname = '${database}'`;
      await untilRows(() => server.query(open), 0);
      await trx.selectFrom('run').selectAll().execute();
    });
    expect(calls).toBe(2);
    expect(await store.lastRun('auto')).toMatchObject({ exitCode: 1 });
  });

  it.each([1, 2, 3])('brings schema %i up to date, and keeps what it held', async (version) => {
    const database = await server.createDatabase();
    await makeOldSchema(server.url(database), version);
    await server.query(`insert into run values ('${idOf(1)}', 'auto', 1, 2, 5)`, database);
    const stores = await Promise.all([openStore(database, 5000), openStore(database, 5000)]);
    expect((await stores[1].info()).schemaVersion).toBe(schemaVersion);
    expect(await stores[0].lastRun('auto')).toMatchObject({ id: idOf(1), exitCode: 5 });
    await stores[0].recordPublishTimes([]);
    expect(await stores[0].readBrakes()).toEqual([]);
    expect(await stores[1].readVantages()).toEqual([]);
  });

  describe.skipIf(diskMissing !== null)(`with a full disk ${diskMissing ?? ''}`.trim(), () => {
    let disk: SmallDisk;
    beforeAll(async () => {
      const [row] = await server.query('show data_directory');
      const { uid, gid } = await stat(String(row?.['data_directory']));
      disk = mountDisk(24);
      chownSync(disk.directory, uid, gid);
      await server.query(`create tablespace small location '${disk.directory}'`);
    });
    afterAll(async () => {
      await server.query('drop database if exists full_state with (force)');
      await server.query('drop tablespace small');
      disk.remove();
    });

    it('writes nothing by halves, says what is full, and goes on when there is room', async () => {
      await server.query('create database full_state tablespace small');
      const store = await openStore('full_state');
      const lease = await leaseOf(store, 'a:1:run');
      disk.fill();

      const many = Array.from({ length: 2000 }, (_, at) => ({
        route: 'support',
        observation: anObservation({ at }),
      }));
      const full = { code: 'store-unavailable', exitCode: 4, retryable: false };
      const calls = [
        () => store.recordObservations(many),
        () => store.beginAction(anAction({ leaseToken: lease.token }), lease),
      ];
      for (const call of calls) {
        const fault = await faultOf(call());
        expect(fault).toMatchObject(full);
        expect(fault.message).toContain('has no disk space left: could not extend file');
        expect(fault.hint).toContain('make room on the database server');
      }
      expect(await store.listObservations('support', 10)).toEqual([]);
      expect(await store.listActions({})).toEqual([]);

      disk.makeRoom();
      await store.recordObservations(many);
      await store.beginAction(anAction({ leaseToken: lease.token }), lease);
      expect(await store.listObservations('support', 5000)).toHaveLength(2000);
      expect(await store.listActions({})).toHaveLength(1);
    });
  });
});

const faultOfReason = (reason: Error) => faultOf(Promise.reject(reason));

/** Waits for the server to have that many. */
async function untilRows(ask: () => Promise<unknown[]>, count: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await ask()).length !== count) {
    if (performance.now() > deadline) throw new Error(`never ${count} rows`);
  }
}
