// What every state store must do with publish times, and with the list of leases: a part of the store's contract.

import { describe, expect, it } from 'vitest';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { PublishTime } from '../../src/model/publish-time.ts';
import type { Store } from '../../src/store/store.ts';
import { idOf, nightAt } from './store-samples.ts';

const zone = domainNameOf('example.com');

function aTime(patch: Partial<PublishTime> = {}): PublishTime {
  return {
    id: idOf(1),
    provider: 'bind',
    zone,
    at: nightAt,
    source: 'drill',
    acceptedMs: 12,
    firstMs: 40,
    allMs: 2500,
    ...patch,
  };
}

/** `storeOf` gives the store of the test that runs, `second` another connection to its database. */
export function describePublishTimes(name: string, storeOf: () => Store, second: () => Promise<Store>): void {
  describe(`${name}: publish times`, () => {
    it('gives back what was written, newest first, to other connections too', async () => {
      const store = storeOf();
      const unseen = aTime({ id: idOf(2), at: nightAt + 1, source: 'action', firstMs: null, allMs: null });
      await store.recordPublishTimes([aTime(), unseen]);
      await store.recordPublishTimes([]);
      const other = await second();
      for (const one of [store, other])
        expect(await one.readPublishTimes('bind', zone, 9)).toEqual([unseen, aTime()]);
      expect(await store.readPublishTimes('bind', zone, 1)).toEqual([unseen]);
    });

    it('keeps providers and zones apart', async () => {
      const shop = domainNameOf('shop.example');
      const rows = [aTime(), aTime({ id: idOf(2), zone: shop }), aTime({ id: idOf(3), provider: 'cf' })];
      await storeOf().recordPublishTimes(rows);
      expect(await storeOf().readPublishTimes('bind', shop, 9)).toEqual([rows[1]]);
      expect(await storeOf().readPublishTimes('cf', zone, 9)).toEqual([rows[2]]);
      expect(await storeOf().readPublishTimes('cf', shop, 9)).toEqual([]);
    });

    it('replaces one by the same id, the last word where a call names it twice', async () => {
      await storeOf().recordPublishTimes([aTime({ allMs: null })]);
      await storeOf().recordPublishTimes([aTime({ allMs: 7 }), aTime({ allMs: 8.4 })]);
      expect(await storeOf().readPublishTimes('bind', zone, 9)).toEqual([aTime({ allMs: 8 })]);
    });

    it('drops those that are older than history', async () => {
      await storeOf().recordPublishTimes([aTime({ at: nightAt - 1 }), aTime({ id: idOf(2) })]);
      expect(await storeOf().prune(nightAt, nightAt)).toBe(1);
      expect(await storeOf().readPublishTimes('bind', zone, 9)).toEqual([aTime({ id: idOf(2) })]);
    });
  });

  describe(`${name}: the list of leases`, () => {
    it('has those that are held, live or not, and none that was given back', async () => {
      const store = storeOf();
      const lease = async (route: string) => {
        const answer = await store.acquireLease(route, `h:1:${route}`, 60_000, nightAt);
        if (answer.outcome === 'taken') throw new Error('taken');
        return answer.lease;
      };
      const support = await lease('support');
      await store.releaseLease(await lease('given-back'));
      const shop = await lease('shop');
      expect(await (await second()).readLeases()).toEqual([shop, support]);
    });
  });
}
