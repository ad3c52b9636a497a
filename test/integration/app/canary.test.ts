// Silent delay and swallowed mail: SMTP answers 250 all the time, only canaries show it.

import { describe, expect, it } from 'vitest';

import type { CycleResult } from '../../../src/app/cycle.ts';
import { noteReplayed } from '../../../src/app/incident.ts';
import { proposeMove } from '../../../src/app/propose.ts';
import { readStatus } from '../../../src/app/status.ts';
import type { CanaryPolicy } from '../../../src/model/canary.ts';
import { AppWorld } from '../../support/app-world.ts';
import { canaryPolicy } from '../../support/canaries.ts';
import { PostOffice, wordsOf } from '../../support/post-office.ts';
import { failoverPolicy, minute } from '../../support/worlds.ts';

const proxyMx = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org.';
const proxy = `${proxyMx} ttl 300`;
const direct = '10 mx.example.com. 90 spool.example.org. ttl 60';
const never = new AbortController().signal;
/** Five minutes, late after fifteen, swallowed after an hour. */
const policy: CanaryPolicy = { ...canaryPolicy, swallowedAfterMs: 60 * minute };

async function openWorld(over: Partial<CanaryPolicy> = {}) {
  const world = await AppWorld.open({
    routes: [
      {
        over: {
          canary: { ...policy, ...over },
          ttl: 300,
          failover: { ...failoverPolicy, holdDownMs: 5 * minute },
        },
      },
    ],
  });
  const post = new PostOffice(() => world.clock.now());
  world.over = { ...world.over, canary: () => Promise.resolve(post.probe) };
  return { world, post };
}

type Open = Awaited<ReturnType<typeof openWorld>>;

/** Runs, a minute apart, until something holds; how many minutes it took. */
async function runUntil(
  { world }: Open,
  isSo: (result: CycleResult) => boolean,
  most: number,
): Promise<number> {
  const startedAt = world.clock.now();
  for (let run = 0; run < most; run++)
    if (isSo(await world.run())) return (world.clock.now() - startedAt) / minute;
  throw new Error(`not within ${most} runs: ${world.published()}`);
}

const reasonsOf = (result: CycleResult) => result.routes[0]!.decided!.reasons;
const kindOf = (result: CycleResult) => result.routes[0]!.decided!.decision.kind;
const canariesOf = async ({ world }: Open) => world.store.readCanaries('support', 500);

describe('a proxy that answers 250 and delivers hours later', () => {
  it('is left within every + delayed_after + one run, by canaries alone', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    expect(world.published()).toBe(proxy);
    post.set('proxy', 'hold');
    const minutes = await runUntil(open, () => world.published() === direct, 40);
    expect(minutes).toBeLessThanOrEqual(5 + 15 + 1);
    expect(minutes).toBeGreaterThan(10);
    const [flip] = await world.actions();
    expect(flip?.reason).toMatch(
      /^proxy is down: proxy holds \d canaries, the oldest for \d+m, direct delivers in 3s: the fault is in proxy/,
    );
  });

  it('is returned to when late mail has drained and rise canaries in a row were in time', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'hold');
    await runUntil(open, () => world.published() === direct, 40);
    post.set('proxy', 20_000);
    await world.runs(30);
    // New ones are in time, the old ones still in its queue.
    expect(world.published()).toBe(direct);
    post.release('proxy');
    await runUntil(open, () => world.published() === `${proxyMx} ttl 60`, 10);
    const late = (await canariesOf(open)).filter(
      (one) => one.path === 'proxy' && one.arrivedAt! - one.handedAt! > policy.delayedAfterMs,
    );
    expect(late.length).toBeGreaterThan(3);
  });

  it('shows in a plan by hand what DNS cannot pull back, and where it is', async () => {
    const open = await openWorld({ delayedAfterMs: 15 * minute });
    const { world, post } = open;
    world.routes.set('support', {
      ...world.routes.get('support')!,
      failover: { ...failoverPolicy, mode: 'manual' },
    });
    await world.runs(12);
    post.set('proxy', 'hold');
    await runUntil(open, (result) => kindOf(result) === 'hold', 40);
    const { prepared } = await proposeMove(world.routes.get('support')!, null, world.deps(), never);
    expect(prepared.plan.to).toBe('direct');
    expect(prepared.notes[0]).toMatch(
      /^what proxy took since \d\d:\d\d UTC stays there, DNS cannot pull it back \(canaries there: Q\d+, Q\d+/,
    );
  });

  it('is not returned to, nor moved to, while it is the standby', async () => {
    const open = await openWorld();
    const { world, post } = open;
    post.set('direct', 'hold');
    await world.runs(30);
    world.hops.set('mx1.filter.example.net', '-');
    world.hops.set('mx2.filter.example.net', '-');
    const result = await world.run();
    expect(world.published()).toBe(proxy);
    expect(reasonsOf(result).join(' ')).toContain('direct refused: target-unhealthy');
  });
});

