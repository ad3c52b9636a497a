// The whole way: a fault, the flip, the return when that is safe, the TTL raised again; and the same by hand, with the
// exact records put back.

import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/render/envelope.ts';
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
  const seconds = { holdDownSeconds: 1, probationSeconds: 1 };
  flow = await startCliWorld({ ttl, failoverTtl: 1 }, { mode: 'auto', rise: 1, ...seconds });
  // Nothing grows stale on a slow machine, and one pass makes a hop up.
  flow.useConfig((yaml) => yaml.replace('interval: 1s', 'interval: 1m').replace('forgive: 3', 'forgive: 1'));
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

interface Change {
  readonly kind: string;
  readonly state: string;
  readonly plan: string;
  readonly id: string;
}
const changesOf = ({ data }: Envelope) => (data as { changes: Change[] }).changes;
const planIdOf = ({ data }: Envelope) => (data as { plan: { id: string } }).plan.id;

describe('auto --interval', () => {
  it('leaves a failing path, comes back when that is safe, and raises the TTL', async () => {
    const auto = flow.start(['auto', '--interval', '400ms', '--json']);
    await auto.until(/"decision":\{"kind":"stay"\}/);
    await flow.world.setFault('proxy', 'down');
    await until(() => flow.mx.join() === [1, ...directMx].join());
    await flow.world.setFault('proxy', 'ok');
    await until(() => flow.mx.join() === [1, ...proxyMx].join());
    await until(() => flow.mx.join() === [ttl, ...proxyMx].join());
    await auto.until(/"kind":"raise-ttl"[^\n]*"state":"confirmed"/);
    const gone = once(auto.child, 'exit');
    auto.child.kill('SIGTERM');
    await gone;

    const run = await auto.ended;
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = run.stdout.trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { schema: string; flips?: unknown[] });
    const rounds = records.length - 1;
    expect(records.at(-1)).toMatchObject({ schema: 'mxctl/auto/v1', exit_code: 0, data: { rounds } });
    expect(new Set(records.slice(0, -1).map((one) => one.schema))).toEqual(new Set(['mxctl/auto-record/v1']));
    expect(records.flatMap((one) => one.flips ?? [])).toMatchObject([
      { route: 'shop', from: 'proxy', to: 'direct' },
      { route: 'shop', from: 'direct', to: 'proxy' },
    ]);

    const [history, text, status] = await Promise.all([
      flow.json(['history', 'shop']),
      flow.run(['history']),
      flow.json(['status']),
    ]);
    expect(changesOf(history).map((one) => one.kind)).toEqual(['raise-ttl', 'return', 'failover']);
    expect(text.stdout).toMatch(/proxy -> direct {2}failover {2}done[^]*direct -> proxy {2}return {2}done/);
    expect(text.stdout).toMatch(/ {2}shop: TTL of proxy raised {2}done/);
    expectScreen(text.stdout);
    expect(status).toMatchObject({
      exit_code: 0,
      data: { routes: [{ active: 'proxy', dns: 'in_sync' }] },
    });
  });
});

describe('by hand', () => {
  it('puts back the exact records with their TTL, and takes the newest of one plan made twice', async () => {
    const out = await flow.json(['failover', 'shop', '--yes']);
    expect(flow.mx).toEqual([1, ...directMx]);
    const back = await flow.json(['rollback', '--yes']);
    expect(back).toMatchObject({ exit_code: 0, data: { plan: { kind: 'rollback' } } });
    expect(flow.mx).toEqual([ttl, ...proxyMx]);

    const again = await flow.json(['failover', 'shop', '--yes']);
    expect(planIdOf(again)).toBe(planIdOf(out));
    const undone = await flow.json(['rollback', planIdOf(out), '--yes']);
    expect(undone.exit_code).toBe(0);
    expect(flow.mx).toEqual([ttl, ...proxyMx]);
    const history = await flow.json(['history']);
    const [, second] = changesOf(history);
    expect(undone.data).toMatchObject({ action: { rollback_of: second?.id } });

    const nothing = await flow.json(['rollback', '--yes']);
    expect(nothing).toMatchObject({ exit_code: 64, error: { code: 'change-unknown' } });
    const unknown = await flow.json(['rollback', 'ffffff', '--yes']);
    expect(unknown).toMatchObject({ exit_code: 64, error: { code: 'change-unknown' } });
  });

  it('watches a change out into the world until no cache holds the old records', async () => {
    const moved = await flow.json(['failover', 'shop', '--yes']);
    const id = planIdOf(moved);
    const [text, json] = await Promise.all([
      flow.run(['watch', id, '--interval', '300ms']),
      flow.run(['watch', '--interval', '300ms', '--json']),
    ]);
    expect(text).toMatchObject({ exitCode: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /^\d\d:\d\d:\d\d {2}authorities 2\/2 new, resolvers [01]\/1 new; caches clear at/,
    );
    expect(text.stdout).toMatch(/^Change [0-9a-f]{6} {3}shop: proxy -> direct/m);
    expect(text.stdout).toMatch(/\nno conforming cache holds the old records\n$/);
    expectScreen(text.stdout);
    const records = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.at(-1)).toMatchObject({ schema: 'mxctl/watch/v1', exit_code: 0, data: { clear: true } });
    expect(records[0]).toMatchObject({ schema: 'mxctl/watch-record/v1', clear: false });
    // A stale secondary makes the flip worthless for the resolvers that ask it.
    flow.world.secondary.hold();
    try {
      flow.publish(1, '10 mx.shop.example.');
      const stale = await flow.json(['watch', id, '--once']);
      expect(stale).toMatchObject({ exit_code: 5, data: { rrsets: [{ published: false }] } });
    } finally {
      flow.world.secondary.release();
    }
  });
});
