// Drills as a person and cron start them: a rehearsal that writes nothing, a TXT record that comes and goes, and a move
// there and back.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drillOwner } from '../../../src/app/drill-canary.ts';
import { mailDomain } from '../../../src/sandbox/map.ts';
import {
  type CliWorld,
  directMx,
  expectScreen,
  proxyMx,
  startCliWorld,
  until,
} from '../../support/cli-world.ts';

const ttl = 3;
let flow: CliWorld;
beforeAll(async () => {
  flow = await startCliWorld({ ttl, failoverTtl: 1 });
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

const txt = () => flow.world.data.rrset(drillOwner(mailDomain), 'TXT');

describe('drill', () => {
  it('rehearses: a screen for a person, 0 where it is ready, and no write', async () => {
    const { exitCode, stdout, stderr } = await flow.run(['drill', 'shop']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expectScreen(stdout);
    expect(stdout).toMatch(/^Rehearsal {3}shop: on proxy, nothing is written/);
    expect(stdout).toMatch(/that it takes a write from us is not known/);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('ready   shop could move now');
    const { data } = await flow.json(['drill', 'shop']);
    expect(data).toMatchObject({ depth: 'rehearse', is_ready: true, findings: [] });
  });

  it('is 3 where a night would have met a dead standby', async () => {
    await flow.world.setFault('direct', 'down');
    const run = await flow.json(['drill', 'shop']);
    expect(run).toMatchObject({ exit_code: 3, error: { code: 'refused' }, data: { is_ready: false } });
  });

  it('writes no record without a yes, and with one leaves none behind', async () => {
    expect(await flow.json(['drill', 'shop', '--depth', 'canary'])).toMatchObject({
      exit_code: 3,
      error: { code: 'no-terminal' },
    });
    const { exitCode, stdout } = await flow.run(['drill', 'shop', '--depth', 'canary', '--yes']);
    expectScreen(stdout);
    expect([exitCode, txt()]).toEqual([0, null]);
    expect(stdout).toMatch(/shop\.example +sandbox( +\d+m?s){4} +10s assumed/);
    expect(flow.mx).toEqual([ttl, ...proxyMx]);
  });

  it('goes there and back, record by record as it was', async () => {
    const run = await flow.run(['drill', 'shop', '--depth', 'live', '--hold', '1s', '--yes']);
    expect(run.stderr).toBe('');
    expect(run.exitCode).toBe(0);
    expectScreen(run.stdout);
    expect(run.stdout.trimEnd().split('\n').at(-1)).toMatch(/^done {3}shop went to direct and came back/);
    expect(flow.mx).toEqual([ttl, ...proxyMx]);
    const { data } = await flow.json(['history', 'shop']);
    const kinds = (data as { changes: { kind: string }[] }).changes.map((one) => one.kind);
    expect(kinds.toReversed()).toEqual(['drill', 'return', 'raise-ttl']);
  });

  it('brings the records back before Ctrl-C ends it', async () => {
    const run = flow.start(['drill', 'shop', '--depth', 'live', '--hold', '10m', '--yes']);
    await run.until(/direct \w+ \(\w+\), proxy/);
    expect(flow.mx).toEqual([1, ...directMx]);
    run.child.kill('SIGINT');
    expect((await run.ended).exitCode).toBe(130);
    expect(flow.mx).toEqual([ttl, ...proxyMx]);
  });

  it('that was killed is known to the next auto and status, which say how to come back', async () => {
    const run = flow.start(['drill', 'shop', '--depth', 'live', '--hold', '10m', '--yes']);
    await run.until(/direct \w+ \(\w+\), proxy/);
    run.child.kill('SIGKILL');
    await run.ended;
    await until(() => flow.mx.join() === [1, ...directMx].join());
    expect((await flow.run(['status'])).stdout).toMatch(/drill [0-9a-f]{6} is\s+under way/);
    // Its pause would be over in five minutes.
    await flow.run(['resume', 'shop']);
    expect((await flow.run(['status'])).stdout.replace(/\s+/g, ' ')).toMatch(
      /never came back: mxctl rollback [0-9a-f]{6}/,
    );
    expect((await flow.run(['auto', '--once'])).stdout.replace(/\s+/g, ' ')).toMatch(
      /never came back: mxctl rollback/,
    );
    expect((await flow.run(['rollback', '--yes'])).exitCode).toBe(0);
    expect(flow.mx).toEqual([ttl, ...proxyMx]);
  });
});
