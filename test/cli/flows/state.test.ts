// `mxctl state` as a person uses it: what is there, from one store to the other and back, a lease that somebody died with.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { runCli } from '../../support/cli.ts';
import { makeOldSchema } from '../../support/old-schema.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';
import { aHealth, anAction, idOf } from '../../support/store-samples.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'mxctl-state-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

let files = 0;
/** A configuration that names this store; with a password it stands in a file of its own. */
function configOf(url: string): string {
  const file = path.join(directory, `${++files}.yaml`);
  writeFileSync(`${file}.url`, url);
  writeFileSync(file, `version: 1\nstate: {url: {file: ${file}.url}}\n`);
  return file;
}

const sqliteUrl = () => `sqlite:${path.join(directory, `${++files}.db`)}`;
const state = (config: string, ...args: string[]) => runCli(['state', ...args, '--config', config]);
const dataOf = (stdout: string) => (JSON.parse(stdout) as { data: Record<string, unknown> }).data;

const startedAt = Date.UTC(2026, 10, 22, 3, 12, 9);
/** A run that began then: the first ten characters of a ULID. */
const deadHolder = `fra-ops:4711:${ulidAt(startedAt)}`;

function ulidAt(at: number): string {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let text = '';
  for (let left = at, digit = 0; digit < 10; digit += 1, left = Math.floor(left / 32))
    text = digits[left % 32]! + text;
  return text + '0'.repeat(16);
}

async function fill(url: string): Promise<void> {
  const store = await openSqlStore({ url });
  const answer = await store.acquireLease('support', deadHolder, 600_000, Date.now());
  if (answer.outcome !== 'held') throw new Error('taken');
  await store.beginAction(anAction({ leaseToken: answer.lease.token }), answer.lease);
  await store.writeHealth([{ route: 'support', vantage: 'fra', hop: 'mx1', health: aHealth() }]);
  await store.recordRun({ id: idOf(2), command: 'auto', startedAt, finishedAt: startedAt, exitCode: 0 });
  await store.close();
}

describe('mxctl state info', () => {
  it('shows where the state is, what is in it and who holds a lease', async () => {
    const url = sqliteUrl();
    await fill(url);
    const config = configOf(url);
    const { stdout, stderr, exitCode } = await state(config, 'info');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toContain(url);
    expect(stdout).toMatch(/^kind +SQLite, this machine alone$/m);
    expect(stdout).toMatch(/^oldest +2026-11-22 03:12:09 UTC/m);
    expect(stdout).toMatch(/^health +1$/m);
    expect(stdout).toMatch(
      new RegExp(`^support +${deadHolder} +2026-11-22 03:12:09 UTC, \\S+ ago +ends in (9m\\d+s|10m)$`, 'm'),
    );
    const data = dataOf((await state(config, 'info', '--json')).stdout);
    expect(data).toMatchObject({
      kind: 'sqlite',
      migration_pending: false,
      oldest_at: '2026-11-22T03:12:09.000Z',
      leases: [
        { name: 'support', holder: deadHolder, token: 1, since: '2026-11-22T03:12:09.000Z', is_live: true },
      ],
    });
  });

  it('makes no store where there is none', async () => {
    const { exitCode, stderr } = await state(configOf(sqliteUrl()), 'info');
    expect(exitCode).toBe(4);
    expect(stderr).toContain('does not exist');
  });
});

describe('mxctl state migrate', () => {
  it('makes the schema, and says from what to what', async () => {
    const config = configOf(sqliteUrl());
    expect((await state(config, 'migrate')).stdout).toMatch(/^The schema was made: \d+\.\n$/);
    expect((await state(config, 'migrate')).stdout).toMatch(/^The schema is up to date: \d+\.\n$/);
    const { from, to } = dataOf((await state(config, 'migrate', '--json')).stdout);
    expect(from).toBe(to);
  });
});

