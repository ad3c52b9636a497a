// The state from one store to another and back: SQLite to PostgreSQL to SQLite gives the same rows.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportState, importState, type NumberedLine } from '../../../src/app/state.ts';
import { AppError } from '../../../src/errors.ts';
import { openStoreAdmin } from '../../../src/store/sql/admin.ts';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';
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
  idOf,
  nightAt,
} from '../../support/store-samples.ts';

let directory: string;
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-portable-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const sqliteUrl = () => `sqlite:${join(directory, `${++files}.db`)}`;

async function fill(url: string, observations = 1): Promise<void> {
  const store = await openSqlStore({ url });
  const hostile = 'a\u001b[2Jb\u202e"\\\u2028é\n';
  await store.recordObservations(
    Array.from({ length: observations }, (_, at) => ({
      route: 'support',
      observation: anObservation({ at, summary: at === 0 ? hostile : '250 ok' }),
    })),
  );
  await store.writeHealth([{ route: 'support', vantage: 'fra', hop: 'mx1', health: aHealth() }]);
  await store.writeRouteStates([{ route: 'support', state: aRouteState() }]);
  await store.writeCanaries([aCanary(), aHandedCanary({ id: idOf(2) })]);
  await store.writeMailboxLooks([{ route: 'support', look: aMailboxLook() }]);
  await store.writeLatencyHours([aLatencyHour()]);
  await store.recordLooks([aLook(), aLook({ rdata: [], at: nightAt + 1 })]);
  await store.beginAction(anAction(), await hold(store));
  await store.setPause({ route: null, by: 'kim', reason: hostile, at: 1, until: nightAt });
  await store.appendEvent({ id: idOf(1), at: 1, route: null, kind: 'drift', text: 'x', data: {} });
  await store.recordRun({ id: idOf(2), command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 });
  await store.close();
}

async function exported(url: string): Promise<string> {
  const admin = await openStoreAdmin({ url, create: false });
  let text = '';
  await exportState(admin, nightAt, (piece) => {
    text += piece;
    return Promise.resolve();
  });
  await admin.close();
  return text;
}

async function* linesOf(text: string): AsyncIterable<NumberedLine> {
  for (const [at, line] of text.trimEnd().split('\n').entries())
    yield await Promise.resolve({ text: line, line: at + 1 });
}

async function imported(url: string, text: string): Promise<ReadonlyMap<string, number>> {
  const admin = await openStoreAdmin({ url, create: true });
  try {
    await admin.migrate();
    return await importState(admin, linesOf(text));
  } finally {
    await admin.close();
  }
}

/** Rows in any order, keys of each in one. */
const rowsOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
    .map(({ table, row, ...rest }) =>
      JSON.stringify([table, Object.entries(row ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)), rest]),
    )
    .sort();

/** What leases come to on the way: free, their tokens kept. */
const freed = (text: string) => text.replace(/("holder":)"[^"]*"(,"token":\d+,"expires_at":)\d+/, '$1""$20');

async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error as Error;
  return error;
}