describe('a host that answers 250 and writes nothing', () => {
  it('is left, and not returned to before a person says that it was replayed', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'discard');
    await runUntil(open, () => world.published() === direct, 40);
    post.set('proxy', 4000);
    await world.runs(120);
    expect(world.published()).toBe(direct);
    const [status] = (await readStatus([world.routes.get('support')!], world.deps(), never)).routes;
    const owed = status!.canary!.verdicts.get('proxy')!.owed;
    expect(status!.health.get('proxy')).toMatchObject({ status: 'down', fate: 'swallowed' });
    expect(owed.length).toBeGreaterThanOrEqual(3);
    expect(owed.every((one) => one.state === 'swallowed' && /^Q\d+$/.test(one.queueId!))).toBe(true);
    const replay = await noteReplayed(
      { route: 'support', path: null, by: 'kim', reason: 'OPS-1' },
      world.deps(),
    );
    expect(replay.canaries.map((one) => one.token)).toEqual(owed.map((one) => one.token));
    await runUntil(open, () => world.published() === `${proxyMx} ttl 60`, 5);
  });

  it('is no reason for anything where one canary of many is lost', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'discard');
    await world.runs(5);
    post.set('proxy', 3000);
    await world.runs(120);
    expect(world.published()).toBe(proxy);
    const [status] = (await readStatus([world.routes.get('support')!], world.deps(), never)).routes;
    expect(status!.health.get('proxy')!.status).toBe('ok');
    expect((await canariesOf(open)).filter((one) => one.state === 'lost')).toHaveLength(1);
  });

  it('owes nothing that a person could replay while it delivers', async () => {
    const { world } = await openWorld();
    await world.runs(12);
    const said = noteReplayed({ route: 'support', path: null, by: 'kim', reason: 'x' }, world.deps());
    await expect(said).rejects.toMatchObject({ code: 'nothing-owed', exitCode: 3 });
  });
});

describe('where the fault is not in a path', () => {
  it('stays, and says once that it is the mailbox or our network, where both are late', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'hold');
    post.set('direct', 'hold');
    const results: CycleResult[] = [];
    for (let run = 0; run < 40; run++) results.push(await world.run());
    expect(world.published()).toBe(proxy);
    const news = results.filter((one) => one.routes[0]!.isNews);
    expect(news).toHaveLength(1);
    expect(reasonsOf(news[0]!)).toContain(
      'canaries are late by proxy and direct alike: the mailbox or our network, not a path',
    );
  });

  it('stays, and says that the mailbox cannot be read, however old the canaries get', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.fault = 'imap.example.com: wrong password for canary';
    post.set('proxy', 'hold');
    const isTold = (result: CycleResult) =>
      /^canaries tell nothing now: imap.example.com: wrong password for canary/.test(
        reasonsOf(result).at(-1) ?? '',
      );
    // Nothing is on its way: the mailbox is looked into at the latest after `every`.
    expect(await runUntil(open, isTold, 10)).toBeLessThanOrEqual(6);
    await world.runs(60);
    expect(world.published()).toBe(proxy);
    post.fault = null;
    await runUntil(open, () => world.published() === direct, 3);
  });

  it('stays, and says that it is policy, where only the canary is refused', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'refuse');
    await world.runs(20);
    expect(world.published()).toBe(proxy);
    expect(reasonsOf(await world.run()).at(-1)).toContain(
      'proxy refuses the canary (554 5.7.1 no at data) though its SMTP probe passes',
    );
  });

  it('stays, and says that it is this machine, where no path takes a canary', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'unreachable');
    post.set('direct', 'unreachable');
    await world.runs(6);
    expect(reasonsOf(await world.run()).at(-1)).toContain('no path took a canary from here');
    expect(world.published()).toBe(proxy);
  });

  it('says what keeps canaries from being sent, and decides all the same', async () => {
    const { world } = await openWorld();
    const { ConfigError } = await import('../../../src/errors.ts');
    world.over = {
      ...world.over,
      canary: () =>
        Promise.reject(
          new ConfigError('secret-unreadable', 'cannot read secret file /run/key: no such file'),
        ),
    };
    const result = await world.run();
    expect(reasonsOf(result).at(-1)).toContain('cannot read secret file /run/key');
  });
});

