// `auto` on a PostgreSQL that an older mxctl made, that somebody keeps locked, or whose disk is full: without its lease
// and its journal it moves nothing, and it goes on when the database does.

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCliStores } from '../../support/cli-store.ts';
import { type CliWorld, directMx, proxyMx, startCliWorld } from '../../support/cli-world.ts';
import { makeOldSchema } from '../../support/old-schema.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';

const before = [6, ...proxyMx];

describe.skipIf(postgresMissing !== null)(`auto on PostgreSQL ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  let flow: CliWorld;
  let url: string;
  let database: string;
  beforeAll(async () => {
    server = await startPostgres();
    // Results stay fresh for as long as a locked round waits.
    flow = await startCliWorld({}, { mode: 'auto', rise: 1, intervalSeconds: 60 });
    ({ url } = await (await openCliStores(server)).openFor(flow));
    database = new URL(url).pathname.slice(1);
  }, 60_000);
  afterAll(async () => {
    await flow.close();
    await server.dispose();
  });

  const round = () => flow.json(['auto', '--once']);

  it('brings the schema of an older mxctl up to date by itself', async () => {
    await makeOldSchema(url, 2);
    expect((await flow.run(['state', 'info', '--json'])).stdout).toMatch(/"migration_pending": ?true/);
    expect(await round()).toMatchObject({ exit_code: 0, error: null });
    expect((await flow.run(['state', 'info', '--json'])).stdout).toMatch(/"migration_pending": ?false/);
    expect(flow.mx).toEqual(before);
  });

  it('is undecided while its lease is locked by somebody else, and names where to look', async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('select * from lease for update');
      const startedAt = performance.now();
      const held = await round();
      // The wait for a lock, and the program around it.
      expect(performance.now() - startedAt).toBeLessThan(40_000);
      expect(held).toMatchObject({ exit_code: 8, error: { code: 'store-unavailable', retryable: true } });
      expect(held.error?.message).toContain('is locked by somebody else');
      expect(held.error?.hint).toContain('pg_stat_activity');
    } finally {
      await client.end();
    }
    expect(await round()).toMatchObject({ exit_code: 0 });
  });

  it('moves nothing that it cannot put into the journal, and moves it when it can', async () => {
    const query = (text: string) => server.query(text, database);
    await query(
      `create function full_disk() returns trigger language plpgsql as $$ begin
         raise exception 'could not extend file "base/5/1": No space left on device' using errcode = '53100';
       end $$;
       create trigger full_disk before insert on action execute function full_disk()`,
    );
    await flow.world.setFault('proxy', 'down');
    for (let rounds = 0; rounds < 4; rounds += 1) await round();
    const full = await round();
    expect(full.exit_code).toBe(4);
    expect(JSON.stringify(full)).toMatch(/has no disk space left/);
    expect(flow.mx).toEqual(before);

    await query('drop trigger full_disk on action');
    const moved = await round();
    expect(JSON.stringify(moved)).toContain('confirmed');
    expect(flow.mx).toEqual([2, ...directMx]);
    const { data } = await flow.json(['history']);
    expect((data as { changes: unknown[] }).changes).toHaveLength(1);
  });
});
