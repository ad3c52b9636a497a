// What every state store must do with vantages, brakes and the hour's count of owner names: a part of the store's
// contract.

import { describe, expect, it } from 'vitest';
import { type Brake, brakeKinds } from '../../src/model/brake.ts';
import type { DomainUse, Store } from '../../src/store/store.ts';
import { aHealth, aRouteState, idOf, nightAt } from './store-samples.ts';

const hour = 3_600_000;
const minute = 60_000;

export const aCheckIn = (patch: Partial<Parameters<Store['checkIn']>[0]> = {}) => ({
  name: 'fra-ops',
  machine: 'fra1',
  holder: 'fra1:4711:run',
  version: '1.2.3',
  at: nightAt,
  ...patch,
});

type Trip = Parameters<Store['tripBrake']>[0];

export const aTrip = (patch: Partial<Trip> = {}): Trip => ({
  kind: 'flip-limit',
  route: 'support',
  vantage: null,
  at: nightAt,
  by: 'auto@fra-ops',
  reason: '3 of 3 flips in 24 h',
  ...patch,
});

const held = (patch: Partial<Trip> = {}): Brake => ({ ...aTrip(patch), releasedAt: null, releasedBy: null });

const aUse = (number: number, domains: number, patch: Partial<DomainUse> = {}): DomainUse => ({
  id: idOf(number),
  route: 'support',
  domains,
  at: nightAt,
  sinceAt: nightAt - hour,
  most: 10,
  ...patch,
});

