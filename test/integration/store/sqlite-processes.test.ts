// The state file in several real processes: first runs at once, leases contended, a kill in mid-transaction, a disk
// that is full.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { schemaVersion } from '../../../src/store/sql/migrate.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';

const script = join(import.meta.dirname, 'other-process.ts');

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-store-'));
  file = join(directory, 'state.db');
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function start(verb: string, holder = 'other:1:run'): ChildProcess {
  return spawn(process.execPath, [script, verb, file, holder], { stdio: ['pipe', 'pipe', 'pipe'] });
}

async function finish(child: ChildProcess): Promise<{ lines: unknown[]; errors: string; code: number }> {
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number]>,
  ]);
  return {
    lines: out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown),
    errors,
    code,
  };
}

it('makes one schema where four first runs open at once, and none of them prints a warning', async () => {
  const children = Array.from({ length: 4 }, (_, index) => start('open', `${index}`));
  const ends = children.map(finish);
  await Promise.all(children.map((child) => once(child.stdout!, 'data')));
  for (const child of children) child.stdin!.write('go');
  for (const run of await Promise.all(ends)) {
    expect(run).toMatchObject({ errors: '', code: 0, lines: ['ready', { schemaVersion }] });
  }
});

it('never lets two processes hold a route at once, and never gives a token twice', async () => {
  const runs = await Promise.all(['a', 'b', 'c'].map((name) => finish(start('contend', `${name}:1:run`))));
  expect(runs.map((run) => run.errors)).toEqual(['', '', '']);
  const held = runs
    .flatMap((run) => run.lines as { token: number; from: string; until: string }[])
    .map((one) => ({ token: one.token, from: BigInt(one.from), until: BigInt(one.until) }))
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  expect(held.map((one) => one.token)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1));
  const overlaps = held.filter((one, index) => index > 0 && one.from < held[index - 1]!.until);
  expect(overlaps).toEqual([]);
});

it('loses only the open transaction when a process is killed in the middle of it', async () => {
  const child = start('hang');
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  expect(JSON.parse(line)).toBe('in the middle');
  child.kill('SIGKILL');
  await once(child, 'close');

  const store = await openSqlStore({ url: `sqlite:${file}` });
  expect(await store.lastRun('auto')).toMatchObject({ id: 'committed' });
  expect(await store.acquireLease('support', 'next:2:run', 1000, 2)).toMatchObject({
    outcome: 'taken',
    holder: 'other:1:run',
  });
  await store.close();
});

it('waits for a transaction of another process, then says what is in the way', async () => {
  const child = start('hang');
  await once(createInterface({ input: child.stdout! }), 'line');
  const store = await openSqlStore({ url: `sqlite:${file}`, lockWaitMs: 50 });
  await expect(store.clearPause(null)).rejects.toMatchObject({
    code: 'store-unavailable',
    retryable: true,
    message: `state store sqlite:${file} is locked by another process`,
  });
  // Readers are not in anybody's way.
  expect(await store.lastRun('auto')).toMatchObject({ id: 'committed' });
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await store.clearPause(null)).toBe(false);
  await store.close();
});

it('says that the disk is full, and keeps what was written before', async () => {
  // A file size limit stands in for a full disk: 2 MB, in blocks of 512 octets.
  const command = `ulimit -f 4096; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, script, 'fill', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = await finish(child);
  expect(run).toMatchObject({ errors: '', code: 0, lines: [{ code: 'store-unavailable' }] });
  const [{ written, message, hint }] = run.lines as [{ written: number; message: string; hint: string }];
  expect(message).toMatch(
    /^state store sqlite:\S+ cannot be used: (disk I\/O error|database or disk is full)$/,
  );
  expect(hint).toMatch(/free space/);

  const store = await openSqlStore({ url: `sqlite:${file}` });
  expect(await store.listEvents({})).toHaveLength(written);
  await store.close();
});
