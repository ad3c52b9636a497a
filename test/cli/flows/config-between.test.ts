// A plan is saved, the configuration is edited, the plan is applied: only what the configuration of now would write is
// written, and whoever applies is told what to type.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, directMx, proxyMx, startCliWorld } from '../../support/cli-world.ts';

let flow: CliWorld;
let plan: string;
beforeAll(async () => {
  flow = await startCliWorld();
  plan = path.join(flow.world.directory, 'shop.plan.json');
  expect(await flow.run(['plan', 'shop', '--to', 'direct', '--out', plan])).toMatchObject({ exitCode: 0 });
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

const before = [6, ...proxyMx];

type Edit = (yaml: string) => string;
const applied = (edit: Edit) => flow.json(['apply', plan, '--yes'], { configFile: flow.writeConfig(edit) });

async function expectNothingDone(): Promise<void> {
  expect(flow.mx).toEqual(before);
  const { data } = await flow.json(['history']);
  expect(data).toMatchObject({ changes: [] });
}

describe('apply after the config was changed', () => {
  const again = /^nothing was changed; .*mxctl plan shop /;
  const cases: [string, Edit, exitCode: number, code: string, hint: RegExp][] = [
    [
      'the exchange of the path',
      (yaml) => yaml.replace('exchange: mx.shop.example,', 'exchange: mx9.shop.example,'),
      3,
      'plan-stale',
      again,
    ],
    [
      'a preference of the path',
      (yaml) => yaml.replace('{preference: 10, exchange: mx.shop', '{preference: 11, exchange: mx.shop'),
      3,
      'plan-stale',
      again,
    ],
    ['the backup that is kept', (yaml) => yaml.replace('keep: [spool]', 'keep: []'), 3, 'plan-stale', again],
    ['the TTL', (yaml) => yaml.replace('failover_ttl: 2', 'failover_ttl: 1'), 3, 'plan-stale', again],
    [
      'the path away',
      (yaml) => yaml.replaceAll(/\bdirect\b/g, 'straight'),
      3,
      'plan-stale',
      /^nothing was changed; plan again: mxctl plan shop --out FILE$/,
    ],
    [
      'the route away',
      (yaml) => yaml.replace(/^ {2}shop:$/m, '  store:'),
      3,
      'plan-stale',
      /^nothing was changed; plan again: mxctl plan ROUTE --out FILE$/,
    ],
    [
      'the name of the provider',
      (yaml) => yaml.replace(/^ {2}sandbox:$/m, '  other:').replace('provider: sandbox', 'provider: other'),
      3,
      'plan-stale',
      again,
    ],
    [
      'the address of the provider',
      (yaml) => yaml.replace(/server: "127\.0\.0\.1:\d+"/, 'server: "127.0.0.1:9"'),
      8,
      'provider-unreachable',
      /\w/,
    ],
    [
      'the zone',
      (yaml) => yaml.replace('zone: shop.example', 'zone: shopp.example'),
      78,
      'zone-unknown',
      /\w/,
    ],
    [
      'into one with a mistake',
      (yaml) => yaml.replace('prefer: proxy', 'prefer: proxxy'),
      78,
      'config-invalid',
      /\w/,
    ],
  ];
  it.each(cases)('%s: nothing is written', async (_, edit, exitCode, code, hint) => {
    const { exit_code, error } = await applied(edit);
    expect([exit_code, error?.code, error?.hint]).toEqual([exitCode, code, expect.stringMatching(hint)]);
    await expectNothingDone();
  });

  it('asks about nothing that it would refuse', async () => {
    const configFile = flow.writeConfig((yaml) => yaml.replace('failover_ttl: 2', 'failover_ttl: 1'));
    const run = await flow.run(['apply', plan], { configFile });
    expect(run).toMatchObject({ exitCode: 3, stdout: '' });
    expect(run.stderr).toMatch(/the plan is stale/);
    await expectNothingDone();
  });

  it('carries out what comes out the same: what changed is not in the plan', async () => {
    const { exit_code } = await applied((yaml) => yaml.replace(/ttl: 6$/m, 'ttl: 9'));
    expect([exit_code, flow.mx]).toEqual([0, [2, ...directMx]]);
  });

  it('never writes what only the file says', async () => {
    const edited = `${plan}.edited`;
    const text = readFileSync(plan, 'utf8');
    writeFileSync(edited, text.replaceAll('mx.shop.example.', 'mx.evil.example.'));
    const { exit_code, error } = await flow.json(['apply', edited, '--yes']);
    expect([exit_code, error?.code]).toEqual([3, 'plan-invalid']);
    await expectNothingDone();
  });
});