describe('one canary', () => {
  it('is the same message at the second attempt, and late only from when it was taken', async () => {
    const open = await openWorld();
    const { world, post } = open;
    post.set('proxy', 'defer');
    await world.run();
    post.set('proxy', 3000);
    await world.runs(3);
    const attempts = post.handed.filter((one) => one.path === 'proxy');
    expect(attempts.length).toBe(2);
    expect(attempts[1]).toEqual(attempts[0]);
    const [first] = (await canariesOf(open)).filter((one) => one.path === 'proxy');
    expect(first).toMatchObject({ state: 'arrived', attempts: 2 });
    expect(first!.arrivedAt! - first!.handedAt!).toBe(3000);
    expect(first!.handedAt! - first!.sentAt).toBeGreaterThanOrEqual(minute);
  });

  it('is on record before it is on the wire, so that a killed run leaves no unknown letter', async () => {
    const open = await openWorld();
    const { world, post } = open;
    let seen: string[] = [];
    post.onHandOver = async (order) => {
      const found = await world.store.findCanaries([post.probe.idOf(order.token)!]);
      seen = [...seen, ...wordsOf(found)];
    };
    await world.run();
    expect(seen.toSorted()).toEqual(['direct unknown', 'proxy unknown']);
  });

  it('of unknown outcome counts where it arrives, and for nothing where it does not', async () => {
    const open = await openWorld();
    const { world, post } = open;
    post.set('proxy', 'lost');
    post.set('direct', 'lost-taken');
    await world.runs(30);
    const words = wordsOf(await canariesOf(open));
    expect(words.filter((one) => one.startsWith('proxy')).every((one) => one === 'proxy unknown')).toBe(true);
    expect(words.find((one) => one.startsWith('direct'))).toBe('direct arrived 0s');
    expect(world.published()).toBe(proxy);
  });

  it('is taken out of the mailbox once it is on record, a forged one never', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.run();
    const [canary] = await canariesOf(open);
    post.forge(canary!.token.replace('ours', 'theirs'));
    await world.runs(2);
    expect(post.inMailbox).toEqual([canary!.token.replace('ours', 'theirs')]);
    expect((await world.store.readMailboxLook('support'))!.forged).toBe(1);
  });

  it('never counts where it is forged: the path stays in trouble', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'discard');
    for (let run = 0; run < 30; run++) {
      for (const one of await canariesOf(open)) if (one.arrivedAt === null) post.forge(`${one.token}x`);
      await world.run();
    }
    expect(world.published()).toBe(direct);
  });

  it('is not late because forged ones fill the mailbox before it', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.mostLetters = 5;
    for (let at = 0; at < 6; at++) post.forge(`mxc-${at}-theirs`);
    await world.runs(40);
    expect(world.published()).toBe(proxy);
    expect(reasonsOf(await world.run()).at(-1)).toContain(
      "more letters with tokens than one look takes (5 of a stranger's making): clear it",
    );
  });

  it('counts its copies once, and spam as arrived', async () => {
    const open = await openWorld();
    const { world, post } = open;
    post.copies = 2;
    post.isSpam = true;
    post.isBySubject = true;
    post.mayRemove = false;
    await world.runs(4);
    const [first] = await canariesOf(open);
    expect(first).toMatchObject({ state: 'arrived', copies: 2, isSpam: true });
    expect(first!.summary).toMatch(/; a filter took its header fields off$/);
  });

  it.each([
    ['ahead', 60],
    ['behind', -60],
  ])('is not late where the clock of the mailbox is an hour %s', async (_word, minutes) => {
    const open = await openWorld();
    const { world, post } = open;
    post.skewMs = minutes * minute;
    await world.runs(60);
    expect(world.published()).toBe(proxy);
    const [status] = (await readStatus([world.routes.get('support')!], world.deps(), never)).routes;
    expect(status!.canary!.verdicts.get('proxy')!.status).toBe('ok');
    expect(Math.abs(status!.canary!.look!.skewMs!)).toBeGreaterThan(50 * minute);
    // And a real delay is still seen.
    post.set('proxy', 'hold');
    await runUntil(open, () => world.published() === direct, 40);
  });

  it('that bounces is told by its notification, and two of them take the path down', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(12);
    post.set('proxy', 'bounce');
    const minutes = await runUntil(open, () => world.published() === direct, 40);
    expect(minutes).toBeLessThanOrEqual(12);
    const [flip] = await world.actions();
    expect(flip?.reason).toContain('proxy bounces canaries (5.1.1 user unknown)');
  });
});

describe('many routes with one mailbox', () => {
  it('look into it once a run', async () => {
    const routes = Array.from({ length: 20 }, (_, at) => ({ name: `route${at}`, over: { canary: policy } }));
    const world = await AppWorld.open({ routes });
    const post = new PostOffice(() => world.clock.now());
    world.over = { ...world.over, canary: () => Promise.resolve(post.probe) };
    await world.runs(3);
    // The first finds nothing, the second all of them, and then nothing is on its way.
    expect(post.looks).toBe(2);
    expect(post.handed).toHaveLength(40);
    expect(post.inMailbox).toEqual([]);
  });
});

describe('latencies by the hour', () => {
  it('count those that were handed over, and those that arrived', async () => {
    const open = await openWorld();
    const { world, post } = open;
    await world.runs(55);
    post.set('proxy', 'discard');
    await world.runs(10);
    const hours = await world.store.readLatencyHours('support', 0);
    const proxyHours = hours.filter((one) => one.path === 'proxy');
    const sum = (pick: (one: (typeof hours)[number]) => number) =>
      proxyHours.reduce((all, one) => all + pick(one), 0);
    expect(sum((one) => one.handed)).toBe(13);
    expect(sum((one) => one.arrived)).toBe(11);
    expect(proxyHours[0]).toMatchObject({ p50Ms: 3000, p95Ms: 3000, maxMs: 3000 });
  });
});
