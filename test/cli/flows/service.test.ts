// `auto --interval` as systemd and Kubernetes run it: signals at the worst moment, a configuration that changes under it,
// and what it tells whoever watches over it. A world of its own for each test: a service keeps what it has seen.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCa } from '../../support/certificates.ts';
import {
  type CliWorld,
  directMx,
  proxyMx,
  type Started,
  startCliWorld,
  until,
} from '../../support/cli-world.ts';
import { runCli } from '../../support/cli.ts';
import { hasNotify, openNotifySocket } from '../../support/notify-socket.ts';
import { startUpdateProxy, type UpdateProxy } from '../../support/update-proxy.ts';

interface Scene {
  readonly flow: CliWorld;
  readonly proxy: UpdateProxy;
}

/** One pass makes a hop up; what was seen stays fresh however slow the machine is. */
async function openScene(): Promise<Scene> {
  const flow = await startCliWorld({}, { mode: 'auto', rise: 1, holdDownSeconds: 3600 });
  const proxy = await startUpdateProxy(flow.world.updatePort.port);
  flow.useConfig((yaml) =>
    yaml
      .replace(`:${flow.world.updatePort.port}"`, `:${proxy.port}"`)
      .replace('interval: 1s', 'interval: 5m')
      .replace('forgive: 3', 'forgive: 1'),
  );
  onTestFinished(async () => {
    await proxy.close();
    await flow.close();
  });
  return { flow, proxy };
}

const before = [6, ...proxyMx];
const after = [2, ...directMx];
const service = ['auto', '--interval', '1s', '--json'];
const rounds = (started: Started) => records(started).filter((one) => 'routes' in one).length;

interface Line {
  readonly schema: string;
  readonly exit_code?: number;
  readonly reloaded?: boolean;
  readonly text?: string;
  readonly started_at?: string;
  readonly data?: { readonly rounds: number };
}

