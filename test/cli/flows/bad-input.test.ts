// What is wrong outside of the program: one clear message with what to do, the exit code of the table, no stack trace,
// and a zone that nobody touched.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, directMx, expectScreen, proxyMx, startCliWorld } from '../../support/cli-world.ts';

let flow: CliWorld;
/** A locked store is waited for; begun first, so that the others need not. */
let locked: { readonly holder: DatabaseSync; readonly refused: Promise<void> };
beforeAll(async () => {
  flow = await startCliWorld();
  const file = inWorld('locked.sqlite');
  await flow.json(['history'], { configFile: withStore(file) });
  const holder = new DatabaseSync(file);
  holder.exec('BEGIN EXCLUSIVE');
  const expected = [4, 'store-unavailable', /locked by another process/] as const;
  locked = { holder, refused: expectFailure(failover, withStore(file), expected) };
  // Awaited by its test.
  locked.refused.catch(() => {});
});
beforeEach(() => flow.reset());
afterAll(async () => {
  locked.holder.close();
  await flow.close();
});

const before = [6, ...proxyMx];
const after = [2, ...directMx];
const failover = ['failover', 'shop', '--yes'];

/** Ends with that, says what to do, and shows no stack. */
async function expectFailure(
  args: readonly string[],
  configFile: string,
  [exitCode, code, message]: readonly [number, string, RegExp],
): Promise<void> {
  const { exit_code, error } = await flow.json(args, { configFile });
  expect([exit_code, error?.code, error?.message]).toEqual([exitCode, code, expect.stringMatching(message)]);
  expect(error?.hint).toMatch(
    code.startsWith('store-') && args === failover ? /--offline-state --reason/ : /\w{3}/,
  );
  expect(JSON.stringify(error)).not.toMatch(/\n\s+at /);
}