describe('an exported state', () => {
  it('begins with what it is and ends with how much it is', async () => {
    const url = sqliteUrl();
    await fill(url);
    const lines = (await exported(url)).trimEnd().split('\n');
    expect(JSON.parse(lines[0]!)).toEqual({
      format: 'mxctl state',
      version: 1,
      schema: schemaVersion,
      exported_at: '2026-11-22T03:12:09.000Z',
    });
    expect(JSON.parse(lines.at(-1)!)).toEqual({ end: true, rows: lines.length - 2 });
  });

  it('of nothing is a header and an end, and is imported as that', async () => {
    const url = sqliteUrl();
    await (await openSqlStore({ url })).close();
    const text = await exported(url);
    expect(text.trimEnd().split('\n')).toHaveLength(2);
    expect(await imported(sqliteUrl(), text)).toEqual(new Map());
  });

  it.each(['sqlite', ...(postgresMissing === null ? ['postgres'] : [])])(
    'goes from SQLite to %s and back, row by row the same',
    async (kind) => {
      const server: RealPostgres | null = kind === 'postgres' ? await startPostgres() : null;
      try {
        const from = sqliteUrl();
        await fill(from, 1203);
        const first = await exported(from);
        const between = server === null ? sqliteUrl() : server.url(await server.createDatabase());
        const counts = await imported(between, first);
        expect(counts.get('observation')).toBe(1203);
        const second = await exported(between);
        expect(rowsOf(second)).toEqual(rowsOf(freed(first)));
        const back = sqliteUrl();
        await imported(back, second);
        expect(rowsOf(await exported(back))).toEqual(rowsOf(second));
        const store = await openSqlStore({ url: back });
        expect((await store.listActions({}))[0]).toEqual(anAction());
        expect((await store.readPauses(0))[0]?.by).toBe('kim');
        await store.close();
      } finally {
        await server?.dispose();
      }
    },
  );

  it('frees leases and keeps their tokens spent, the larger of two', async () => {
    const from = sqliteUrl();
    await fill(from);
    const text = await exported(from);
    const to = sqliteUrl();
    const before = await openSqlStore({ url: to });
    for (let turn = 0; turn < 5; turn += 1) await before.releaseLease(await hold(before));
    await before.close();
    await imported(to, text);
    const store = await openSqlStore({ url: to });
    expect((await hold(store)).token).toBe(6);
    await store.close();
  });

  it('goes into an empty store only', async () => {
    const from = sqliteUrl();
    await fill(from);
    const text = await exported(from);
    expect(await faultOf(imported(from, text))).toMatchObject({ code: 'store-not-empty', exitCode: 4 });
    expect(await exported(from)).toBe(text);
  });

  const spoilt: [string, (lines: string[]) => string[], string][] = [
    ['nothing', () => [''], 'line 1: is no JSON object'],
    ['another file', () => ['{"a":1}'], 'line 1: is not the header of an exported state'],
    [
      'a newer format',
      (l) => [l[0]!.replace('"version":1', '"version":2'), ...l.slice(1)],
      'another version',
    ],
    [
      'another schema',
      (l) => [l[0]!.replace(`"schema":${schemaVersion}`, '"schema":1'), ...l.slice(1)],
      'line 1: was exported with schema 1',
    ],
    ['its end cut off', (l) => l.slice(0, -1), 'the file is cut off'],
    ['a line missing', (l) => l.toSpliced(3, 1), 'the file is cut short'],
    ['more behind the end', (l) => [...l, l[1]!], 'there is more behind the end'],
    ['half a line', (l) => l.with(2, l[2]!.slice(0, 40)), 'line 3: is no JSON object'],
    [
      'a table of another',
      (l) => l.with(1, '{"table":"sqlite_schema","row":{}}'),
      'line 2: there is no table',
    ],
    ['a list', (l) => l.with(1, '[1]'), 'line 2: is no JSON object'],
    [
      'a column of another',
      (l) => l.with(1, l[1]!.replace('"route":', '"way\\u001b":')),
      'line 2: table action has no column',
    ],
    ['a column missing', (l) => l.with(1, l[1]!.replace(/"actor":"[^"]*",/, '')), 'actor is missing'],
    [
      'a text for a number',
      (l) => l.with(1, l[1]!.replace(/"lease_token":1/, '"lease_token":"1"')),
      'whole number',
    ],
    ['a fraction', (l) => l.with(1, l[1]!.replace(/"lease_token":1/, '"lease_token":1.5')), 'whole number'],
    ['a null', (l) => l.with(1, l[1]!.replace(/"actor":"[^"]*"/, '"actor":null')), 'actor is not a text'],
    ['an object', (l) => l.with(1, l[1]!.replace(/"actor":"[^"]*"/, '"actor":{}')), 'actor is neither text'],
  ];
  it.each(spoilt)('with %s is refused with its line, and nothing is imported', async (_, spoil, why) => {
    const from = sqliteUrl();
    await fill(from);
    const lines = spoil((await exported(from)).trimEnd().split('\n'));
    const to = sqliteUrl();
    const fault = await faultOf(imported(to, lines.join('\n')));
    expect(fault).toMatchObject({ code: 'import-invalid', exitCode: 64 });
    expect(fault.message).toContain(why);
    expect(fault.message).not.toContain('\u001b');
    const store = await openSqlStore({ url: to });
    expect(await store.listActions({})).toEqual([]);
    expect(await store.listObservations('support', 1)).toEqual([]);
    await store.close();
  });
});
