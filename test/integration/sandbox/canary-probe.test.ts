// The program's own canary probe in the sandbox's world: what the hops say, it must understand, and what the world files,
// it must find.

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { CanaryProbe } from '../../../src/probes/canary.ts';
import { createCanaryProbe } from '../../../src/probes/canary/index.ts';
import type { HopFault } from '../../../src/sandbox/hop-fault.ts';
import { hopPlans } from '../../../src/sandbox/map.ts';
import { startWorld, type World } from '../../../src/sandbox/world.ts';
import { canaryKeyFileIn } from '../../../src/sandbox/world-files.ts';

const never = new AbortController().signal;
const id = '01JD0000000000000000000001';
let world: World;
let probe: CanaryProbe;

beforeEach(async () => {
  world = await startWorld({ retry: { delaysMs: [50], giveUpAfterMs: 600_000 } });
  const yaml = world.configYaml({ stateFile: '/tmp/state.db', canaries: true });
  const input = { configFile: '/tmp/mxctl.yaml', shownFile: 'mxctl.yaml', now: 0, hostname: 'here' };
  const route = parseConfig(yaml, input).routes.get('shop');
  if (route?.canary == null) throw new Error('the world has no canaries');
  probe = await createCanaryProbe(route.canary, {
    clock: world.clock,
    readSecret: async () => new Secret((await readFile(canaryKeyFileIn(world.directory), 'utf8')).trim()),
    session: route.probe,
    ehloName: 'probe.ops.example.com',
    sessions: { admit: (_address, _signal, work) => work() },
  });
});

afterEach(async () => {
  await world.close();
});

async function handOver(hopName: string) {
  const plan = hopPlans.find((one) => one.name === hopName);
  const [hop] = world.hopsNamed(hopName);
  if (plan === undefined || hop === undefined) throw new Error(`no hop ${hopName}`);
  return probe.handOver(
    {
      token: probe.tokenOf(id),
      route: 'shop',
      path: plan.path ?? '',
      vantage: 'sandbox',
      hop: { exchange: hop.exchange, address: hop.address, port: hop.port },
      sentAt: world.clock.now(),
    },
    never,
  );
}

const look = async () => {
  const mailbox = probe.openMailbox();
  const answer = await mailbox.look(world.clock.now() - 60_000, never);
  if (answer.outcome === 'unreadable') throw new Error(answer.reason);
  return { ...answer, mailbox };
};

it('a canary through the proxy arrives with its way, under the queue id that was told', async () => {
  const handed = await handOver('mx1.filter');
  expect(handed).toMatchObject({ outcome: 'handed' });
  expect(handed.queueId).toBe(world.hopsNamed('mx1.filter')[0]?.taken[0]?.queueId);
  await world.drained();
  const { letters, mailbox } = await look();
  expect(letters).toMatchObject([{ token: probe.tokenOf(id), isBySubject: false, isSpam: false }]);
  expect(letters[0]?.trace.map((one) => one.by)).toEqual(['mx1.filter.example.net', 'mx.shop.example']);
  expect(Math.abs((letters[0]?.storedAt ?? 0) - handed.at)).toBeLessThan(5000);
  expect(probe.idOf(letters[0]?.token ?? '')).toBe(id);
  expect(world.account().canaries).toEqual({ sent: 1, arrived: 1, missing: 0 });
  expect(await mailbox.remove(new Set([probe.tokenOf(id)]), never)).toBe(true);
  expect((await look()).letters).toEqual([]);
});

it('a canary that is marked arrives all the same, and it is said', async () => {
  await world.setFault('mx.shop', 'spam');
  await handOver('mx.shop');
  expect((await look()).letters).toMatchObject([{ isSpam: true }]);
});

it('a canary that is returned comes back as a notification about it', async () => {
  await world.setFault('mx.shop', 'bounce');
  expect(await handOver('mx.shop')).toMatchObject({ outcome: 'handed' });
  const { letters, bounces } = await look();
  expect(letters).toEqual([]);
  expect(bounces).toMatchObject([{ token: probe.tokenOf(id) }]);
});

it.each([
  ['hold', ['handed', 'handed'], 2],
  ['discard', ['handed', 'handed'], 0],
  ['greylist', ['deferred', 'handed'], 1],
  ['550-rcpt', ['refused', 'refused'], 0],
  ['down', ['unreachable', 'unreachable'], 0],
] satisfies [HopFault, string[], number][])(
  '%s: two canaries are %s, and %i letters are there after healing',
  async (fault, outcomes, count) => {
    await world.setFault('mx1.filter', fault);
    const handed = [await handOver('mx1.filter'), await handOver('mx1.filter')];
    expect(handed.map((one) => one.outcome)).toEqual(outcomes);
    if (fault === 'hold') expect((await look()).letters).toEqual([]);
    await world.setFault('mx1.filter', 'ok');
    await world.drained();
    expect((await look()).letters).toHaveLength(count);
  },
);