/** The world's config with another state store. */
const withStore = (file: string) =>
  flow.writeConfig((yaml) => yaml.replace(/sqlite:[^"]+/, `sqlite:${file}`));
const inWorld = (name: string) => path.join(flow.world.directory, name);

describe('a provider that cannot serve us', () => {
  afterEach(() => {
    flow.world.updatePort.clockSkewMs = 0;
    flow.world.updatePort.isSilent = false;
  });

  it('is told apart: wrong key, unknown key, wrong zone, no secret, nobody there', async () => {
    const wrongSecret = inWorld('wrong.key');
    writeFileSync(wrongSecret, `${Buffer.alloc(32, 7).toString('base64')}\n`);
    const cases: [string, string, readonly [number, string, RegExp]][] = [
      [flow.world.tsigSecretFile, wrongSecret, [4, 'provider-credentials', /another secret \(BADSIG\)/]],
      ['mxctl.sandbox', 'mxctl.elsewhere', [4, 'provider-credentials', /knows no TSIG key .*\(BADKEY\)/]],
      ['zone: shop.example', 'zone: shopp.example', [78, 'zone-unknown', /does not serve zone shopp/]],
      [flow.world.tsigSecretFile, inWorld('none.key'), [78, 'secret-unreadable', /none\.key/]],
      [`:${flow.world.updatePort.port}"`, ':9"', [8, 'provider-unreachable', /nothing listens there/]],
    ];
    await Promise.all(
      cases.map(async ([from, to, expected], at) => {
        const file = flow.writeConfig((yaml) =>
          yaml.replace(from, to).replace(/sqlite:[^"]+/, `sqlite:${inWorld(`case-${at}.sqlite`)}`),
        );
        await expectFailure(failover, file, expected);
      }),
    );
    expect(flow.mx).toEqual(before);
  });

  it('does not tell the secret, its own or a wrong one, however much detail is asked for', async () => {
    const wrong = Buffer.alloc(32, 7).toString('base64');
    const [wrongFile, garbledFile] = [inWorld('wrong.key'), inWorld('garbled.key')];
    writeFileSync(wrongFile, wrong);
    writeFileSync(garbledFile, `hmac-sha256:${wrong}`);
    const runs = await Promise.all(
      [wrongFile, garbledFile].map((file, at) =>
        flow.run([...failover, '--verbose'], {
          env: { DEBUG: '*' },
          configFile: flow.writeConfig((yaml) =>
            yaml
              .replace(flow.world.tsigSecretFile, file)
              .replace(/sqlite:[^"]+/, `sqlite:${inWorld(`secret-${at}.sqlite`)}`),
          ),
        }),
      ),
    );
    expect(runs.map((one) => one.exitCode)).toEqual([4, 78]);
    // The secret of the world itself is looked for in all that any command of this file printed, when the world ends.
    for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain(wrong.slice(0, 20));
  });

  it('is told apart: clocks that differ', async () => {
    flow.world.updatePort.clockSkewMs = 3_600_000;
    await expectFailure(failover, flow.configFile, [4, 'clock-skew', /3[56]\d\d s ahead of this machine's/]);
    expect(flow.mx).toEqual(before);
  });

  it('is told apart: silence', async () => {
    flow.world.updatePort.isSilent = true;
    const file = flow.writeConfig((yaml) => yaml.replace('type: rfc2136', 'type: rfc2136\n    timeout: 1s'));
    await expectFailure(failover, file, [8, 'provider-unreachable', /no reply in 1000 ms/]);
    expect(flow.mx).toEqual(before);
  });
});

describe('a world that is not as the plan wants it', () => {
  it('refuses a target that does not take mail', async () => {
    await flow.world.setFault('direct', '550-rcpt');
    const run = await flow.run(failover);
    expect(run.exitCode).toBe(3);
    expect(run.stdout).toMatch(/NO {4}target-rcpt: mx\.shop\.example refuses canary@shop\.example/);
    expect(run.stderr).toMatch(/^error: refused by target-unhealthy, target-rcpt/);
    expectScreen(run.stdout + run.stderr);
    expect(flow.mx).toEqual(before);
  });

  it('refuses to write over what no path would publish', async () => {
    flow.publish(300, '5 mx.elsewhere.example.');
    const { exit_code, error } = await flow.json(failover);
    expect([exit_code, error?.code]).toEqual([3, 'refused']);
    expect(error?.message).toMatch(/^refused by live-drift: no path publishes what shop\.example MX holds/);
    expect(flow.mx).toEqual([300, '5 mx.elsewhere.example.']);
  });

  it('tells a revert for what it is and does not fight it', async () => {
    expect((await flow.run(failover)).exitCode).toBe(0);
    flow.publish(6, ...proxyMx);
    const { exit_code, error } = await flow.json(failover);
    expect([exit_code, error?.code]).toEqual([3, 'refused']);
    expect(error?.message).toMatch(
      /^refused by live-drift: the move to direct was reverted \d+m?s after the flip, by someone else/,
    );
    expect(flow.mx).toEqual(before);
  });

  it('carries out a saved plan only while it is what would be planned now', async () => {
    const file = inWorld('shop.plan.json');
    const plan = await flow.json(['plan', 'shop', '--out', file, '--detailed-exitcode']);
    expect(plan).toMatchObject({ exit_code: 2, error: null, data: { file, to: 'direct' } });
    const saved = readFileSync(file, 'utf8');
    const edited = inWorld('edited.plan.json');
    writeFileSync(edited, saved.replace('mx.shop.example.', 'mx.evil.example.'));
    const garbled = inWorld('garbled.plan.json');
    writeFileSync(garbled, saved.slice(1));
    const apply = (one: string) => flow.json(['apply', one, '--yes']);
    const stale = async () => {
      const { exit_code, error } = await apply(file);
      expect([exit_code, error?.code]).toEqual([3, 'plan-stale']);
    };
    const refusals = await Promise.all([apply(edited), apply(garbled), apply(inWorld('none.json'))]);
    expect(refusals.map((one) => [one.exit_code, one.error?.code])).toEqual([
      [3, 'plan-invalid'],
      [64, 'plan-invalid'],
      [64, 'plan-invalid'],
    ]);
    flow.publish(60, ...proxyMx);
    await stale();
    flow.publish(6, ...proxyMx);
    expect(await apply(file)).toMatchObject({ exit_code: 0, data: { action: { state: 'confirmed' } } });
    expect(flow.mx).toEqual(after);
    await stale();
  });
});

describe('a config with mistakes', () => {
  it('is refused by every command with 78 and all mistakes with their places', async () => {
    const configFile = flow.writeConfig((yaml) =>
      yaml.replace('prefer: proxy', 'prefer: proxi').replace('failover_to: [direct', 'failover_to: [dierct'),
    );
    await Promise.all(
      [['status'], failover, ['auto', '--once']].map((args) =>
        expectFailure(args, configFile, [
          78,
          'config-invalid',
          /2 problems\n.*:\d+:\d+: .*\n.*:\d+:\d+: .*$/,
        ]),
      ),
    );
    const text = await flow.run(['validate'], { configFile });
    expect(text.stderr).toMatch(/did you mean proxy\?[^]*did you mean direct\?/);
    expect(text).toMatchObject({ exitCode: 78, stdout: '' });
    appendFileSync(configFile, '\n\t}{');
    const [broken, missing] = await Promise.all([
      flow.json(['status'], { configFile }),
      flow.json(['status'], { configFile: inWorld('none.yaml') }),
    ]);
    expect([broken.exit_code, broken.error?.code]).toEqual([78, 'config-invalid']);
    expect([missing.exit_code, missing.error?.code]).toEqual([78, 'config-not-found']);
  });
});

describe('a state store that cannot be used', () => {
  it('stops what changes DNS, and only what needs history; to look goes on', async () => {
    const file = inWorld('corrupt.sqlite');
    writeFileSync(file, 'not a database at all, and long enough to be read as one. '.repeat(20));
    const configFile = withStore(file);
    const [status, plan] = await Promise.all([
      flow.json(['status'], { configFile }),
      flow.json(['plan', 'shop'], { configFile }),
      expectFailure(failover, configFile, [4, 'store-corrupt', /corrupt\.sqlite is damaged/]),
      expectFailure(['history'], configFile, [4, 'store-corrupt', /damaged/]),
      expectFailure(['auto', '--once'], configFile, [4, 'store-corrupt', /damaged/]),
      expectFailure(['rollback', '--yes'], configFile, [4, 'store-corrupt', /damaged/]),
    ]);
    expect(status).toMatchObject({ exit_code: 8, warnings: [{ code: 'store-corrupt' }] });
    expect(status.data).toMatchObject({ routes: [{ active: 'proxy', dns: 'in_sync' }] });
    expect(plan).toMatchObject({ exit_code: 0, warnings: [{ code: 'store-corrupt' }] });
    expect(flow.mx).toEqual(before);
    expect(readFileSync(file, 'utf8')).toMatch(/^not a database/);
  });

  it('lets a person act without it, who says why', async () => {
    const file = inWorld('corrupt.sqlite');
    writeFileSync(file, 'not a database at all, and long enough to be read as one. '.repeat(20));
    const configFile = withStore(file);
    const offline = [...failover, '--offline-state', '--reason', 'the disk is gone'];
    const moved = await flow.json(offline, { configFile });
    expect(moved).toMatchObject({ exit_code: 0, warnings: [{ code: 'offline-state' }] });
    expect(flow.mx).toEqual(after);
  });

  it('is told apart: newer, locked, not to be written', async () => {
    const newer = inWorld('newer.sqlite');
    await flow.json(['history'], { configFile: withStore(newer) });
    const database = new DatabaseSync(newer);
    database.exec("INSERT INTO schema_migration VALUES ('0007-quorum', '2031-01-01T00:00:00.000Z')");
    database.close();
    await Promise.all([
      expectFailure(failover, withStore(newer), [4, 'store-newer', /has schema 7, this mxctl knows \d/]),
      expectFailure(failover, withStore('/proc/mxctl/state.sqlite'), [4, 'store-unavailable', /opened/]),
      locked.refused,
    ]);
    expect(flow.mx).toEqual(before);
  });
});
