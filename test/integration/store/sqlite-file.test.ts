// The state file itself: rights, damage, other people's files, and what a person is told.

import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore, type OpenSqlStoreOptions } from '../../../src/store/sql/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { hold } from '../../support/store-contract.ts';
import {
  aCanary,
  aHandedCanary,
  aHealth,
  aLatencyHour,
  aLook,
  aMailboxLook,
  anAction,
  anObservation,
  aRouteState,
  example,
  idOf,
  nightAt,
} from '../../support/store-samples.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-store-'));
  file = join(directory, 'state.db');
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function open(options: Partial<OpenSqlStoreOptions> = {}): Promise<Store> {
  return openSqlStore({ url: `sqlite:${file}`, lockWaitMs: 200, ...options });
}

/** Whatever was thrown; fails the test where nothing was, or where it was not ours. */
async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error as Error;
  return error;
}

async function fill(): Promise<void> {
  const store = await open();
  await store.recordObservations([{ route: 'support', observation: anObservation() }]);
  await store.writeHealth([{ route: 'support', vantage: 'fra', hop: 'mx1', health: aHealth() }]);
  await store.writeRouteStates([{ route: 'support', state: aRouteState() }]);
  await store.writeCanaries([aCanary(), aHandedCanary({ id: idOf(2) })]);
  await store.writeMailboxLooks([{ route: 'support', look: aMailboxLook() }]);
  await store.writeLatencyHours([aLatencyHour()]);
  await store.recordLooks([aLook()]);
  await store.beginAction(anAction(), await hold(store));
  await store.setPause({ route: null, by: 'kim', reason: 'move', at: 1, until: nightAt });
  await store.appendEvent({ id: idOf(1), at: 1, route: null, kind: 'drift', text: 'x', data: {} });
  await store.recordRun({ id: idOf(2), command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 });
  await store.close();
}

/** Somebody else writes to the file. */
function tamper(text: string): void {
  const database = new DatabaseSync(file);
  database.exec(text);
  database.close();
}

const firstTables = 'action event health lease observation pause route_state run schema_migration sighting';

function tablesBut(kept: string): string[] {
  const database = new DatabaseSync(file);
  const rows = database.prepare(`select name from sqlite_schema where type = 'table'`).all();
  database.close();
  return rows.map((row) => String(row['name'])).filter((name) => !kept.split(' ').includes(name));
}

