// A real PostgreSQL server at its worst: gone, back, read-only, full of others, of another schema; and two that write at
// the same moment.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { Lease } from '../../../src/model/lease.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { openPostgresEngine } from '../../../src/store/sql/postgres-engine.ts';
import type { Store } from '../../../src/store/store.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';
import { aLook, anAction, aRouteState, example, idOf, nightAt } from '../../support/store-samples.ts';

const minute = 60_000;
const hour = 3_600_000;
const run = { command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 };

async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error as Error;
  expect(`${error.message} ${error.hint ?? ''}`).not.toMatch(/Tr0ub4dor|sesame/);
  return error;
}

describe.skipIf(postgresMissing !== null)(`PostgreSQL ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.dispose();
  });

  /** Stores on an empty database, closed at the end. */
  async function withStores<T>(
    work: (open: (parameters?: string) => Promise<Store>, database: string) => Promise<T>,
  ): Promise<T> {
    const database = await server.createDatabase();
    const stores: Store[] = [];
    try {
      return await work(async (parameters) => {
        const store = await openSqlStore({ url: server.url(database, parameters) });
        stores.push(store);
        return store;
      }, database);
    } finally {
      for (const store of stores) await store.close();
    }
  }

  describe('refuses', () => {
    const cases: [string, (url: string) => string, object][] = [
      [
        'a wrong password',
        (url) => url.replace(/:[^:@]+@/, ':sesame@'),
        { code: 'store-unavailable', exitCode: 4, retryable: false },
      ],
      [
        'no password at all',
        (url) => url.replace(/:[^:@]+@/, '@'),
        { code: 'store-unavailable', exitCode: 4, retryable: false },
      ],
      [
        'an unknown database',
        (url) => `${url}_unknown`,
        { code: 'store-unavailable', exitCode: 78, retryable: false },
      ],
      [
        'TLS that it does not have',
        (url) => `${url}?sslmode=require`,
        { code: 'store-unavailable', exitCode: 78, retryable: false },
      ],
      [
        'to be where nobody listens',
        (url) => url.replace(/:\d+\/\w+$/, ':1/state'),
        { code: 'store-unavailable', exitCode: 8, retryable: true },
      ],
      [
        'a schema that is not there',
        (url) => `${url}?options=-c%20search_path%3Dnowhere`,
        { code: 'store-unavailable', exitCode: 78, retryable: false },
      ],
    ];
    it.each(cases)('%s', async (_, changed, expected) => {
      const fault = await faultOf(openSqlStore({ url: changed(server.url('postgres')) }));
      expect(fault).toMatchObject(expected);
      expect(fault.message).toContain('state store postgres://mxctl@127.0.0.1:');
      expect(fault.hint).not.toBeNull();
    });

    it('a user without rights, and one more connection than the user may have', async () => {
      await withStores(async (open, database) => {
        await server.query(`create role weak login password 'sesame' connection limit 1`);
        const url = server.url(database).replace(/\/\/[^@]+@/, '//weak:sesame@');
        expect(await faultOf(openSqlStore({ url }))).toMatchObject({
          code: 'store-unavailable',
          exitCode: 4,
        });
        await open();
        await server.query('grant select on all tables in schema public to weak', database);
        const reader = await openSqlStore({ url });
        expect(await reader.lastRun('auto')).toBeNull();
        const crowd = await faultOf(openSqlStore({ url }));
        expect(crowd).toMatchObject({ code: 'store-unavailable', exitCode: 8, retryable: true });
        expect(crowd.message).toContain('has no connection left for us');
        const write = await faultOf(reader.recordRun({ id: idOf(1), ...run }));
        expect(write).toMatchObject({ code: 'store-unavailable', exitCode: 4, retryable: false });
        await reader.close();
      });
    });
  });

  describe('away', () => {
    it('says so while it is, and goes on by itself when it is back', async () => {
      await withStores(async (open) => {
        const store = await open();
        await store.recordRun({ id: idOf(1), ...run });
        await server.stop();
        for (const work of [() => store.lastRun('auto'), () => store.recordRun({ id: idOf(2), ...run })]) {
          expect(await faultOf(work())).toMatchObject({
            code: 'store-unavailable',
            exitCode: 8,
            retryable: true,
          });
        }
        await server.start();
        await store.recordRun({ id: idOf(2), ...run });
        expect(await store.lastRun('auto')).toMatchObject({ id: idOf(2) });
      });
    });

    it('for a moment between two calls is not even noticed', async () => {
      await withStores(async (open) => {
        const store = await open();
        // As many connections as there can be, all of them dead after this.
        await Promise.all(Array.from({ length: 8 }, () => store.lastRun('auto')));
        await server.stop();
        await server.start();
        await Promise.all(Array.from({ length: 8 }, (_, at) => store.recordRun({ id: idOf(at), ...run })));
        expect(await store.lastRun('auto')).toMatchObject({ id: idOf(7) });
      });
    });

    it('in the middle of a transaction has it made again, once', async () => {
      await withStores(async (open, database) => {
        const store = await open();
        const engine = await openPostgresEngine({
          url: server.url(database),
          readOnly: false,
          lockWaitMs: 5000,
        });
        let calls = 0;
        await engine.write('synced', async (trx) => {
          const values = { id: idOf(1), command: 'auto', started_at: 1, finished_at: 2, exit_code: calls };
          await trx.insertInto('run').values(values).execute();
          if (calls++ === 0) {
            await server.query(
              `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'`,
            );
          }
          await trx.selectFrom('run').selectAll().execute();
        });
        await engine.close();
        expect(calls).toBe(2);
        expect(await store.lastRun('auto')).toMatchObject({ exitCode: 1 });
      });
    });

    it('in the middle of a commit says that nobody knows', async () => {
      await withStores(async (open, database) => {
        const store = await open();
        await server.query(
          `create function die() returns trigger language plpgsql
             as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
           create constraint trigger dying after insert on run deferrable initially deferred
             for each row execute function die()`,
          database,
        );
        const fault = await faultOf(store.recordRun({ id: idOf(1), ...run }));
        expect(fault).toMatchObject({ code: 'store-unavailable', retryable: true });
        expect(fault.message).toContain('it may or may not have been written');
      });
    });
  });

  describe('read-only', () => {
    it('is read, and says so where something is to be written', async () => {
      await withStores(async (open, database) => {
        await (await open()).recordRun({ id: idOf(1), ...run });
        await server.query(`alter database ${database} set default_transaction_read_only = on`);
        const store = await open();
        expect(await store.lastRun('auto')).toMatchObject({ id: idOf(1) });
        const fault = await faultOf(store.recordRun({ id: idOf(2), ...run }));
        expect(fault).toMatchObject({ code: 'store-unavailable', exitCode: 4, retryable: true });
        expect(fault.message).toContain('takes no writes now');
      });
    });

    it('before there is a schema leaves nothing behind', async () => {
      await withStores(async (open, database) => {
        await server.query(`alter database ${database} set default_transaction_read_only = on`);
        expect(await faultOf(open())).toMatchObject({ code: 'store-unavailable', exitCode: 4 });
        await server.query(`alter database ${database} reset default_transaction_read_only`);
        expect((await (await open()).info()).schemaVersion).toBe(schemaVersion);
      });
    });
  });

  describe('a schema', () => {
    it('is made once where eight first runs come at once', async () => {
      await withStores(async (open, database) => {
        const stores = await Promise.all(Array.from({ length: 8 }, () => open()));
        await Promise.all(stores.map((store, at) => store.recordRun({ id: idOf(at), ...run })));
        const done = await server.query('select name from schema_migration order by name', database);
        expect(done.map((row) => row['name'])).toEqual(Object.keys(migrations));
      });
    });

    it('of a newer mxctl is left alone', async () => {
      await withStores(async (open, database) => {
        await open();
        await server.query(`insert into schema_migration values ('0107-quorum', '2031')`, database);
        expect(await faultOf(open())).toMatchObject({
          code: 'store-newer',
          hint: 'update mxctl on this machine; the state store was not touched',
        });
      });
    });

    it('of something else is left alone; a schema of its own beside it serves', async () => {
      await withStores(async (open, database) => {
        await server.query('create table invoices (id integer); create schema mail_state', database);
        const fault = await faultOf(open());
        expect(fault).toMatchObject({ code: 'store-corrupt' });
        expect(fault.hint).toContain('search_path');
        const store = await open('?options=-c%20search_path%3Dmail_state');
        await store.recordRun({ id: idOf(1), ...run });
        const tables = await server.query(`select 1 from pg_tables where schemaname = 'public'`, database);
        expect(tables).toHaveLength(1);
      });
    });

    it('that lost a table is told as damaged', async () => {
      await withStores(async (open, database) => {
        const store = await open();
        await server.query('drop table pause', database);
        const fault = await faultOf(store.readPauses(0));
        expect(fault).toMatchObject({ code: 'store-corrupt' });
        expect(fault.message).toContain('is damaged: relation "pause" does not exist');
      });
    });
  });

  it('keeps numbers that JavaScript cannot hold from being rounded', async () => {
    await withStores(async (open, database) => {
      const store = await open();
      await store.acquireLease('support', 'a:1:run', minute, 0);
      await server.query('update lease set token = 9007199254740993', database);
      const fault = await faultOf(store.acquireLease('support', 'b:2:run', minute, 0));
      expect(fault).toMatchObject({ code: 'store-corrupt' });
    });
  });

  it('is held by four connections at most, each with a name and limits', async () => {
    await withStores(async (open, database) => {
      const store = await open();
      await Promise.all(Array.from({ length: 200 }, (_, at) => store.readRouteState(`route-${at}`)));
      const mine = await server.query(
        `select application_name as name from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`,
        database,
      );
      expect(mine).toEqual(Array.from({ length: 4 }, () => ({ name: 'mxctl' })));
    });
  });

  describe('leases', () => {
    it.each([
      [hour, -hour],
      [-hour, hour],
    ])('go by the time of the server, whatever two clocks say: %i and %i ms off', async (first, second) => {
      await withStores(async (open) => {
        const [a, b] = [await open(), await open()];
        const startedAt = Date.now();
        const held = await a.acquireLease('support', 'a:1:run', minute, startedAt + first);
        if (held.outcome !== 'held') throw new Error('taken');
        expect(held.lease.expiresAt - startedAt).toBeGreaterThan(minute - 2000);
        expect(held.lease.expiresAt - startedAt).toBeLessThan(minute + 20_000);
        const asked = await b.acquireLease('support', 'b:2:run', minute, startedAt + second);
        if (asked.outcome !== 'taken') throw new Error('given twice');
        expect(asked.leftMs).toBeGreaterThan(0);
        expect(asked.leftMs).toBeLessThanOrEqual(minute);
        const renewed = await a.renewLease(held.lease, minute, startedAt + second);
        expect(Math.abs(renewed.expiresAt - held.lease.expiresAt)).toBeLessThan(20_000);
      });
    });

    it('that run out by the time of the server are free for both', async () => {
      await withStores(async (open, database) => {
        const [a, b] = [await open(), await open()];
        await a.acquireLease('support', 'a:1:run', minute, Date.now() + hour);
        await server.query('update lease set expires_at = expires_at - 60001', database);
        const asked = await b.acquireLease('support', 'b:2:run', minute, Date.now() - hour);
        expect(asked).toMatchObject({ outcome: 'held', lease: { token: 2 } });
      });
    });

    it('let a slow holder write before the next one takes over or not at all', async () => {
      await withStores(async (open) => {
        const [slow, quick] = [await open(), await open()];
        const take = async (store: Store, holder: string, dead: string | null): Promise<Lease> => {
          const answer = await store.acquireLease('support', holder, minute, 0, dead);
          if (answer.outcome !== 'held') throw new Error('taken');
          return answer.lease;
        };
        const refused: string[] = [];
        let stale = await take(slow, 'slow:0:run', null);
        for (let round = 1; round <= 25; round += 1) {
          const late = slow.beginAction(anAction({ id: idOf(round), leaseToken: stale.token }), stale).then(
            () => 'written',
            (error: unknown) => (error instanceof AppError ? error.code : Promise.reject(error as Error)),
          );
          const next = await take(quick, `quick:${round}:run`, stale.holder);
          expect(await faultOf(slow.updateAction(idOf(round), { state: 'applied' }, stale))).toMatchObject({
            code: 'store-fenced',
          });
          const begun = anAction({ id: idOf(100 + round), leaseToken: next.token });
          await quick.beginAction(begun, next);
          refused.push(await late);
          // What came later under the smaller token is not there.
          const again = anAction({ id: idOf(200 + round), leaseToken: stale.token });
          expect(await faultOf(slow.beginAction(again, stale))).toMatchObject({ code: 'store-fenced' });
          stale = await take(slow, `slow:${round}:run`, next.holder);
        }
        const known = new Set((await quick.listActions({})).map((action) => action.id));
        expect(refused.map((end, at) => [end, known.has(idOf(at + 1))])).toEqual(
          refused.map((end) => [end, end === 'written']),
        );
      });
    });
  });

  it('keeps one open sighting a server where two see different answers at once', async () => {
    await withStores(async (open) => {
      const stores = [await open(), await open()];
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(
          stores.map((store, at) => store.recordLooks([aLook({ at: round, rdata: [`10 ${'ab'[at]!}.`] })])),
        );
      }
      const sightings = await stores[0]!.readSightings(example, 'MX');
      expect(sightings.filter((one) => one.replacedAt === null)).toHaveLength(1);
      // Each of the two was seen to the end: none was forgotten for the other's sake.
      for (const value of ['10 a.', '10 b.']) {
        const ends = sightings.filter((one) => one.rdata[0] === value).map((one) => one.lastSeenAt);
        expect(Math.max(...ends)).toBe(19);
      }
    });
  });

  it('gets through where many write the same rows in any order', async () => {
    await withStores(async (open) => {
      const stores = [await open(), await open(), await open()];
      const rows = Array.from({ length: 40 }, (_, at) => ({ route: `route-${at}`, state: aRouteState() }));
      await Promise.all(
        stores.flatMap((store, at) =>
          Array.from({ length: 6 }, () => store.writeRouteStates(at % 2 === 0 ? rows : rows.toReversed())),
        ),
      );
      expect(await stores[0]!.readRouteState('route-39')).toEqual(aRouteState());
    });
  });

  it('takes text that PostgreSQL has no character for', async () => {
    await withStores(async (open) => {
      const store = await open();
      const lease = await store.acquireLease('a\0b', 'a:1:run', minute, 0);
      if (lease.outcome !== 'held') throw new Error('taken');
      expect(await store.acquireLease('a\0b', 'b:2:run', minute, 0)).toMatchObject({ outcome: 'taken' });
      await store.appendEvent({
        id: idOf(1),
        at: nightAt,
        route: null,
        kind: 'drift',
        text: 'x\0y',
        data: {},
      });
      expect((await store.listEvents({}))[0]?.text).toBe('x\ufffdy');
    });
  });

  it('closes twice, and is of no use afterwards', async () => {
    await withStores(async (open) => {
      const store = await open();
      await store.close();
      await store.close();
      await expect(store.lastRun('auto')).rejects.toThrow();
    });
  });
});
