//                    +==UPDATE==> the sandbox     zone shop.example
//   mxctl failover --+==REST=====> Route 53        zones alpha.example (two names), beta.example
//   (one route)      +==REST=====> Cloudflare      zone gamma.example: TTLs from 60
//                    +==REST=====> PowerDNS        zone delta.example
//
// One route over five zones at four providers, by the built program; then one of them goes away in the middle.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/render/envelope.ts';
import { directMx, expectScreen, proxyMx } from '../../support/cli-world.ts';
import { goodToken } from '../../support/fakes/cloudflare.ts';
import { type Fleet, fleetOwners, fleetTtl, leastOfCloudflare, startFleet } from '../../support/fleet.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
});
beforeEach(() => fleet.reset());
afterAll(() => fleet.close());

const names = fleetOwners.map((owner) => owner.slice(0, -1));
const failoverTtl = (name: string) => (name === 'gamma.example' ? leastOfCloudflare : 2);
const on = (path: 'proxy' | 'direct', owners: readonly string[] = names) =>
  Object.fromEntries(
    owners.map((name) => [
      name,
      path === 'direct' ? [failoverTtl(name), ...directMx] : [fleetTtl(name), ...proxyMx],
    ]),
  );
const failover = ['failover', 'shop', '--yes'];

interface Data {
  readonly plan: { readonly id: string };
  readonly action: { readonly changes: readonly { readonly owner: string; readonly state: string }[] };
}
const planIdOf = ({ data }: Envelope) => (data as Data).plan.id;
const statesOf = ({ data }: Envelope) =>
  Object.fromEntries((data as Data).action.changes.map((one) => [one.owner.slice(0, -1), one.state]));
const withoutWrites = () =>
  fleet.cloudflare.tokens.set(goodToken, { rights: ['zone read', 'dns read'], zones: null });