describe('the file', () => {
  it('holds no digests of certificate chains: a run has some hundred, and none is read back', async () => {
    const digests = { sha256: 'c0ffee', sha512: 'decade' };
    const links = [{ cert: digests, spki: digests, startsAt: 1, expiresAt: 2 }];
    const seen = anObservation();
    const store = await open();
    const observation = { ...seen, tls: { ...seen.tls!, presented: { isNamed: true, links } } };
    await store.recordObservations([{ route: 'support', observation }]);
    await store.close();
    const octets = (await readFile(file)).toString('latin1');
    expect(octets).toContain('fra-ops');
    expect(octets).not.toMatch(/c0ffee|decade/);
  });

  it('is for its owner alone, with its directory and what lies beside it', async () => {
    file = join(directory, 'a', 'b', 'state.db');
    const store = await open();
    await store.setPause({ route: null, by: 'kim', reason: '', at: 1, until: 2 });
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      expect(((await stat(name)).mode & 0o777).toString(8), name).toBe('600');
    }
    expect(((await stat(dirname(file))).mode & 0o777).toString(8)).toBe('700');
    expect(((await stat(join(directory, 'a'))).mode & 0o777).toString(8)).toBe('700');
    await store.close();
  });

  it.skipIf(process.platform !== 'linux')('ends where no directory can be made', async () => {
    file = '/proc/mxctl/a/state.db';
    expect(await faultOf(open())).toMatchObject({ code: 'store-unavailable' });
  });

  it('keeps the mode that a person gave it', async () => {
    await fill();
    await chmod(file, 0o640);
    await (await open()).close();
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('640');
  });

  it('is one file after the last close, whatever was in the log beside it', async () => {
    await fill();
    await expect(stat(`${file}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });
    const database = new DatabaseSync(file, { readOnly: true });
    expect(database.prepare('select count(*) as runs from run').get()).toMatchObject({ runs: 1 });
    expect(database.prepare('pragma journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    database.close();
  });

  it('empties the log at close while another process still reads', async () => {
    const reader = await open();
    const store = await open();
    await store.setPause({ route: null, by: 'kim', reason: '', at: 1, until: 2 });
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
    await store.close();
    expect((await stat(`${file}-wal`)).size).toBe(0);
    expect(await reader.readPauses(0)).toHaveLength(1);
    await reader.close();
  });

  it('tells where it is, its schema and its size', async () => {
    const store = await open();
    const info = await store.info();
    expect(info).toMatchObject({ location: `sqlite:${file}`, schemaVersion });
    expect(info.sizeBytes).toBeGreaterThan(10_000);
    await store.close();
  });

  it('closes twice without complaint', async () => {
    const store = await open();
    await store.close();
    await store.close();
  });

  it('is not made where it was only to be read, or where making was not asked for', async () => {
    for (const options of [{ create: false }, { readOnly: true }]) {
      expect(await faultOf(open(options))).toMatchObject({
        code: 'store-unavailable',
        message: `state store sqlite:${file} does not exist`,
      });
    }
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is read and never written when opened to read', async () => {
    await fill();
    const before = await readFile(file);
    const store = await open({ readOnly: true });
    expect(await store.listActions({})).toHaveLength(1);
    expect(await faultOf(store.clearPause(null))).toMatchObject({
      code: 'store-unavailable',
      message: `state store sqlite:${file} cannot be used: attempt to write a readonly database`,
    });
    await store.close();
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it('may be empty: that is a new one', async () => {
    await writeFile(file, '');
    const store = await open();
    expect(await store.listActions({})).toEqual([]);
    await store.close();
  });
});

describe('many who ask at once', () => {
  const asks = Array.from({ length: 300 }, (_, at) => at);
  const event = (at: number) =>
    ({ id: idOf(at), at, route: null, kind: 'drift', text: 'x', data: {} }) as const;

  it('are served in the order of asking, also after one that failed', async () => {
    const store = await open();
    const served: number[] = [];
    await Promise.all(
      asks.map(async (at) => {
        // Every third writes what is there already.
        await store.appendEvent(event(at % 3 === 2 ? at - 1 : at)).catch(() => {});
        served.push(at);
      }),
    );
    expect(served).toEqual(asks);
    expect(await store.listEvents({})).toHaveLength(200);
    await store.close();
  });
});

describe('a place that will not do', () => {
  const cases: [string, () => Promise<void>][] = [
    ['a file where the directory should be', () => writeFile(join(directory, 'in-the-way'), '')],
    [
      'a directory where the file should be',
      async () => {
        await mkdir(join(directory, 'in-the-way', 'state.db'), { recursive: true });
      },
    ],
  ];
  it.each(cases)('is told with what to do: %s', async (_, prepare) => {
    await prepare();
    file = join(directory, 'in-the-way', 'state.db');
    const fault = await faultOf(open());
    expect(fault).toMatchObject({ code: 'store-unavailable', exitCode: 4 });
    expect(fault.message).toContain(`state store sqlite:${file} cannot be `);
    expect(fault.hint).toMatch(/rights|write access/);
  });

  it.skipIf(process.getuid?.() === 0)(
    'is told with what to do: no right to write (root may write anywhere)',
    async () => {
      await chmod(directory, 0o500);
      try {
        expect(await faultOf(open())).toMatchObject({ code: 'store-unavailable' });
      } finally {
        await chmod(directory, 0o700);
      }
    },
  );

  it.each(['sqlite:', 'state.db', 'sqlite:a\0b', 'mysql://root:hunter2@db/x'])(
    'is refused before anything is opened: %j',
    async (url) => {
      const fault = await faultOf(open({ url }));
      expect(fault).toMatchObject({ code: 'config-invalid', exitCode: 78 });
      expect(`${fault.message} ${fault.hint ?? ''}`).not.toContain('hunter2');
    },
  );
});

describe('a file of another making', () => {
  it('is left alone when a newer mxctl wrote it', async () => {
    await fill();
    tamper(`insert into schema_migration values ('0107-quorum', '2031-01-01T00:00:00.000Z')`);
    const before = await readFile(file);
    expect(await faultOf(open())).toMatchObject({
      code: 'store-newer',
      message: `state store sqlite:${file} has schema 107, this mxctl knows ${schemaVersion}: a newer mxctl wrote it`,
      hint: 'update mxctl on this machine; the state store was not touched',
    });
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it('is brought up to date when an older mxctl wrote it, and keeps what it held', async () => {
    await fill();
    // Schema 1 as the first release made it: what later migrations added is taken off.
    for (const table of tablesBut(firstTables)) tamper(`drop table ${table}`);
    tamper('alter table route_state drop column notices');
    tamper(`delete from schema_migration where name > '0002'`);
    const readOnly = await faultOf(open({ readOnly: true }));
    expect(readOnly.message).toContain('has no schema of this mxctl yet');
    const store = await open();
    expect((await store.info()).schemaVersion).toBe(schemaVersion);
    expect(await store.listObservations('support', 9)).toEqual([anObservation()]);
    expect(await store.readHealth('support')).toHaveLength(1);
    expect(await store.readRouteState('support')).toEqual(aRouteState({ notices: [] }));
    expect(await store.readSightings(example, 'MX')).toHaveLength(1);
    expect(await store.findAction(idOf(1))).toEqual(anAction());
    expect(await store.readPauses(0)).toHaveLength(1);
    expect(await store.readCanaries('support', 9)).toEqual([]);
    await store.writeCanaries([aCanary()]);
    expect(await store.readCanaries('support', 9)).toEqual([aCanary()]);
    await store.close();
  });

  it('is left alone when it is a database of something else', async () => {
    tamper('create table moz_places (id integer primary key)');
    expect(await faultOf(open())).toMatchObject({
      code: 'store-corrupt',
      message: `sqlite:${file} is a database, but not one of mxctl`,
    });
  });

  it('is finished when an earlier first run was killed before its schema was there', async () => {
    tamper('pragma journal_mode = wal');
    const store = await open();
    expect((await store.info()).schemaVersion).toBe(schemaVersion);
    await store.close();
  });
});

describe('a damaged file', () => {
  it('is told with what to do and what it costs: random bytes', async () => {
    await writeFile(file, Buffer.from(Array.from({ length: 9000 }, (_, at) => (at * 7919 + 13) % 251)));
    const fault = await faultOf(open());
    expect(fault).toMatchObject({
      code: 'store-corrupt',
      message: `state store sqlite:${file} is damaged: file is not a database`,
    });
    expect(fault.hint).toContain(`move ${file}`);
    expect(fault.hint).toContain('Lost: history, probe counters, pauses');
  });

  // SQLite takes a file of one octet for an empty one.
  it.each([2, 100, 4095, 4096, 5000, 8192, 40_000])(
    'is told when only its first %i octets are left',
    async (left) => {
      await fill();
      await truncate(file, left);
      const read = async () => {
        const store = await open();
        try {
          await store.listActions({});
          await store.listEvents({});
          await store.readSightings(example, 'MX');
        } finally {
          await store.close();
        }
      };
      expect(await faultOf(read())).toMatchObject({ code: 'store-corrupt' });
    },
  );

  it('is told when one octet of its header is wrong', async () => {
    await fill();
    const octets = await readFile(file);
    // https://www.sqlite.org/fileformat2.html §1.3.10: the schema format number, at most 4.
    octets.writeUInt32BE(5, 44);
    await writeFile(file, octets);
    expect(await faultOf(open())).toMatchObject({
      code: 'store-corrupt',
      message: `state store sqlite:${file} is damaged: unsupported file format`,
    });
  });

  it('is told when a key is not even a text', async () => {
    await fill();
    tamper(`update schema_migration set name = x'00' where name = '0001-first-tables'`);
    expect(await faultOf(open())).toMatchObject({
      code: 'store-corrupt',
      message: 'state store: table schema_migration, row without an id: name is not a text',
    });
  });

  it('is told when tables are missing', async () => {
    await fill();
    tamper('drop table pause');
    const store = await open();
    expect(await faultOf(store.readPauses(1))).toMatchObject({
      code: 'store-corrupt',
      message: `state store sqlite:${file} is damaged: no such table: pause`,
    });
    await store.close();
  });
});

describe('a malformed row', () => {
  const plan = `json_set(plan, '$.changes[0].desired.rdata', json('[]'))`;
  const cases: [string, (store: Store) => Promise<unknown>, string][] = [
    [
      `update action set plan = '{'`,
      (s) => s.listActions({}),
      `table action, row ${idOf(1)}: plan is not JSON`,
    ],
    [
      `update action set plan = ${plan}`,
      (s) => s.findAction(idOf(1)),
      `table action, row ${idOf(1)}, plan, changes[0], desired: rdata is not a list with a value in it`,
    ],
    [
      `update action set plan = json_set(plan, '$.digest', 'other')`,
      (s) => s.findAction(idOf(1)),
      `table action, row ${idOf(1)}: plan is not the plan that the columns name`,
    ],
    [
      `update action set change_states = '["pending","pending"]'`,
      (s) => s.findAction(idOf(1)),
      `table action, row ${idOf(1)}: change_states is not as long as the plan`,
    ],
    [
      `update action set change_states = '["done"]'`,
      (s) => s.findAction(idOf(1)),
      `table action, row ${idOf(1)}: change_states[0] is not one of pending, applied, confirmed, conflict, failed`,
    ],
    [
      `update action set overrides = '["everything"]'`,
      (s) => s.findAction(idOf(1)),
      `table action, row ${idOf(1)}: overrides[0] is not one of target-unhealthy`,
    ],
    [
      `update observation set body = json_set(body, '$.exchange', 'Not A Name')`,
      (s) => s.listObservations('support', 1),
      `table observation, row support at ${nightAt}, body: exchange is not a domain name`,
    ],
    [
      `update observation set body = json_set(body, '$.stages[1].stage', 'data')`,
      (s) => s.listObservations('support', 1),
      `table observation, row support at ${nightAt}, body, stages[1]: stage is not one of resolve, connect`,
    ],
    [
      `update observation set body = '[]'`,
      (s) => s.listObservations('support', 1),
      `table observation, row support at ${nightAt}: body is not an object`,
    ],
    [
      `update health set failures = -1`,
      (s) => s.readHealth('support'),
      `table health, row support fra mx1: failures is not a count`,
    ],
    [
      `update health set is_slow = 2`,
      (s) => s.readHealth('support'),
      `table health, row support fra mx1: is_slow is not true or false`,
    ],
    [
      `update route_state set phase_since = 'yesterday'`,
      (s) => s.readRouteState('support'),
      `table route_state, row support: phase_since is not a number`,
    ],
    [
      `update canary set state = 'astray'`,
      (s) => s.readCanaries('support', 1),
      `table canary, row ${idOf(2)}: state is not one of deferred, handed, arrived`,
    ],
    [
      `update canary set hop = json_set(hop, '$.exchange', 'Not A Name')`,
      (s) => s.findCanaries([idOf(1)]),
      `table canary, row ${idOf(1)}, hop: exchange is not a domain name`,
    ],
    [
      `update canary set reply = '[250]'`,
      (s) => s.readCanaries('support', 1),
      `table canary, row ${idOf(2)}: reply is not an object`,
    ],
    [
      `update canary set trace = '[1]'`,
      (s) => s.readCanaries('support', 1),
      `table canary, row ${idOf(2)}: trace[0] is not an object`,
    ],
    [
      `update canary set path = x'00'`,
      (s) => s.readCanaries('support', 1),
      `table canary, row support: path is not a text`,
    ],
    [
      `update mailbox_look set forged = -1`,
      (s) => s.readMailboxLook('support'),
      `table mailbox_look, row support: forged is not a count`,
    ],
    [
      `update latency_hour set p95_ms = 'slow'`,
      (s) => s.readLatencyHours('support', 0),
      `table latency_hour, row support proxy ${aLatencyHour().hourAt}: p95_ms is not a number`,
    ],
    [
      `update sighting set rdata = '"10 a."'`,
      (s) => s.readSightings(example, 'MX'),
      `table sighting, row example.com. MX 192.0.2.53#53: rdata is not a list`,
    ],
    [
      `update sighting set last_seen_at = 'x'`,
      (s) => s.recordLooks([aLook({ rdata: ['10 b.'] })]),
      `table sighting, row example.com. MX 192.0.2.53#53: last_seen_at is not a number`,
    ],
    [
      `update lease set token = 1.5`,
      (s) => s.acquireLease('support', 'b:2:run', 1000, nightAt),
      `table lease, row support: token is not a count`,
    ],
    [
      `update event set kind = 'party', id = 'a' || char(27) || '[2J'`,
      (s) => s.listEvents({}),
      `table event, row a\\u001b[2J: kind is not one of decision`,
    ],
    [
      `update run set exit_code = x'00'`,
      (s) => s.lastRun('auto'),
      `table run, row ${idOf(2)}: exit_code is not a number`,
    ],
    [
      `update run set started_at = 9007199254740993`,
      (s) => s.lastRun('auto'),
      'is damaged: Value is too large',
    ],
  ];

  it.each(cases)('is named with its table: %s', async (text, read, message) => {
    await fill();
    tamper(text);
    const store = await open();
    const fault = await faultOf(read(store));
    await store.close();
    expect(fault).toMatchObject({ code: 'store-corrupt', exitCode: 4 });
    expect(fault.message).toContain(message);
    expect(fault.hint).toContain('aside');
  });
});
