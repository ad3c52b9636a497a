// The unattended run killed at every point where a crash could hurt, and run again.
//
//   auto --once ── x ──► state store      x = before and after every commit, every message to the provider,
//        └──────── x ──► DNS provider         and every reply: SIGKILL, as the kernel or a power cut would
//
// After the next runs: the right RRset, changed once, and a history that knows it.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFlip } from '../../../src/model/change.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { type CliStore, type CliStores, openCliStores, storeKinds } from '../../support/cli-store.ts';
import { type CliWorld, directMx, startCliWorld } from '../../support/cli-world.ts';
import type { Run } from '../../support/cli.ts';
import { projectRoot } from '../../support/program.ts';

const auto = ['auto', '--once'];
const killer = path.join(projectRoot, 'test/support/kill-at.ts');
/** Every how many points one is tried, and all that concern the provider; 1 = all, as before a release. */
const stride = Number(process.env['MXCTL_CRASH_STRIDE'] ?? 4);

interface Scene {
  readonly flow: CliWorld;
  /** Kept as it is when all is well and known. */
  readonly store: CliStore;
}

async function openScene(stores: CliStores): Promise<Scene> {
  const flow = await startCliWorld({}, { mode: 'auto', rise: 1, intervalSeconds: 300 });
  flow.useConfig((yaml) => yaml.replace('forgive: 3', 'forgive: 1'));
  const store = await stores.openFor(flow);
  expect(await flow.run(auto)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  await store.keep();
  return { flow, store };
}

/** All is well and known, and the proxy has just failed. */
async function breakProxy({ flow, store }: Scene): Promise<void> {
  await flow.reset();
  await store.putBack();
  await flow.world.setFault('proxy', 'down');
}

function underKiller({ flow, store }: Scene, killAt: number, logFile = ''): Record<string, string> {
  return {
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import ${killer}`,
    MXCTL_TEST_KILL_AT: String(killAt),
    MXCTL_TEST_POINTS: logFile,
    MXCTL_TEST_PROVIDER_PORT: String(flow.world.updatePort.port),
    MXCTL_TEST_DATABASE_PORT: String(store.port),
  };
}

async function pointsOf(scene: Scene): Promise<string[]> {
  await breakProxy(scene);
  const logFile = path.join(scene.flow.world.directory, 'points');
  const run = await scene.flow.run(auto, { env: underKiller(scene, 0, logFile) });
  expect(run.stdout, run.stderr).toMatch(/moved shop: proxy -> direct/);
  return readFileSync(logFile, 'utf8').trim().split('\n');
}

async function killAndGoOn(scene: Scene, at: number): Promise<string | null> {
  const { flow } = scene;
  await breakProxy(scene);
  const before = flow.world.data.changes.length;
  const started = flow.start(auto, { env: underKiller(scene, at) });
  const killed = await started.ended;
  // -1: it was killed, and did not end by itself.
  if (killed.exitCode !== -1) return `it was not killed: exit ${killed.exitCode} ${killed.stderr}`;
  const next = [await flow.run(auto), await flow.run(auto)];
  return complaint(scene, { before, next });
}

/** What is wrong afterwards; null where nothing is. */
async function complaint(
  { flow, store: { url } }: Scene,
  { before, next }: { before: number; next: readonly Run[] },
): Promise<string | null> {
  const codes = next.map((one) => one.exitCode).join(' ');
  if (codes !== '0 0') return `exit codes ${codes}: ${next.map((one) => one.stdout + one.stderr).join('\n')}`;
  if (flow.mx.join() !== [2, ...directMx].join()) return `DNS publishes ${flow.mx.join()}`;
  const changes = flow.world.data.changes.slice(before).filter((one) => one.after?.type === 'MX');
  if (changes.length !== 1) return `DNS was changed ${changes.length} times`;
  const store = await openSqlStore({ url, readOnly: true });
  try {
    const actions = await store.listActions({ route: 'shop' });
    const flips = actions.filter((one) => isFlip(one) && one.appliedAt !== null);
    if (flips.length !== 1) return `${flips.length} flips in history`;
    if (!/^(?:confirmed|cleared)$/.test(flips[0]?.state ?? '')) return `the flip is ${flips[0]?.state ?? ''}`;
    const events = await store.listEvents({ route: 'shop' });
    const telling = events.filter((one) => one.text.includes('direct'));
    return telling.length > 0 ? null : `no event tells of it: ${events.map((one) => one.text).join(' | ')}`;
  } finally {
    await store.close();
  }
}

describe.each(storeKinds)('auto --once on %s, killed at any point of a move', (kind) => {
  let stores: CliStores;
  let scenes: Scene[];
  let points: string[];

  beforeAll(async () => {
    stores = await openCliStores(kind);
    scenes = await Promise.all([openScene(stores), openScene(stores), openScene(stores)]);
    points = await pointsOf(scenes[0]!);
  }, 60_000);
  afterAll(async () => {
    for (const { flow } of scenes) await flow.close();
    await stores.dispose();
  });

  it('leaves what the next run makes whole: one flip, the right RRset, and a history that tells it', async () => {
    expect(points).toContain('provider: after sending');
    expect(points).toContain(kind === 'SQLite' ? 'store: before commit' : 'database: commit: before sending');
    const due = points
      .map((name, index) => ({ name, at: index + 1 }))
      .filter(({ name, at }) => at % stride === 0 || name.startsWith('provider'));
    const wrong: string[] = [];
    await Promise.all(
      scenes.map(async (scene, lane) => {
        for (const { name, at } of due.filter((_, index) => index % scenes.length === lane)) {
          const said = await killAndGoOn(scene, at);
          if (said !== null) wrong.push(`${at} ${name}: ${said}`);
        }
      }),
    );
    console.info(`${kind}: killed at ${due.length} of ${points.length} points, ${wrong.length} went wrong`);
    expect(wrong).toEqual([]);
  }, 900_000);
});