describe('mxctl state export and import', () => {
  it('refuse a way that cannot be gone', async () => {
    const url = sqliteUrl();
    await fill(url);
    const config = configOf(url);
    const file = path.join(directory, 'refused.ndjson');
    expect(await state(config, 'export', '-', '--json')).toMatchObject({ exitCode: 64 });
    expect(await state(config, 'export', '/nowhere/state.ndjson')).toMatchObject({ exitCode: 64 });
    expect(await state(config, 'import', '/nowhere/state.ndjson')).toMatchObject({ exitCode: 4 });
    const empty = configOf(sqliteUrl());
    expect(await state(empty, 'import', '/nowhere/state.ndjson')).toMatchObject({ exitCode: 64 });
    await state(config, 'export', file);
    expect(await state(config, 'import', file)).toMatchObject({ exitCode: 4 });
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 300));
    const cut = await state(empty, 'import', file);
    expect(cut.exitCode).toBe(64);
    expect(cut.stderr).toMatch(/line \d+: /);
  });

  it('write stdout as it is', async () => {
    const url = sqliteUrl();
    await fill(url);
    const { stdout } = await state(configOf(url), 'export', '-');
    const lines = stdout.trimEnd().split('\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({ format: 'mxctl state', version: 1 });
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ end: true, rows: lines.length - 2 });
  });
});

describe('mxctl state unlock', () => {
  it('shows who has it, frees it by a yes, and leaves the token spent', async () => {
    const url = sqliteUrl();
    await fill(url);
    const config = configOf(url);
    const refused = await state(config, 'unlock', 'support');
    expect(refused).toMatchObject({ exitCode: 3 });
    expect(refused.stdout).toContain(`support is held by ${deadHolder}, since 2026-11-22 03:12:09 UTC`);
    const { stdout, exitCode } = await state(config, 'unlock', 'support', '--yes');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Freed. Token 1 stays spent.');
    expect((await state(config, 'unlock', 'support', '--yes')).stdout).toBe('Nobody holds support.\n');
    const store = await openSqlStore({ url });
    expect(await store.acquireLease('support', 'next:1:run', 1000, Date.now())).toMatchObject({
      lease: { token: 2 },
    });
    await store.close();
  });
});

describe.skipIf(postgresMissing !== null)(`on PostgreSQL ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.dispose();
  });

  it('a state moves there and back, and no password is shown on the way', async () => {
    const from = sqliteUrl();
    await fill(from);
    const there = configOf(server.url(await server.createDatabase()));
    const back = configOf(sqliteUrl());
    const files = [1, 2, 3].map((at) => path.join(directory, `way-${at}.ndjson`));
    const runs = [
      await state(configOf(from), 'export', files[0]!),
      await state(there, 'import', files[0]!),
      await state(there, 'info'),
      await state(there, 'export', files[1]!),
      await state(back, 'import', files[1]!),
      await state(back, 'export', files[2]!),
    ];
    for (const run of runs) {
      expect(run).toMatchObject({ stderr: '', exitCode: 0 });
      expect(run.stdout).not.toContain('Tr0ub4dor');
    }
    expect(runs[2]!.stdout).toMatch(/^kind +PostgreSQL, may be shared$/m);
    expect(runs[2]!.stdout).toContain('No lease is held.');
    const rows = (file: string) => readFileSync(file, 'utf8').split('\n').slice(1, -2).length;
    expect(files.map(rows)).toEqual([4, 4, 4]);
    expect((statSync(files[0]!).mode & 0o077).toString(8)).toBe('0');
  });

  it('a schema of an older mxctl is shown, brought up to date, and then left alone', async () => {
    const url = server.url(await server.createDatabase());
    await makeOldSchema(url, 2);
    const config = configOf(url);
    expect(dataOf((await state(config, 'info', '--json')).stdout)).toMatchObject({ migration_pending: true });
    const file = path.join(directory, 'older.ndjson');
    expect(await state(config, 'export', file)).toMatchObject({ exitCode: 4 });
    const { from, to } = dataOf((await state(config, 'migrate', '--json')).stdout);
    expect([from, to]).toEqual([2, schemaVersion]);
    expect(dataOf((await state(config, 'info', '--json')).stdout)).toMatchObject({
      migration_pending: false,
    });
    expect(await state(config, 'export', file)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await state(config, 'migrate')).stdout).toMatch(/^The schema is up to date: \d+\.\n$/);
  });

  it('that is away is told by every one of them', async () => {
    const config = configOf('postgres://mxctl:sesame@127.0.0.1:1/state');
    const file = path.join(directory, 'nothing.ndjson');
    for (const args of [['info'], ['migrate'], ['export', file], ['import', file], ['unlock', 'support']]) {
      const run = await state(config, ...args);
      expect(run, args.join(' ')).toMatchObject({ exitCode: 8 });
      expect(run.stderr).toContain('cannot be reached');
      expect(run.stdout + run.stderr).not.toContain('sesame');
    }
  });
});
