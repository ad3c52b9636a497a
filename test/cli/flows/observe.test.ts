// `mxctl observe`: a machine that measures for the others. It has no key of any provider, and no way to use one.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CliWorld,
  directMx,
  expectScreen,
  proxyMx,
  startCliWorld,
  until,
} from '../../support/cli-world.ts';
import { startUpdateProxy, type UpdateProxy } from '../../support/update-proxy.ts';

let flow: CliWorld;
let proxy: UpdateProxy;
/** The same configuration on a machine that is given no secret. */
let keyless: string;
let updates: number;
beforeAll(async () => {
  flow = await startCliWorld({}, { mode: 'auto', rise: 1 });
  const { port } = flow.world.updatePort;
  proxy = await startUpdateProxy(port);
  flow.useConfig((yaml) =>
    yaml
      .replace(`:${port}"`, `:${proxy.port}"`)
      .replace('interval: 1s', 'interval: 5m')
      .replace('forgive: 3', 'forgive: 1'),
  );
  keyless = flow.writeConfig((yaml) =>
    yaml
      .replace(/secret: \{file: [^}]+\}/, 'secret: {env: NO_SUCH_KEY}')
      .replace(/vantage: \S+/, 'vantage: watcher'),
  );
});
beforeEach(async () => {
  await flow.reset();
  updates = 0;
  proxy.beforeWrite = () => void (updates += 1);
});
afterAll(async () => {
  await proxy.close();
  await flow.close();
});

const before = [6, ...proxyMx];
const observe = (args = ['--once']) => flow.run(['observe', ...args], { configFile: keyless });
const quiet = { exitCode: 0, stdout: '', stderr: '' };

/** Until the hops are known as well. */
async function settleIn(): Promise<void> {
  await until(async () => {
    const { data } = await flow.json(['observe', '--once'], { configFile: keyless });
    const [route] = (data as { routes: { paths: { status: string }[] }[] }).routes;
    return route?.paths.every((one) => one.status === 'ok') === true;
  });
}

describe('mxctl observe', () => {
  it('says once what auto would do, counts for the others, and asks no provider for anything', async () => {
    await settleIn();
    expect(await observe()).toEqual(quiet);
    await flow.world.setFault('proxy', 'down');
    const found = await observe();
    expect(found).toMatchObject({ exitCode: 2, stderr: '' });
    expect(found.stdout.replace(/\s+/g, ' ')).toMatch(
      /shop proxy is down: .* would move to direct, but mode: observe leaves that to a person/,
    );
    expectScreen(found.stdout);
    // Told once, found each time.
    expect(await observe()).toEqual({ ...quiet, exitCode: 2 });
    expect(flow.mx).toEqual(before);
    expect(updates).toBe(0);
    const { data } = await flow.json(['history']);
    const { changes, events } = data as { changes: object[]; events: { kind: string; text: string }[] };
    expect(changes).toEqual([]);
    expect(events.find((one) => one.kind === 'decision')?.text).toMatch(
      /^observed from watcher: hold: proxy is down/,
    );
    await flow.world.setFault('proxy', 'ok');
    expect((await observe()).stdout.replace(/\s+/g, ' ')).toMatch(/shop proxy takes mail/);
  });

  it('leaves alone what another run has under way', async () => {
    await settleIn();
    await until(async () => {
      const { data } = await flow.json(['auto', '--once']);
      const [route] = (data as { routes: { decision: { kind: string } | null }[] }).routes;
      return route?.decision?.kind === 'stay';
    });
    await flow.world.setFault('proxy', 'down');
    proxy.mode = 'after';
    const held = proxy.untilNextHeld();
    const auto = flow.start(['auto', '--once']);
    await held;
    auto.child.kill('SIGKILL');
    await auto.ended;
    proxy.mode = 'pass';
    updates = 0;
    const unsettled = async () => (await flow.json(['history'])).data as { changes: { state: string }[] };
    expect((await unsettled()).changes).toMatchObject([{ state: 'intended' }]);
    await observe();
    expect((await unsettled()).changes).toMatchObject([{ state: 'intended' }]);
    expect(updates).toBe(0);
    await flow.run(['auto', '--once']);
    expect((await unsettled()).changes).toMatchObject([{ state: 'confirmed' }]);
    expect(flow.mx).toEqual([2, ...directMx]);
  });

  it('stays as a service, reloads and ends like auto', async () => {
    const started = flow.start(['observe', '--interval', '1s', '--json'], { configFile: keyless });
    await until(() => started.stdout.split('\n').length > 3);
    const yaml = readFileSync(keyless, 'utf8');
    writeFileSync(keyless, `${yaml}\nnonsense: 1\n`);
    started.child.kill('SIGHUP');
    await until(() => started.stdout.includes('"reloaded":false'));
    writeFileSync(keyless, yaml);
    started.child.kill('SIGTERM');
    const run = await started.ended;
    expect(run.exitCode).toBe(0);
    const last = JSON.parse(run.stdout.trimEnd().split('\n').at(-1)!) as object;
    expect(last).toMatchObject({
      schema: 'mxctl/observe/v1',
      command: 'observe',
      data: { rounds: expect.any(Number) as number },
    });
    expect(updates).toBe(0);
  });
});

describe('mode: observe of one route', () => {
  it('never writes, and finishes nothing that a person has begun', async () => {
    const observed = flow.writeConfig((yaml) => yaml.replace('mode: auto', 'mode: observe'));
    const run = () => flow.run(['auto', '--once'], { configFile: observed });
    await until(async () => (await run()).exitCode === 0);
    await flow.world.setFault('proxy', 'down');
    await until(async () => /would move to direct, but\s+mode:\s+observe/.test((await run()).stdout));
    for (let times = 0; times < 3; times++) expect(await run()).toEqual({ ...quiet, exitCode: 2 });
    expect(flow.mx).toEqual(before);
    expect(updates).toBe(0);
  });
});
