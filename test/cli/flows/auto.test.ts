// The unattended run as cron and systemd start it: quiet, alone, and not to be harmed by dying at the worst moment.
//
//   auto --once ── UPDATE ──► [proxy] ──► update port
//                              before: the UPDATE never arrives
//                              after:  it is applied, its reply never comes back

import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/render/envelope.ts';
import {
  type CliWorld,
  directMx,
  expectScreen,
  proxyMx,
  type Started,
  startCliWorld,
} from '../../support/cli-world.ts';
import type { Run } from '../../support/cli.ts';
import { startUpdateProxy, type UpdateProxy } from '../../support/update-proxy.ts';

interface Scene {
  readonly flow: CliWorld;
  readonly proxy: UpdateProxy;
}

/** A world whose updates go through a proxy. One pass makes a hop up, so that one run suffices to know them all, and
 *  what it saw does not grow stale however slow the machine is. */
async function openScene(): Promise<Scene> {
  const flow = await startCliWorld({}, { mode: 'auto', rise: 1 });
  const { port } = flow.world.updatePort;
  const proxy = await startUpdateProxy(port);
  flow.useConfig((yaml) =>
    yaml
      .replace(`:${port}"`, `:${proxy.port}"`)
      .replace('interval: 1s', 'interval: 5m')
      .replace('forgive: 3', 'forgive: 1'),
  );
  return { flow, proxy };
}

async function closeScene({ flow, proxy }: Scene): Promise<void> {
  await proxy.close();
  await flow.close();
}

let scenes: Scene[];
beforeAll(async () => {
  scenes = await Promise.all([openScene(), openScene(), openScene()]);
});
beforeEach(async () => {
  for (const { flow, proxy } of scenes) {
    proxy.mode = 'pass';
    await flow.reset();
  }
});
afterAll(() => Promise.all(scenes.map(closeScene)));

const before = [6, ...proxyMx];
const after = [2, ...directMx];
const auto = ['auto', '--once'];

/** All is well and known; then the proxy fails. */
async function breakProxy({ flow }: Scene): Promise<void> {
  expect(await flow.run(auto)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  await flow.world.setFault('proxy', 'down');
}

interface Change {
  readonly state: string;
  readonly applied_at: string | null;
  readonly kind: string;
}
const changesOf = ({ data }: Envelope) => (data as { changes: Change[] }).changes;

/** Changes that reached DNS, as the history has them. */
async function flipsIn(flow: CliWorld): Promise<Change[]> {
  return changesOf(await flow.json(['history'])).filter((one) => one.applied_at !== null);
}

async function kill(started: Started, signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
  const gone = once(started.child, 'exit');
  started.child.kill(signal);
  if (signal === 'SIGKILL') await gone;
}

describe('auto --once', () => {
  it('prints nothing where nothing changed, and moves and says so where a path fails', async () => {
    const [scene] = scenes;
    await breakProxy(scene!);
    const { flow } = scene!;
    const run = await flow.run(auto);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/ {2}shop {2}proxy is down: /);
    expect(run.stdout).toMatch(/moved shop: proxy -> direct/);
    expectScreen(run.stdout);
    expect(flow.mx).toEqual(after);
    const quiet = await flow.json(auto);
    expect(quiet).toMatchObject({ exit_code: 0, data: { flips: [], routes: [{ active: 'direct' }] } });
    expect(await flow.run(auto)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await flipsIn(flow)).toHaveLength(1);
  });

  it('reads back where only the reply was lost; moves nothing in a paused route and says that it would', async () => {
    const [lost, paused] = scenes as [Scene, Scene];
    await Promise.all([
      (async () => {
        await breakProxy(lost);
        lost.proxy.mode = 'cut-after';
        const moved = await lost.flow.json(auto);
        const flips = [{ route: 'shop', from: 'proxy', to: 'direct' }];
        expect(moved).toMatchObject({ exit_code: 0, data: { flips } });
        expect(lost.flow.mx).toEqual(after);
        expect(await flipsIn(lost.flow)).toMatchObject([{ state: 'confirmed' }]);
      })(),
      (async () => {
        await breakProxy(paused);
        await paused.flow.run(['pause', 'shop', '--for', '1h', '--reason', 'OPS-1182']);
        const { exit_code, data } = await paused.flow.json(auto);
        expect(exit_code).toBe(3);
        expect(data).toMatchObject({ flips: [], routes: [{ decision: { kind: 'hold' } }] });
        expect(paused.flow.mx).toEqual(before);
      })(),
    ]);
  });
});