/** `storeOf` gives the store of the test that runs, `second` another connection to its database. */
export function describeBrakes(name: string, storeOf: () => Store, second: () => Promise<Store>): void {
  describe(`${name}: vantages`, () => {
    it('gives each check-in the next turn, and shows who used the name before', async () => {
      const store = storeOf();
      const first = await store.checkIn(aCheckIn());
      expect(first).toEqual({ turn: 1, before: [] });
      const other = await store.checkIn(aCheckIn({ name: 'ams-ops', machine: 'ams1' }));
      expect(other).toEqual({ turn: 2, before: [] });
      const rival = await store.checkIn(aCheckIn({ machine: 'fra2', holder: 'fra2:1:run', at: nightAt + 1 }));
      const fra1 = {
        ...{ name: 'fra-ops', machine: 'fra1', holder: 'fra1:4711:run', version: '1.2.3' },
        ...{
          turn: 1,
          sinceTurn: 1,
          seenAt: nightAt,
          previousTurn: null,
          previousSeenAt: null,
          faultSince: null,
          rival: null,
          rivalAt: null,
        },
      };
      expect(rival).toEqual({ turn: 3, before: [fra1] });
      const again = await store.checkIn(
        aCheckIn({ holder: 'fra1:4712:run', version: '1.2.4', at: nightAt + 2 }),
      );
      expect(again.turn).toBe(4);
      expect(again.before.map(({ machine, turn }) => `${machine} ${turn}`)).toEqual(['fra1 1', 'fra2 3']);
      const vantages = await (await second()).readVantages();
      expect(vantages.map((one) => `${one.name} ${one.machine} ${one.turn} ${one.sinceTurn}`)).toEqual([
        'ams-ops ams1 2 2',
        'fra-ops fra1 4 1',
        'fra-ops fra2 3 3',
      ]);
      expect(vantages[1]).toMatchObject({
        holder: 'fra1:4712:run',
        version: '1.2.4',
        seenAt: nightAt + 2,
        previousTurn: 1,
        previousSeenAt: nightAt,
      });
    });

    it('keeps what a machine says of itself through its next check-in', async () => {
      const store = storeOf();
      await store.checkIn(aCheckIn());
      await store.checkIn(aCheckIn({ machine: 'fra2' }));
      const said = { faultSince: nightAt - 1, rival: 'fra2', rivalAt: nightAt };
      await store.updateVantage('fra-ops', 'fra1', { ...said, sinceTurn: 7 });
      await store.checkIn(aCheckIn({ at: nightAt + minute }));
      const [one, two] = await store.readVantages();
      expect(one).toMatchObject({ ...said, sinceTurn: 7, seenAt: nightAt + minute });
      expect(two).toMatchObject({ faultSince: null, rival: null, rivalAt: null, sinceTurn: 2 });
      await store.updateVantage('fra-ops', 'fra1', { faultSince: null, rival: null, rivalAt: null });
      expect((await store.readVantages())[0]).toMatchObject({ faultSince: null, rival: null, sinceTurn: 7 });
    });

    it('gives twelve check-ins at once twelve turns', async () => {
      const stores = [storeOf(), await second(), await second()];
      const turns = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const store = stores[index % 3]!;
          return (await store.checkIn(aCheckIn({ machine: `fra${index % 4}` }))).turn;
        }),
      );
      expect(turns.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    });

    it('makes text of a name that is none harmless', async () => {
      await storeOf().checkIn(aCheckIn({ machine: 'a\u001b[2J' }));
      expect((await storeOf().readVantages())[0]?.machine).toBe('a\\u001b[2J');
    });
  });

  describe(`${name}: brakes`, () => {
    it.each(brakeKinds)('keeps a brake of kind %s until it is released', async (kind) => {
      expect(await storeOf().tripBrake(aTrip({ kind }))).toBe(true);
      expect(await (await second()).readBrakes()).toEqual([held({ kind })]);
    });

    it('keeps when and why a brake tripped first', async () => {
      await storeOf().tripBrake(aTrip());
      expect(await storeOf().tripBrake(aTrip({ at: nightAt + 1, reason: 'again' }))).toBe(false);
      expect(await storeOf().readBrakes()).toEqual([held()]);
    });

    it('lets go the brakes of one route, or those that are of none', async () => {
      const store = storeOf();
      const all = { kind: 'domains-per-run', route: null } as const;
      const ofVantage = { kind: 'failing-share', route: null, vantage: 'fra-ops' } as const;
      for (const one of [{}, { route: 'all' }, all, ofVantage]) await store.tripBrake(aTrip(one));
      const released = { releasedAt: nightAt + 5, releasedBy: 'person:kim' };
      expect(await store.releaseBrakes('support', 'person:kim', nightAt + 5)).toEqual([
        { ...held(), ...released },
      ]);
      expect(await store.releaseBrakes('support', 'person:lee', nightAt + 6)).toEqual([]);
      expect(await store.releaseBrakes(null, 'person:kim', nightAt + 5)).toEqual([
        { ...held(all), ...released },
        { ...held(ofVantage), ...released },
      ]);
      expect(await store.readBrakes()).toEqual([
        { ...held(all), ...released },
        held({ route: 'all' }),
        { ...held(), ...released },
        { ...held(ofVantage), ...released },
      ]);
    });

    it('trips a released brake anew', async () => {
      const store = storeOf();
      await store.tripBrake(aTrip());
      await store.releaseBrakes('support', 'person:kim', nightAt + 1);
      expect(await store.tripBrake(aTrip({ at: nightAt + 2, reason: 'again' }))).toBe(true);
      expect(await store.readBrakes()).toEqual([held({ at: nightAt + 2, reason: 'again' })]);
    });

    it('counts owner names of the time asked about, later ones included, and refuses what would exceed', async () => {
      const store = storeOf();
      expect(await store.useDomains(aUse(1, 4, { at: nightAt - hour }))).toEqual({
        isGranted: true,
        used: 4,
      });
      expect(await store.useDomains(aUse(2, 4, { at: nightAt + hour }))).toEqual({
        isGranted: true,
        used: 4,
      });
      expect(await store.useDomains(aUse(3, 7))).toEqual({ isGranted: false, used: 4 });
      expect(await store.useDomains(aUse(3, 6))).toEqual({ isGranted: true, used: 10 });
      expect(await store.useDomains(aUse(3, 5))).toEqual({ isGranted: true, used: 9 });
      await store.returnDomains(idOf(3));
      expect(await store.useDomains(aUse(4, 6))).toEqual({ isGranted: true, used: 10 });
    });

    it('begins the count anew where brakes of no route are released', async () => {
      await storeOf().useDomains(aUse(1, 10));
      await storeOf().releaseBrakes('support', 'person:kim', nightAt);
      expect(await storeOf().useDomains(aUse(2, 1))).toEqual({ isGranted: false, used: 10 });
      await storeOf().releaseBrakes(null, 'person:kim', nightAt);
      expect(await storeOf().useDomains(aUse(2, 1))).toEqual({ isGranted: true, used: 1 });
    });

    it('gives twelve that ask at once over three connections no more than there is', async () => {
      const stores = [storeOf(), await second(), await second()];
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => stores[index % 3]!.useDomains(aUse(index, 3))),
      );
      expect(answers.filter((one) => one.isGranted)).toHaveLength(3);
    });

    it('drops what is gone for long, and keeps a brake that holds', async () => {
      const store = storeOf();
      const old = nightAt - hour;
      const hop = 'mx1.example.net.[192.0.2.1]:25';
      await store.checkIn(aCheckIn({ at: old }));
      await store.checkIn(aCheckIn({ name: 'ams-ops' }));
      await store.writeHealth([
        { route: 'support', vantage: 'fra-ops', hop, health: aHealth({ lastAt: old }) },
        { route: 'support', vantage: 'ams-ops', hop, health: aHealth({ lastAt: nightAt }) },
      ]);
      await store.tripBrake(aTrip({ at: old }));
      await store.tripBrake(aTrip({ at: old, route: 'other' }));
      await store.releaseBrakes('other', 'person:kim', old);
      await store.useDomains(aUse(1, 4, { at: old }));
      expect(await store.prune(nightAt - minute, nightAt)).toBe(4);
      expect((await store.readVantages()).map((one) => one.name)).toEqual(['ams-ops']);
      expect((await store.readAllHealth()).map((one) => one.vantage)).toEqual(['ams-ops']);
      expect(await store.readBrakes()).toEqual([held({ at: old })]);
    });
  });

  describe(`${name}: all routes at once`, () => {
    it('reads health and states of every route, configured or not', async () => {
      const hop = 'mx1.example.net.[192.0.2.1]:25';
      const rows = ['a', 'b'].map((route) => ({ route, vantage: 'fra-ops', hop, health: aHealth() }));
      const states = ['a', 'b'].map((route) => ({ route, state: aRouteState() }));
      await storeOf().writeHealth(rows);
      await storeOf().writeRouteStates(states);
      expect(await storeOf().readAllHealth()).toEqual(rows);
      expect(await storeOf().readRouteStates()).toEqual(states);
    });
  });
}
