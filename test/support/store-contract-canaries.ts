// What every state store must do with canaries, mailbox looks and latencies: a part of the store's contract.

import { describe, expect, it } from 'vitest';
import type { Canary, CanaryState } from '../../src/model/canary.ts';
import { canaryStates } from '../../src/model/canary.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { Store } from '../../src/store/store.ts';
import { aCanary, aHandedCanary, aLatencyHour, aMailboxLook, idOf, nightAt } from './store-samples.ts';

const hour = 3_600_000;
/** What a terminal or a log must never get. */
const hostile = 'a\u001b[2Jb\u202e\n';
const harmless = 'a\\u001b[2Jb\\u202e\\n';

const numbersOf = (canaries: readonly Canary[]): number[] => canaries.map((one) => Number(one.id.slice(5)));

/** `storeOf` gives the store of the test that runs, `second` another connection to its database. */
export function describeCanaries(name: string, storeOf: () => Store, second: () => Promise<Store>): void {
  /** Canaries of a path, in the order of their numbers; arrived unless told. */
  async function write(path: string, numbers: readonly number[], patch: Partial<Canary> = {}): Promise<void> {
    await storeOf().writeCanaries(numbers.map((number) => aCanary({ id: idOf(number), path, ...patch })));
  }
  const missing = { state: 'handed', arrivedAt: null, replayedAt: null } as const;
  const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

  describe(`${name}: canaries`, () => {
    it('gives back what was written, every field of it', async () => {
      const full = aCanary();
      const bare = aCanary({
        id: idOf(2),
        hop: { exchange: domainNameOf('mx.example.com'), address: null, port: 2525 },
        nextAttemptAt: nightAt + 1,
        state: 'deferred',
        handedAt: null,
        reply: null,
        queueId: null,
        arrivedAt: null,
        isSpam: false,
        trace: [],
        bounce: null,
        replayedAt: null,
      });
      const coded = aCanary({ id: idOf(3), reply: { code: 354, enhanced: null, text: '' } });
      await storeOf().writeCanaries([full, bare, coded]);
      expect(await storeOf().readCanaries('support', 9)).toEqual([full, bare, coded]);
      expect(await storeOf().readCanaries('other', 9)).toEqual([]);
      const other = await second();
      expect(await other.readCanaries('support', 9)).toEqual([full, bare, coded]);
    });

    it.each(canaryStates)('knows the state %s', async (state) => {
      await storeOf().writeCanaries([aCanary({ state })]);
      expect(await storeOf().readCanaries('support', 9)).toEqual([aCanary({ state })]);
    });

    it('replaces a canary whole, the last word where one call names it twice', async () => {
      await storeOf().writeCanaries([
        aCanary({
          token: 'mxc-old',
          route: 'other',
          path: 'direct',
          vantage: 'ams-ops',
          hop: { exchange: domainNameOf('mx.example.com'), address: null, port: 2525 },
          sentAt: 1,
          attempts: 1,
          nextAttemptAt: 2,
          state: 'deferred',
          handedAt: null,
          reply: null,
          queueId: null,
          summary: '450 later',
          arrivedAt: null,
          isSpam: false,
          copies: 0,
          isBySubject: false,
          trace: [],
          bounce: null,
          replayedAt: null,
        }),
      ]);
      await storeOf().writeCanaries([aHandedCanary(), aCanary()]);
      expect(await storeOf().findCanaries([idOf(1)])).toEqual([aCanary()]);
      expect(await storeOf().readCanaries('other', 9)).toEqual([]);
    });

    it('reads the newest of every path, oldest first by id whatever the order of writing', async () => {
      await write('proxy', [7, 1, 5, 3]);
      await write('direct', [2, 8, 4]);
      await write('a\u0000b', [6]);
      await write('proxy', [9], { route: 'other' });
      expect(numbersOf(await storeOf().readCanaries('support', 2))).toEqual([4, 5, 6, 7, 8]);
      expect(numbersOf(await storeOf().readCanaries('support', 0))).toEqual([]);
    });

    it('reads, however old, what is on its way, due for another attempt, or never arrived', async () => {
      await write('proxy', [1], missing);
      await write('proxy', [2], { ...missing, state: 'deferred', nextAttemptAt: nightAt });
      await write('proxy', [3], { ...missing, replayedAt: nightAt });
      await write('proxy', [4], { ...missing, state: 'deferred', nextAttemptAt: null });
      await write('proxy', [5], { ...missing, state: 'refused' });
      await write('proxy', [6], { ...missing, state: 'unknown' });
      await write('proxy', [7], { ...missing, state: 'bounced' });
      await write('proxy', [8], { ...missing, state: 'unreachable' });
      await write('proxy', [9], { ...missing, state: 'swallowed' });
      await write('proxy', [10], { ...missing, state: 'swallowed', replayedAt: nightAt });
      await write('proxy', [11], { ...missing, state: 'lost' });
      await write('proxy', [12]);
      expect(numbersOf(await storeOf().readCanaries('support', 1))).toEqual([1, 2, 9, 12]);
    });

    it('reads no more than the newest thousand of a path that swallows, and all of the one beside it', async () => {
      await write('direct', range(1, 3), missing);
      await write('proxy', range(1001, 1200), missing);
      const read = await storeOf().readCanaries('support', 2);
      expect(numbersOf(read)).toEqual([1, 2, 3, ...range(1201, 1000)]);
    });

    it('finds canaries by id, however many are asked for and whether they are there or not', async () => {
      await write('proxy', range(1, 1200));
      expect(numbersOf(await storeOf().findCanaries([idOf(7), idOf(3), idOf(7), idOf(9999)]))).toEqual([
        3, 7,
      ]);
      expect(await storeOf().findCanaries(range(1, 3000).map(idOf))).toHaveLength(1200);
      expect(await storeOf().findCanaries([])).toEqual([]);
      expect(await storeOf().findCanaries(["' or 1=1 --", '%', ''])).toEqual([]);
    });

    it('writes all of a call or nothing', async () => {
      const many = range(1, 450).map((number) => aCanary({ id: idOf(number) }));
      const broken = { ...aCanary({ id: idOf(451) }), summary: null } as unknown as Canary;
      await expect(storeOf().writeCanaries([...many, broken])).rejects.toThrow();
      expect(await storeOf().readCanaries('support', 9)).toEqual([]);
    });

    it('takes nothing for nothing to do', async () => {
      await storeOf().writeCanaries([]);
      await storeOf().writeMailboxLooks([]);
      await storeOf().writeLatencyHours([]);
    });

    it('makes text from outside harmless on its way to people', async () => {
      const reply = { code: 250, enhanced: null, text: hostile };
      const trace = [{ from: hostile, by: hostile, protocol: hostile, at: 1 }];
      const said = { summary: hostile, queueId: hostile, bounce: hostile, token: hostile, vantage: hostile };
      await storeOf().writeCanaries([aCanary({ ...said, reply, trace })]);
      await storeOf().writeMailboxLooks([{ route: 'support', look: aMailboxLook({ fault: hostile }) }]);
      const [read] = await storeOf().readCanaries('support', 1);
      expect(read).toMatchObject({
        summary: harmless,
        queueId: harmless,
        bounce: harmless,
        token: harmless,
        vantage: harmless,
        reply: { text: harmless },
        trace: [{ from: harmless, by: harmless, protocol: harmless }],
      });
      expect((await storeOf().readMailboxLook('support'))?.fault).toBe(harmless);
    });
  });

  describe(`${name}: replay`, () => {
    it('marks what the path took and never delivered, and nothing else', async () => {
      await write('proxy', [1], missing);
      await write('proxy', [2], { ...missing, state: 'swallowed' });
      await write('proxy', [3]);
      await write('proxy', [4], { ...missing, state: 'unknown' });
      await write('proxy', [5], { ...missing, replayedAt: 7 });
      await write('direct', [6], missing);
      await write('proxy', [7], { ...missing, route: 'other' });
      expect(await storeOf().markReplayed('support', 'proxy', nightAt)).toBe(2);
      expect(await storeOf().markReplayed('support', 'proxy', nightAt + 1)).toBe(0);
      const all = await storeOf().findCanaries(range(1, 7).map(idOf));
      const replayed = all.map((one) => one.replayedAt);
      expect(replayed).toEqual([nightAt, nightAt, nightAt + 1, null, 7, null, null]);
      expect(numbersOf(await storeOf().readCanaries('support', 0))).toEqual([6]);
    });

    it('outlasts a run that had read the canary before and writes it back', async () => {
      await write('proxy', [1], missing);
      const [before] = await storeOf().readCanaries('support', 1);
      await storeOf().markReplayed('support', 'proxy', nightAt);
      await storeOf().writeCanaries([{ ...before!, copies: 5 }]);
      expect(await storeOf().findCanaries([idOf(1)])).toMatchObject([{ copies: 5, replayedAt: nightAt }]);
    });
  });

  describe(`${name}: mailboxes and latencies`, () => {
    it('remembers the last look of each route', async () => {
      expect(await storeOf().readMailboxLook('support')).toBeNull();
      const empty = aMailboxLook({ readAt: null, fault: null, skewMs: null, forged: 0 });
      await storeOf().writeMailboxLooks([
        { route: 'support', look: aMailboxLook({ forged: 9 }) },
        { route: 'other', look: aMailboxLook() },
        { route: 'support', look: empty },
      ]);
      expect(await storeOf().readMailboxLook('support')).toEqual(empty);
      await storeOf().writeMailboxLooks([{ route: 'support', look: aMailboxLook() }]);
      expect(await storeOf().readMailboxLook('support')).toEqual(aMailboxLook());
      expect(await storeOf().readMailboxLook('other')).toEqual(aMailboxLook());
    });

    it('keeps latencies by path and hour, oldest first, the last word on each', async () => {
      const { hourAt } = aLatencyHour();
      const none = aLatencyHour({ hourAt: hourAt + hour, arrived: 0, p50Ms: null, p95Ms: null, maxMs: null });
      const direct = aLatencyHour({ path: 'direct' });
      await storeOf().writeLatencyHours([none, aLatencyHour({ handed: 1 }), direct, aLatencyHour()]);
      await storeOf().writeLatencyHours([aLatencyHour({ route: 'other' })]);
      expect(await storeOf().readLatencyHours('support', 0)).toEqual([direct, aLatencyHour(), none]);
      expect(await storeOf().readLatencyHours('support', hourAt + 1)).toEqual([none]);
      const later = { handed: 13, arrived: 13, p50Ms: 1, p95Ms: 2, maxMs: 3 };
      await storeOf().writeLatencyHours([aLatencyHour(later)]);
      expect(await storeOf().readLatencyHours('support', 0)).toEqual([direct, aLatencyHour(later), none]);
    });

    it('keeps whole milliseconds of a quantile between two latencies', async () => {
      await storeOf().writeLatencyHours([aLatencyHour({ p50Ms: 2.5, p95Ms: 4.4, maxMs: 5 })]);
      expect(await storeOf().readLatencyHours('support', 0)).toMatchObject([
        { p50Ms: 3, p95Ms: 4, maxMs: 5 },
      ]);
    });

    it('keeps a thousand looks and hours of one call', async () => {
      const routes = range(0, 1001).map((number) => `route-${number}`);
      await storeOf().writeMailboxLooks(routes.map((route) => ({ route, look: aMailboxLook() })));
      await storeOf().writeLatencyHours(routes.map((route) => aLatencyHour({ route })));
      expect(await storeOf().readMailboxLook('route-1000')).toEqual(aMailboxLook());
      expect(await storeOf().readLatencyHours('route-1000', 0)).toHaveLength(1);
    });
  });

  describe(`${name}: pruning canaries`, () => {
    it('drops old canaries that are settled and old latencies, and counts them', async () => {
      const kept: number[] = [];
      for (const [index, state] of canaryStates.entries()) {
        await write('proxy', [index], { ...missing, state, sentAt: 1 });
        if (state === 'handed' || state === 'swallowed') kept.push(index);
      }
      await write('proxy', [10], { sentAt: 1 });
      await write('proxy', [11], { sentAt: nightAt });
      await write('proxy', [12], { ...missing, state: 'deferred', nextAttemptAt: 2, sentAt: 1 });
      await write('proxy', [13], { ...missing, replayedAt: 2, sentAt: 1 });
      await storeOf().writeLatencyHours([aLatencyHour({ hourAt: 0 }), aLatencyHour({ hourAt: nightAt })]);
      // Of the states two stay; one more arrived, the replayed and the hour go.
      expect(await storeOf().prune(nightAt, nightAt)).toBe(canaryStates.length - 2 + 3);
      expect(numbersOf(await storeOf().readCanaries('support', 99))).toEqual([...kept, 11, 12]);
      expect(await storeOf().readLatencyHours('support', 0)).toHaveLength(1);
      expect(await storeOf().prune(nightAt, nightAt)).toBe(0);
    });

    it('drops canaries by an age of their own, and keeps what else is as old', async () => {
      await write('proxy', [1], { sentAt: nightAt - 2 * hour });
      await write('proxy', [2], { sentAt: nightAt - hour });
      await storeOf().writeLatencyHours([aLatencyHour({ hourAt: nightAt - 2 * hour })]);
      expect(await storeOf().prune(1, nightAt - hour)).toBe(1);
      expect(numbersOf(await storeOf().readCanaries('support', 99))).toEqual([2]);
      expect(await storeOf().readLatencyHours('support', 0)).toHaveLength(1);
    });

    it('drops a long history whole, many of one instant, and passes over what is open in it', async () => {
      await write('proxy', range(1, 2500), { sentAt: 1 });
      await write('proxy', range(3001, 1200), { ...missing, sentAt: 1 });
      await storeOf().writeCanaries(
        range(5001, 2500).map((number) => aCanary({ id: idOf(number), path: 'direct', sentAt: number })),
      );
      await write('direct', [9000], { sentAt: nightAt });
      expect(await storeOf().prune(1, nightAt)).toBe(2500 + 200 + 2500);
      const left = numbersOf(await storeOf().readCanaries('support', 9999));
      expect(left).toEqual([...range(3201, 1000), 9000]);
    });

    it('lets timers run while it drops a long history', async () => {
      await write('proxy', range(1, 5000), { sentAt: 1 });
      let turns = 0;
      const ticker = setInterval(() => turns++, 0);
      await storeOf().prune(1, nightAt);
      clearInterval(ticker);
      expect(turns).toBeGreaterThan(1);
    });

    it('keeps no more than the newest thousand of what a path never delivered, by state', async () => {
      const states: CanaryState[] = ['handed', 'deferred', 'swallowed'];
      for (const [index, state] of states.entries()) {
        const patch = { ...missing, state, nextAttemptAt: 2, sentAt: 1 };
        await write('proxy', range(10_000 * (index + 1), 1003), patch);
        await write('direct', [index], patch);
      }
      expect(await storeOf().prune(nightAt, nightAt)).toBe(9);
      const left = numbersOf(await storeOf().readCanaries('support', 9999));
      expect(left).toEqual([0, 1, 2, ...[10_003, 20_003, 30_003].flatMap((from) => range(from, 1000))]);
    });
  });
}