describe('a run killed between its intent and the read-back', () => {
  async function killAndGoOn(scene: Scene, mode: 'before' | 'after'): Promise<void> {
    const { flow, proxy } = scene;
    await breakProxy(scene);
    proxy.mode = mode;
    const held = proxy.untilNextHeld();
    const first = flow.start(auto);
    await held;

    // While it lives nobody else may act, neither another run nor a person.
    const others = await Promise.all([flow.json(auto), flow.json(['failover', 'shop', '--yes'])]);
    for (const one of others) expect(one).toMatchObject({ exit_code: 7, error: { code: 'locked' } });

    await kill(first, 'SIGKILL');
    expect(flow.mx).toEqual(mode === 'before' ? before : after);
    expect((await flow.json(['status'])).data).toMatchObject({
      routes: [{ dns: 'settling', unsettled: [{ state: 'intended' }] }],
    });

    // Its lease has most of a minute to go; a holder that is dead on this machine is not waited for.
    proxy.mode = 'pass';
    const next = await flow.run(auto);
    expect(next).toMatchObject({ exitCode: 0, stderr: '' });
    expect(next.stdout.replace(/\s+/g, ' ')).toMatch(
      mode === 'before' ? /never reached the provider/ : /had been applied; every authority answers it/,
    );
    expectScreen(next.stdout);
    expect(flow.mx).toEqual(after);

    expect(await flow.run(auto)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(flow.mx).toEqual(after);
    const [flips, history] = await Promise.all([flipsIn(flow), flow.run(['history'])]);
    expect(flips).toMatchObject([{ kind: 'failover', state: 'confirmed' }]);
    expect(history.stdout.match(/shop: proxy -> direct {2}failover {2}done/g)).toHaveLength(1);
    expectScreen(history.stdout);
  }

  it('leaves the next one to find out, and ends in one flip, whether the update arrived or not', async () => {
    const [one, other] = scenes;
    await Promise.all([killAndGoOn(one!, 'before'), killAndGoOn(other!, 'after')]);
  });
});

describe('Ctrl-C in the middle of an apply', () => {
  const failover = ['failover', 'shop', '--yes'];

  async function interrupt({ flow, proxy }: Scene, args: string[], mode: 'before' | 'after'): Promise<Run> {
    proxy.mode = mode;
    const held = proxy.untilNextHeld();
    const started = flow.start(args);
    await held;
    await kill(started, 'SIGINT');
    const run = await started.ended;
    proxy.mode = 'pass';
    expectScreen(run.stdout + run.stderr);
    return run;
  }

  it('ends in good order, says what is so, and leaves nothing that the journal does not know', async () => {
    const [one, two, three] = scenes as [Scene, Scene, Scene];
    await breakProxy(three);
    const [never, applied, unattended] = await Promise.all([
      interrupt(one, failover, 'before'),
      interrupt(two, failover, 'after'),
      interrupt(three, auto, 'before'),
    ]);

    expect(never.exitCode).toBe(130);
    expect(never.stderr).toMatch(/^error: stopped by SIGINT\n/);
    expect(never.stdout).toMatch(/failed, nothing changed {3}shop: proxy -> direct/);
    expect(one.flow.mx).toEqual(before);

    expect(applied.exitCode).toBe(5);
    expect(applied.stdout).toMatch(/written, not confirmed {3}shop: proxy -> direct/);
    expect(two.flow.mx).toEqual(after);

    expect(unattended.exitCode).toBe(130);
    expect(unattended.stdout).toMatch(/shop: proxy -> direct: failed, nothing changed/);
    expect(unattended.stdout).not.toMatch(/moved|undo/);
    expect(three.flow.mx).toEqual(before);

    const [first, watched, third] = await Promise.all([
      one.flow.json(['history']),
      two.flow.json(['watch', '--once']),
      three.flow.json(auto),
    ]);
    expect(changesOf(first)).toMatchObject([{ state: 'failed', applied_at: null }]);
    expect(watched).toMatchObject({ exit_code: 0, data: { state: 'confirmed' } });
    expect(third).toMatchObject({ exit_code: 0, data: { flips: [{ from: 'proxy', to: 'direct' }] } });
    expect(await flipsIn(two.flow)).toMatchObject([{ state: 'confirmed' }]);
  });
});