describe('a route over five zones at four providers', () => {
  it('is moved whole, and put back whole with every TTL', async () => {
    const { exitCode, stdout, stderr } = await fleet.flow.run(failover);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(fleet.mx).toEqual(on('direct'));
    expectScreen(stdout);
    expect(stdout).toMatch(/alpha\.example\., in\.alpha\.example\.: same change, at route53 \(account/);
    expect(stdout.replace(/\s+/g, ' ')).toContain('route53 (account 123456789012), zone beta.example Z0BETA');
    expect(stdout).toMatch(/TTL 60: cf does not take the declared 2/);
    expect(stdout).toMatch(/Touches {3}6 RRsets, 6 domains, 5 zones, 4 providers/);

    const back = await fleet.flow.json(['rollback', '--yes']);
    expect(back).toMatchObject({
      exit_code: 0,
      data: {
        plan: {
          providers: {
            r53: {
              label: 'route53 (account 123456789012)',
              zone_ids: { 'alpha.example': 'Z0ALPHA', 'beta.example': 'Z0BETA' },
            },
            cf: { zone_ids: { 'gamma.example': fleet.cloudflare.zones[0]?.id } },
          },
        },
      },
    });
    expect(fleet.mx).toEqual(on('proxy'));
  });

  it('is written zone beside zone, and one batch for a zone', async () => {
    const { route53, cloudflare } = fleet;
    const before = { r53: route53.comments.length, cf: cloudflare.batches.length };
    expect((await fleet.flow.json(failover)).exit_code).toBe(0);
    expect(route53.comments.length - before.r53).toBe(2);
    expect(cloudflare.batches.length - before.cf).toBe(1);
  });
});

describe('one provider that refuses to write, of four', () => {
  it('leaves a part: which, why, and the way back are told; rollback undoes just that', async () => {
    withoutWrites();
    const text = await fleet.flow.run(failover);
    expect(text.exitCode).toBe(6);
    expectScreen(text.stdout + text.stderr);
    expect(text.stdout).toMatch(
      /\n {2}changed {6}shop\.example MX \(sandbox\), alpha\.example MX \(r53\),\n/,
    );
    expect(text.stdout).toMatch(
      /\n {2}NOT changed {2}gamma\.example MX \(cf\)\nPARTLY done {3}shop: proxy -> direct/,
    );
    expect(text.stderr).toMatch(
      /^error: 5 of 6 RRsets changed: gamma\.example \(cf\): the API token may not\s+write/,
    );
    const rest = names.filter((name) => name !== 'gamma.example');
    const half = { ...on('direct', rest), ...on('proxy', ['gamma.example']) };
    expect(fleet.mx).toEqual(half);

    const [status, history, again] = await Promise.all([
      fleet.flow.run(['status']),
      fleet.flow.run(['history', 'shop']),
      fleet.flow.json(failover),
    ]);
    expect(status.exitCode).toBe(2);
    expect(status.stdout).toMatch(/direct at 5 names, proxy at\s+gamma\.example\n/);
    expect(status.stdout).toMatch(
      /change [0-9a-f]{6} is PARTLY done: 5 of 6 RRsets changed \(gamma\.example\s+\(cf\):/,
    );
    expect(history.stdout).toMatch(
      /PARTLY done[^]*may not write[^]*\n {4}NOT changed {2}gamma\.example MX \(cf\)\n/,
    );
    for (const { stdout } of [status, history]) expectScreen(stdout);
    // Going on from a half-done move is a person's decision.
    expect(again).toMatchObject({ exit_code: 3, error: { code: 'refused' } });
    expect(again.error?.message).toMatch(
      /live-drift: owners publish .*; change .* mxctl rollback .* just that$/,
    );
    expect(fleet.mx).toEqual(half);

    // Its token still may not write, and it is not asked to.
    fleet.plugs.cf.pull();
    const back = await fleet.flow.json(['rollback', '--yes']);
    expect(back).toMatchObject({ exit_code: 0 });
    expect(Object.keys(statesOf(back)).sort()).toEqual([...rest].sort());
    expect(fleet.mx).toEqual(on('proxy'));
  });

  it('says the same with --json: the state of every RRset, and why', async () => {
    withoutWrites();
    const half = await fleet.flow.json(failover);
    expect(half).toMatchObject({ exit_code: 6, error: { code: 'partly-applied', retryable: false } });
    expect(half.error?.hint).toContain(`mxctl rollback ${planIdOf(half)}`);
    expect(statesOf(half)).toEqual({
      ...Object.fromEntries(names.map((name) => [name, 'applied'])),
      'gamma.example': 'failed',
    });
    expect(half.data).toMatchObject({
      action: { state: 'partial', note: expect.stringMatching(/may not write/) as unknown },
    });
  });
});

describe('a provider that goes away in the middle of the write', () => {
  const goAway = async () => {
    fleet.plugs.cf.pullsAt = (request) => request.includes('/dns_records/batch');
    const lost = await fleet.flow.json(failover);
    expect(lost).toMatchObject({ exit_code: 6, error: { code: 'partly-applied' } });
    expect(lost.error?.message).toMatch(
      /^5 of 6 RRsets changed, 1 not known: gamma\.example \(cf\): no reply/,
    );
    expect(statesOf(lost)).toMatchObject({ 'shop.example': 'applied', 'gamma.example': 'pending' });
    return planIdOf(lost);
  };

  it('is told as not known; plan then only looks, and the next run finishes what was agreed to', async () => {
    const id = await goAway();
    const status = await fleet.flow.run(['status']);
    expect(status.stdout).toContain(`how change ${id} ended is not known: 5 of 6 RRsets changed`);
    expectScreen(status.stdout);
    const blind = await fleet.flow.json(['plan', 'shop']);
    expect(blind).toMatchObject({ exit_code: 8, error: { code: 'provider-unreachable', retryable: true } });

    await fleet.plugs.cf.plugIn();
    const half = fleet.mx;
    expect((await fleet.flow.json(['plan', 'shop'])).exit_code).toBe(0);
    expect(fleet.mx).toEqual(half);

    const auto = await fleet.flow.json(['auto', '--once']);
    expect(auto.data).toMatchObject({
      routes: [
        { recovered: [`manual proxy -> direct (${id}) had been applied; every authority answers it now`] },
      ],
    });
    expect(fleet.mx).toEqual(on('direct'));
    expect((await fleet.flow.json(['rollback', id, '--yes'])).exit_code).toBe(0);
    expect(fleet.mx).toEqual(on('proxy'));
  });

  it('is left alone by a rollback: what was changed goes back, the rest is given up and never written', async () => {
    const id = await goAway();
    await fleet.plugs.cf.plugIn();
    const batches = fleet.cloudflare.batches.length;
    const back = await fleet.flow.json(['rollback', id, '--yes']);
    expect(back).toMatchObject({
      exit_code: 0,
      data: { recovered: [expect.stringMatching(/partly applied/) as unknown] },
    });
    expect(Object.keys(statesOf(back))).not.toContain('gamma.example');
    expect(fleet.mx).toEqual(on('proxy'));
    expect(fleet.cloudflare.batches).toHaveLength(batches);
    const later = await fleet.flow.json(['auto', '--once']);
    expect(later.data).toMatchObject({ routes: [{ recovered: [], active: 'proxy' }] });
    expect(fleet.mx).toEqual(on('proxy'));
  });
});

describe('another tool that puts the old records back', () => {
  it('is told by status and history with the time it took, and the next failover is refused', async () => {
    expect((await fleet.flow.json(failover)).exit_code).toBe(0);
    for (const name of names) fleet.publish(`${name}.`, fleetTtl(name), ...proxyMx);
    const text = await fleet.flow.run(['status']);
    expect(text.stdout.replace(/\s+/g, ' ')).toMatch(
      /! shop the move to direct was reverted \d+(ms|s) after the flip, by someone else; the next failover is refused/,
    );
    expectScreen(text.stdout);
    const refused = await fleet.flow.json(failover);
    expect(refused).toMatchObject({ exit_code: 3, error: { code: 'refused' } });
    expect(refused.error?.message).toMatch(
      /^refused by live-drift: the move to direct was reverted \d+m?s after/,
    );
    expect(fleet.mx).toEqual(on('proxy'));
    const [status, history] = await Promise.all([
      fleet.flow.json(['status']),
      fleet.flow.json(['history', 'shop']),
    ]);
    expect(status.data).toMatchObject({
      routes: [
        { active: 'proxy', revert: { to: 'direct', seconds_after_flip: expect.any(Number) as unknown } },
      ],
    });
    const { events } = history.data as { events: { kind: string }[] };
    expect(events.filter((one) => one.kind === 'revert')).toHaveLength(1);
  });
});