/** What a service has printed so far, a line each. */
function records(started: Started): Line[] {
  return started.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

async function stop(started: Started, signal: NodeJS.Signals = 'SIGTERM') {
  started.child.kill(signal);
  return started.ended;
}

interface HistoryEvent {
  readonly kind: string;
  readonly route: string | null;
  readonly text: string;
}

async function history(flow: CliWorld): Promise<{ flips: object[]; events: HistoryEvent[] }> {
  const { data } = await flow.json(['history']);
  const { changes, events } = data as { changes: { applied_at: string | null }[]; events: HistoryEvent[] };
  return { flips: changes.filter((one) => one.applied_at !== null), events };
}

/** The route is known as well, and then its proxy fails. */
async function breakProxy({ flow }: Scene): Promise<void> {
  await until(async () => {
    const { data } = await flow.json(['auto', '--once']);
    const [route] = (data as { routes: { decision: { kind: string } | null; paths: { status: string }[] }[] })
      .routes;
    return route?.decision?.kind === 'stay' && route.paths.every((one) => one.status === 'ok');
  });
  await flow.world.setFault('proxy', 'down');
}

describe('SIGTERM in the middle of an action', () => {
  async function stopInTheMiddle(mode: 'before' | 'after') {
    const scene = await openScene();
    const { flow, proxy } = scene;
    await breakProxy(scene);
    proxy.mode = mode;
    const held = proxy.untilNextHeld();
    const started = flow.start(service);
    await held;
    const run = await stop(started);
    proxy.mode = 'pass';
    return { flow, run };
  }

  it('ends in good order with nothing written, and the next run begins it anew', async () => {
    const { flow, run } = await stopInTheMiddle('before');
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(flow.mx).toEqual(before);
    // Nobody holds anything: the next run is not kept out.
    expect(await flow.json(['auto', '--once'])).toMatchObject({
      exit_code: 0,
      data: { flips: [{ from: 'proxy', to: 'direct' }] },
    });
    expect(flow.mx).toEqual(after);
    expect((await history(flow)).flips).toMatchObject([{ state: 'confirmed' }]);
  });

  it('leaves what was written in the journal, and the next run finishes it', async () => {
    const { flow, run } = await stopInTheMiddle('after');
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(flow.mx).toEqual(after);
    const { flips } = await history(flow);
    expect(flips).toHaveLength(1);
    const next = await flow.run(['auto', '--once']);
    expect(next).toMatchObject({ exitCode: 0, stderr: '' });
    expect(flow.mx).toEqual(after);
    expect((await history(flow)).flips).toMatchObject([{ state: 'confirmed' }]);
  });

  it('ends at once at the second signal', async () => {
    const scene = await openScene();
    await breakProxy(scene);
    scene.proxy.mode = 'before';
    const held = scene.proxy.untilNextHeld();
    const started = scene.flow.start(service);
    await held;
    started.child.kill('SIGTERM');
    // Another one: two of a kind become one while the process has not taken the first.
    started.child.kill('SIGINT');
    expect((await started.ended).exitCode).toBe(130);
    scene.proxy.mode = 'pass';
    expect(await scene.flow.json(['auto', '--once'])).toMatchObject({ exit_code: 0 });
    expect(scene.flow.mx).toEqual(after);
  });
});

describe('time', () => {
  it('ends a round that hangs at a provider, says so, and leaves what is open to the next', async () => {
    const scene = await openScene();
    const { flow, proxy } = scene;
    await breakProxy(scene);
    proxy.mode = 'before';
    const bound = ['--max-runtime', '5s'];
    const tooLong = 'the round took longer than --max-runtime (5 s)';
    const late = await flow.json(['auto', '--once', ...bound]);
    expect(late.exit_code).toBe(8);
    // Of the route where the round got to the provider, of the run where the machine is too slow for that.
    expect(JSON.stringify(late)).toContain(tooLong);
    expect(flow.mx).toEqual(before);
    const started = flow.start([...service, ...bound]);
    await until(() => started.stdout.split(tooLong).length > 2, 60_000);
    proxy.mode = 'pass';
    await until(() => String(flow.mx) === String(after), 60_000);
    expect((await stop(started)).exitCode).toBe(0);
    // Written, whether or not it was read back before the end.
    expect((await history(flow)).flips).toHaveLength(1);
  });

  it('that passed while the process was stopped is not caught up with', async () => {
    const { flow } = await openScene();
    const started = flow.start(service);
    await until(() => rounds(started) > 1);
    started.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 4000));
    started.child.kill('SIGCONT');
    const seen = rounds(started);
    await until(() => rounds(started) > seen + 3);
    await stop(started);
    const begins = records(started).flatMap(({ started_at }) =>
      started_at === undefined ? [] : [Date.parse(started_at)],
    );
    const gaps = begins.slice(1, -1).map((at, index) => at - (begins[index] ?? 0));
    expect(Math.max(...gaps)).toBeGreaterThan(3000);
    // Never two at once: half an interval is the least.
    expect(Math.min(...gaps)).toBeGreaterThan(400);
  });

  it.each([
    [['--interval', '2d'], /--interval is at most 1d/],
    [['--once', '--max-runtime', '30d'], /--max-runtime is at most 1d/],
    [['--interval', '1s', '--health-listen', 'example.com:80'], /is no address to listen on/],
    [['--interval', '1s', '--health-listen', '127.0.0.1:99999'], /is no address to listen on/],
    [['--once', '--health-listen', '8025'], /health-listen/],
  ])('and addresses that make no sense are refused: %j', async (args, message) => {
    const run = await runCli(['auto', ...args]);
    expect(run).toMatchObject({ exitCode: 64, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});

describe('SIGHUP', () => {
  async function startService(flow: CliWorld, args: readonly string[] = service) {
    const started = flow.start(args);
    await until(() => rounds(started) > 0);
    return started;
  }
  const reloads = (started: Started) => records(started).filter((one) => one.reloaded !== undefined);
  async function hangUp(started: Started): Promise<Line> {
    const { length } = reloads(started);
    started.child.kill('SIGHUP');
    await until(() => reloads(started).length > length);
    return reloads(started).at(-1)!;
  }

  it('keeps the old configuration where the new one is bad, says so once, and takes the next good one', async () => {
    const { flow } = await openScene();
    const good = readFileSync(flow.configFile, 'utf8');
    const started = await startService(flow);
    writeFileSync(flow.configFile, good.replace('prefer: proxy', 'prefer: porxy'));
    expect(await hangUp(started)).toMatchObject({
      reloaded: false,
      text: expect.stringMatching(
        /^configuration not reloaded, the old one holds: .*is no path of this route/,
      ) as string,
    });
    const seen = rounds(started);
    await until(() => rounds(started) > seen + 1);
    writeFileSync(flow.configFile, good);
    expect(await hangUp(started)).toMatchObject({ reloaded: true, text: 'configuration reloaded: 1 route' });
    const { exitCode, stderr } = await stop(started);
    expect(exitCode).toBe(0);
    expect(stderr.match(/not reloaded/g)).toHaveLength(1);
    const { events } = await history(flow);
    expect(events.filter((one) => one.kind === 'config').map((one) => one.text.slice(0, 26))).toEqual([
      'configuration reloaded: 1 ',
      'configuration not reloaded',
    ]);
  });

  it('keeps the old state store where the new one cannot be opened', async () => {
    const { flow } = await openScene();
    const good = readFileSync(flow.configFile, 'utf8');
    const started = await startService(flow);
    writeFileSync(flow.configFile, good.replace(/sqlite:[^"]+/, 'sqlite:/proc/nowhere/state.sqlite'));
    expect(await hangUp(started)).toMatchObject({ reloaded: false, error: { code: 'store-unavailable' } });
    const seen = rounds(started);
    await until(() => rounds(started) > seen);
    expect((await stop(started)).exitCode).toBe(0);
  });

  it('in the middle of an action waits until it is done with the configuration that it began with', async () => {
    const scene = await openScene();
    const { flow, proxy } = scene;
    await breakProxy(scene);
    let release: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      proxy.beforeWrite = () => {
        proxy.beforeWrite = null;
        resolve();
        return new Promise<void>((go) => (release = go));
      };
    });
    const started = flow.start(service);
    await arrived;
    const yaml = readFileSync(flow.configFile, 'utf8');
    writeFileSync(flow.configFile, yaml.replace('mode: auto', 'mode: observe'));
    started.child.kill('SIGHUP');
    release();
    await until(() => reloads(started).length > 0);
    expect(flow.mx).toEqual(after);
    expect((await history(flow)).flips).toMatchObject([{ state: 'confirmed' }]);
    expect((await stop(started)).exitCode).toBe(0);
  });

  it('says loudly of a route that is gone while failed over where it is and how it is put back, and writes nothing', async () => {
    const scene = await openScene();
    const { flow } = scene;
    await breakProxy(scene);
    const started = flow.start(service);
    await until(() => String(flow.mx) === String(after));
    const seen = rounds(started);
    await until(() => rounds(started) > seen + 1);
    const yaml = readFileSync(flow.configFile, 'utf8');
    writeFileSync(flow.configFile, yaml.slice(0, yaml.indexOf('routes:\n')));
    expect(await hangUp(started)).toMatchObject({ text: 'configuration reloaded: 0 routes; gone shop' });
    const { stderr } = await stop(started);
    const loud =
      /^warning: route shop is not in the configuration any more and is not watched, though it is failed over to direct; nothing was changed\. To put it back: write it into .*mxctl-\d+\.yaml again, then mxctl failover shop, or mxctl rollback/m;
    expect(stderr).toMatch(loud);
    expect(stderr.match(/not watched/g)).toHaveLength(1);
    expect(flow.mx).toEqual(after);
    // A run each minute says it no more; a service that starts does.
    expect((await flow.run(['auto', '--once'])).stderr).toBe('');
    const again = await startService(flow);
    expect((await stop(again)).stderr).toMatch(loud);
    // As it says.
    writeFileSync(flow.configFile, yaml);
    await flow.world.setFault('proxy', 'ok');
    await flow.run(['rollback', '--yes', '--override', 'hold-down', '--confirm', 'shop']);
    expect(flow.mx).toEqual(before);
  });

  it('leaves no handle behind, a hundred times over', { timeout: 240_000 }, async () => {
    const { flow } = await openScene();
    const good = readFileSync(flow.configFile, 'utf8');
    const started = await startService(flow, ['auto', '--interval', '1h', '--json']);
    const { pid } = started.child;
    const handles = () => readdirSync(`/proc/${pid}/fd`).length;
    // Every second one is another store, so that there is something to close.
    const reload = async (at: number) => {
      const yaml = good.replace(/sqlite:[^"]+/, (url) => (at % 2 === 0 ? url : `${url}.other.sqlite`));
      writeFileSync(flow.configFile, yaml);
      expect(await hangUp(started)).toMatchObject({ reloaded: true });
    };
    for (let at = 0; at < 4; at++) await reload(at);
    const few = handles();
    for (let at = 4; at < 100; at++) await reload(at);
    expect(handles()).toBeLessThanOrEqual(few);
    expect((await stop(started)).exitCode).toBe(0);
  });
});

describe('whoever watches over a service', () => {
  function ask(socketPath: string, target: string) {
    return new Promise<string>((resolve) => {
      request({ socketPath, path: target }, (response) => {
        void text(response).then((body) => resolve(`${response.statusCode ?? 0} ${body.trimEnd()}`));
      })
        .on('error', () => resolve('nobody there'))
        .end();
    });
  }

  it('is told over HTTP that rounds are completed, and when they are not', async () => {
    const { flow } = await openScene();
    const socket = path.join(flow.world.directory, 'health.sock');
    const state = readFileSync(flow.configFile, 'utf8').replace(/sqlite:[^"]+/, 'sqlite:watched.sqlite');
    writeFileSync(flow.configFile, state);
    const started = flow.start([...service, '--health-listen', `unix:${socket}`]);
    await until(async () => (await ask(socket, '/readyz')) === '200 ok');
    expect(await ask(socket, '/healthz')).toBe('200 ok');
    // The state is gone from under it: what it writes goes wrong.
    const file = path.join(flow.world.directory, 'watched.sqlite');
    const vandal = new DatabaseSync(file);
    vandal.exec('drop table lease');
    vandal.close();
    await until(
      async () => /^503 the last 3 rounds were missed: store-/.test(await ask(socket, '/healthz')),
      60_000,
    );
    expect(await ask(socket, '/livez')).toBe('200 ok');
    expect((await stop(started)).exitCode).toBe(0);
    expect(await ask(socket, '/livez')).toBe('nobody there');
  });

  it.skipIf(!hasNotify)('is told by systemd-notify what becomes of it', async () => {
    const { flow } = await openScene();
    const { file, messages } = await openNotifySocket();
    const started = flow.start(service, {
      env: { NOTIFY_SOCKET: file, WATCHDOG_USEC: '400000' },
    });
    await until(() => messages.includes('READY=1') && messages.includes('WATCHDOG=1'));
    await until(() => messages.some((one) => one.startsWith('STATUS=')));
    started.child.kill('SIGHUP');
    await until(() => messages.filter((one) => one === 'READY=1').length === 2);
    expect((await stop(started)).exitCode).toBe(0);
    const told = messages.filter((one) => !/^(WATCHDOG|STATUS)=/.test(one)).map((one) => one.split('\n')[0]);
    expect(told).toEqual(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
  });

  it('is told over HTTPS of the beginning and the exit code of a run, also of one that could not begin', async () => {
    const { flow } = await openScene();
    const { ca, issue } = await makeCa();
    const { key, cert } = await issue(['localhost'], 1);
    const asked: string[] = [];
    const server = createHttpsServer({ key, cert }, ({ url }, response) => {
      asked.push(url ?? '');
      response.end('OK');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await until(() => server.listening);
    const { port } = server.address() as AddressInfo;
    const caFile = path.join(flow.world.directory, 'heartbeat-ca.pem');
    writeFileSync(caFile, ca);
    const url = `https://localhost:${port}/ping/5f0e-token`;
    flow.mustNotTell('5f0e-token');
    flow.useConfig((yaml) => `${yaml}\nheartbeat: {url: {env: HEARTBEAT_URL}, timeout: 5s}\n`);
    flow.useEnvironment({ HEARTBEAT_URL: url, NODE_EXTRA_CA_CERTS: caFile });
    expect((await flow.run(['auto', '--once'])).stderr).toBe('');
    expect(asked).toEqual(['/ping/5f0e-token/start', '/ping/5f0e-token/0']);
    const broken = flow.writeConfig((yaml) =>
      yaml.replace(/sqlite:[^"]+/, 'sqlite:/proc/nowhere/state.sqlite'),
    );
    expect((await flow.run(['auto', '--once'], { configFile: broken })).exitCode).toBe(4);
    expect(asked.slice(2)).toEqual(['/ping/5f0e-token/start', '/ping/5f0e-token/4']);
    // Nobody there, or nobody whom we trust: the round is as it was.
    flow.useEnvironment({ HEARTBEAT_URL: url });
    const untrusted = await flow.run(['auto', '--once']);
    expect(untrusted).toMatchObject({ exitCode: 0, stdout: '' });
    expect(untrusted.stderr).toMatch(/^warning: the heartbeat was not told: [A-Z_]+\n$/);
  });
});
