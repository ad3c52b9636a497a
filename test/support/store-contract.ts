// What every state store must do, whatever the database: run against SQLite, and against PostgreSQL with its own
// factory. Instants are given, never waited for.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { Action, ActionKind, ActionState } from '../../src/model/change.ts';
import { isFlip, isUnsettled } from '../../src/model/change.ts';
import type { Lease } from '../../src/model/lease.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { ObservationRow, Pause, Store } from '../../src/store/store.ts';
import { describeBrakes } from './store-contract-brakes.ts';
import { describeCanaries } from './store-contract-canaries.ts';
import { describePublishTimes } from './store-contract-publish.ts';
import {
  aHealth,
  aLook,
  anAction,
  anObservation,
  aPlan,
  aRouteState,
  example,
  idOf,
  nightAt,
} from './store-samples.ts';

export interface StoreFactory {
  /** A second call within a test opens the same database. */
  open(): Promise<Store>;
  /** Closes what `open` gave and drops the database. */
  dispose(): Promise<void>;
}

const minute = 60_000;
const day = 86_400_000;

export async function hold(
  store: Store,
  route = 'support',
  holder = 'a:1:run',
  now = nightAt,
): Promise<Lease> {
  const answer = await store.acquireLease(route, holder, minute, now);
  if (answer.outcome !== 'held') throw new Error(`taken by ${answer.holder}`);
  return answer.lease;
}

const rowsOf = (route: string, ...observations: readonly Observation[]): ObservationRow[] =>
  observations.map((observation) => ({ route, observation }));

/** Begins the action under the route's lease, whatever state it says. */
async function journal(store: Store, action: Action, lease: Lease): Promise<Action> {
  const owned = { ...action, leaseToken: lease.token };
  await store.beginAction(owned, lease);
  return owned;
}

export function describeStore(name: string, makeFactory: () => Promise<StoreFactory>): void {
  let factory: StoreFactory;
  let store: Store;

  beforeEach(async () => {
    factory = await makeFactory();
    store = await factory.open();
  });
  afterEach(async () => {
    await factory.dispose();
  });

  describe(`${name}: observations`, () => {
    it('gives back what was measured, newest first, the later written first where the instant is the same', async () => {
      const [a, b, c, d] = [1, 2, 3, 2].map((at, index) => anObservation({ at, port: 2500 + index }));
      await store.recordObservations(rowsOf('support', a!, b!, c!));
      await store.recordObservations([
        ...rowsOf('other', anObservation({ at: 9 })),
        ...rowsOf('support', d!),
      ]);
      expect(await store.listObservations('support', 10)).toEqual([c, d, b, a]);
      expect(await store.listObservations('support', 2)).toEqual([c, d]);
    });

    it('keeps a hop without address, reply or TLS', async () => {
      const bare = anObservation({ address: null, reply: null, tls: null, stages: [], offersStarttls: null });
      await store.recordObservations(rowsOf('support', bare));
      expect(await store.listObservations('support', 1)).toEqual([bare]);
    });

    it('gives back no digests of a chain, which are of use only to the run that saw it', async () => {
      const digests = { sha256: 'aa', sha512: 'bb' };
      const links = [{ cert: digests, spki: digests, startsAt: 1, expiresAt: 2 }];
      const { tls } = anObservation();
      const seen = anObservation({ tls: { ...tls!, presented: { isNamed: true, links } } });
      await store.recordObservations(rowsOf('support', seen));
      expect(await store.listObservations('support', 1)).toEqual([anObservation()]);
    });

    it('keeps a thousand observations of one call', async () => {
      const many = Array.from({ length: 1001 }, (_, at) => anObservation({ at }));
      await store.recordObservations(rowsOf('support', ...many));
      expect((await store.listObservations('support', 2000)).map((one) => one.at)).toEqual(
        many.map((one) => one.at).reverse(),
      );
    });
  });

  describe(`${name}: health and route state`, () => {
    const hop = 'mx1.filter.example.net.[192.0.2.1]:25';

    it('replaces counters of a hop and leaves the other vantages alone', async () => {
      const fra = { route: 'support', vantage: 'fra-ops', hop, health: aHealth() };
      const ams = { ...fra, vantage: 'ams-ops', health: aHealth({ status: 'up', failingSince: null }) };
      await store.writeHealth([fra, ams]);
      const later = { ...fra, health: aHealth({ failures: 4, isSlow: false, greetsWith5xx: true }) };
      await store.writeHealth([later]);
      expect(await store.readHealth('support')).toEqual([ams, later]);
      expect(await store.readHealth('other')).toEqual([]);
    });

    it('takes the last word where one call names a hop twice', async () => {
      const row = { route: 'support', vantage: 'fra-ops', hop, health: aHealth() };
      const last = { ...row, health: aHealth({ failures: 9 }) };
      await store.writeHealth([row, last]);
      expect(await store.readHealth('support')).toEqual([last]);
    });

    it('remembers a route, and knows nothing of one it never saw', async () => {
      expect(await store.readRouteState('support')).toBeNull();
      await store.writeRouteStates([{ route: 'support', state: aRouteState({ activePath: null }) }]);
      await store.writeRouteStates([{ route: 'support', state: aRouteState() }]);
      expect(await store.readRouteState('support')).toEqual(aRouteState());
    });

    it('remembers a thousand routes of one call, the last word where one is named twice', async () => {
      const routes = Array.from({ length: 1000 }, (_, at) => `route-${at}`);
      const rows = routes.map((route, at) => ({ route, state: aRouteState({ runs: at }) }));
      await store.writeRouteStates([{ route: 'route-7', state: aRouteState({ runs: 1 }) }, ...rows]);
      for (const at of [0, 7, 999])
        expect(await store.readRouteState(`route-${at}`)).toEqual(aRouteState({ runs: at }));
    });
  });

  describe(`${name}: sightings`, () => {
    const seen = async () =>
      (await store.readSightings(example, 'MX')).map(
        (one) =>
          `${one.ttl} ${one.rdata.join(' + ') || 'absent'}: ${one.firstSeenAt}..${one.lastSeenAt} ` +
          (one.replacedAt === null ? 'open' : `replaced ${one.replacedAt}`),
      );

    it('extends the same answer and closes it when the server answers otherwise', async () => {
      await store.recordLooks([aLook({ at: 10 }), aLook({ at: 20 })]);
      await store.recordLooks([aLook({ at: 30, ttl: 60, rdata: ['10 mx.example.com.'] })]);
      expect(await seen()).toEqual([
        '3600 10 mx1.filter.example.net.: 10..20 replaced 30',
        '60 10 mx.example.com.: 30..30 open',
      ]);
    });

    it('counts a lowered TTL as another answer, and absence as one too', async () => {
      await store.recordLooks([
        aLook({ at: 10, rdata: ['10 a.'] }),
        aLook({ at: 20, rdata: ['10 a.'], ttl: 60 }),
        aLook({ at: 30, rdata: [], ttl: 300 }),
      ]);
      expect(await seen()).toEqual([
        '3600 10 a.: 10..10 replaced 20',
        '60 10 a.: 20..20 replaced 30',
        '300 absent: 30..30 open',
      ]);
    });

    it('opens a new sighting when an earlier answer comes back', async () => {
      for (const [at, value] of ['10 a.', '10 b.', '10 a.'].entries()) {
        await store.recordLooks([aLook({ at, rdata: [value] })]);
      }
      expect(await seen()).toEqual([
        '3600 10 a.: 0..0 replaced 1',
        '3600 10 b.: 1..1 replaced 2',
        '3600 10 a.: 2..2 open',
      ]);
    });

    it('never lets time run backwards: a late look counts from when the open answer was last seen', async () => {
      await store.recordLooks([aLook({ at: 50, rdata: ['10 a.'] }), aLook({ at: 40, rdata: ['10 a.'] })]);
      await store.recordLooks([aLook({ at: 30, rdata: ['10 b.'] })]);
      expect(await seen()).toEqual(['3600 10 a.: 50..50 replaced 50', '3600 10 b.: 50..50 open']);
    });

    it('keeps servers, owners and types apart', async () => {
      await store.recordLooks([
        aLook({ at: 1, server: '192.0.2.53#53' }),
        aLook({ at: 2, server: '192.0.2.54#53', rdata: ['10 b.'] }),
        aLook({ at: 3, owner: domainNameOf('in.example.com'), rdata: ['10 c.'] }),
        aLook({ at: 4, type: 'TYPE65280', rdata: ['\\# 1 00'] }),
      ]);
      expect((await store.readSightings(example, 'MX')).map((one) => [one.server, one.replacedAt])).toEqual([
        ['192.0.2.53#53', null],
        ['192.0.2.54#53', null],
      ]);
      expect(await store.readSightings(example, 'TYPE65280')).toHaveLength(1);
    });
  });

  describe(`${name}: leases`, () => {
    it('gives a route to one holder and tells the other who has it until when', async () => {
      const lease = await hold(store);
      expect(lease).toEqual({ route: 'support', holder: 'a:1:run', token: 1, expiresAt: nightAt + minute });
      expect(await store.acquireLease('support', 'b:2:run', minute, nightAt + minute - 1)).toEqual({
        outcome: 'taken',
        holder: 'a:1:run',
        expiresAt: nightAt + minute,
        leftMs: 1,
      });
      expect((await hold(store, 'other', 'b:2:run')).token).toBe(1);
    });

    it('does not give a live lease a second time, not even to its own holder', async () => {
      await hold(store);
      expect(await store.acquireLease('support', 'a:1:run', minute, nightAt)).toMatchObject({
        outcome: 'taken',
      });
    });

    it('spends a token for ever: after release and after expiry the next is larger', async () => {
      const first = await hold(store);
      await store.releaseLease(first);
      const second = await hold(store, 'support', 'b:2:run');
      const third = await hold(store, 'support', 'c:3:run', second.expiresAt);
      expect([first.token, second.token, third.token]).toEqual([1, 2, 3]);
    });

    it('renews a lease, even one that ran out, while nobody else took it', async () => {
      const lease = await hold(store);
      const renewed = await store.renewLease(lease, minute, nightAt + 2 * minute);
      expect(renewed).toEqual({ ...lease, expiresAt: nightAt + 3 * minute });
    });

    it('refuses to renew a lease that another holder took over, and names it', async () => {
      const lease = await hold(store);
      await hold(store, 'support', 'b:2:run', nightAt + minute);
      await expect(store.renewLease(lease, minute, nightAt + minute)).rejects.toMatchObject({
        code: 'lease-lost',
        exitCode: 7,
        message: 'route support: lease 1 was lost; b:2:run has it now',
      });
    });

    it('refuses to renew a lease that was released', async () => {
      const lease = await hold(store);
      await store.releaseLease(lease);
      await expect(store.renewLease(lease, minute, nightAt)).rejects.toMatchObject({ code: 'lease-lost' });
    });

    it('leaves the new holder alone when a lost lease is released', async () => {
      const lost = await hold(store);
      const lease = await hold(store, 'support', 'b:2:run', nightAt + minute);
      await store.releaseLease(lost);
      expect(await store.acquireLease('support', 'c:3:run', minute, nightAt + minute)).toMatchObject({
        outcome: 'taken',
        holder: lease.holder,
      });
    });

    it('gives a live lease of a holder known to be dead to the next, under a larger token', async () => {
      const dead = await hold(store);
      const ask = (deadHolder: string) =>
        store.acquireLease('support', 'b:2:run', minute, nightAt + 1, deadHolder);
      expect(await ask('c:3:run')).toMatchObject({ outcome: 'taken', holder: 'a:1:run' });
      expect(await ask('a:1:run')).toMatchObject({ outcome: 'held', lease: { holder: 'b:2:run', token: 2 } });
      // A third that saw the same corpse comes too late.
      expect(await store.acquireLease('support', 'c:3:run', minute, nightAt + 1, 'a:1:run')).toMatchObject({
        outcome: 'taken',
        holder: 'b:2:run',
      });
      await expect(store.renewLease(dead, minute, nightAt + 1)).rejects.toMatchObject({ code: 'lease-lost' });
    });

    it('takes over a lease dated years ahead by a clock that ran wild', async () => {
      await hold(store, 'support', 'wild:1:run', Date.UTC(2040, 0, 1));
      expect((await hold(store, 'support', 'b:2:run')).token).toBe(2);
    });

    it('refuses a lease without end', async () => {
      await expect(store.acquireLease('support', 'a:1:run', Infinity, nightAt)).rejects.toThrow(RangeError);
      await expect(store.acquireLease('support', 'a:1:run', 0, nightAt)).rejects.toThrow(RangeError);
    });
  });

  describe(`${name}: journal`, () => {
    it('gives back an action as it was begun, records and TTL included', async () => {
      const action = await journal(
        store,
        anAction({ rollbackOf: idOf(7), note: 'by hand' }),
        await hold(store),
      );
      expect(await store.findAction(action.id)).toEqual(action);
    });

    it('writes how far an action got, and leaves the rest as it was', async () => {
      const lease = await hold(store);
      const action = await journal(store, anAction(), lease);
      await store.updateAction(
        action.id,
        { state: 'applied', appliedAt: 5, changeStates: ['applied'] },
        lease,
      );
      await store.updateAction(
        action.id,
        { state: 'confirmed', confirmedAt: 6, clearAt: 7, note: 'all' },
        lease,
      );
      expect(await store.findAction(action.id)).toEqual({
        ...action,
        state: 'confirmed',
        changeStates: ['applied'],
        appliedAt: 5,
        confirmedAt: 6,
        clearAt: 7,
        note: 'all',
      });
    });

    it('refuses a holder that slept through its lease, and writes nothing', async () => {
      const asleep = await hold(store);
      const action = await journal(store, anAction(), asleep);
      await hold(store, 'support', 'b:2:run', nightAt + minute);
      await expect(store.updateAction(action.id, { state: 'applied' }, asleep)).rejects.toMatchObject({
        code: 'store-fenced',
        exitCode: 7,
      });
      await expect(store.beginAction(anAction({ id: idOf(2) }), asleep)).rejects.toMatchObject({
        code: 'store-fenced',
      });
      expect(await store.listActions({})).toEqual([action]);
    });

    it('refuses a lease that was released or never given', async () => {
      const lease = await hold(store);
      await store.releaseLease(lease);
      const begun = store.beginAction(anAction({ leaseToken: lease.token }), lease);
      await expect(begun).rejects.toMatchObject({ code: 'lease-lost' });
      const forged = { ...lease, token: 99 };
      await expect(store.beginAction(anAction({ leaseToken: 99 }), forged)).rejects.toMatchObject({
        code: 'lease-lost',
      });
      expect(await store.listActions({})).toEqual([]);
    });

    it('refuses a token of the right number in another hand', async () => {
      const lease = await hold(store);
      await expect(store.beginAction(anAction(), { ...lease, holder: 'b:2:run' })).rejects.toMatchObject({
        code: 'lease-lost',
      });
    });

    it('lets the next run settle what a killed one left', async () => {
      const killed = await hold(store);
      const action = await journal(store, anAction(), killed);
      const next = await hold(store, 'support', 'b:2:run', nightAt + minute);
      await store.updateAction(action.id, { state: 'applied', appliedAt: 9 }, next);
      expect(await store.findAction(action.id)).toMatchObject({ state: 'applied', leaseToken: 1 });
    });

    it('keeps a lease of one route away from the actions of another', async () => {
      const action = await journal(store, anAction(), await hold(store));
      const other = await hold(store, 'other');
      await expect(store.updateAction(action.id, { state: 'failed' }, other)).rejects.toMatchObject({
        code: 'bug',
      });
      await expect(store.beginAction(anAction({ id: idOf(2) }), other)).rejects.toMatchObject({
        code: 'bug',
      });
    });

    it('refuses states that do not fit the plan', async () => {
      const lease = await hold(store);
      await expect(store.beginAction(anAction({ changeStates: [] }), lease)).rejects.toMatchObject({
        code: 'bug',
      });
    });

    it('finds by a prefix of the id or of the digest, in either case', async () => {
      const lease = await hold(store);
      const a = await journal(store, anAction(), lease);
      const plan = aPlan({ id: 'b00b1e', digest: 'b00b1e'.padEnd(64, '1') });
      const b = await journal(store, anAction({ id: idOf(2), plan }), lease);
      expect(await store.findAction('a3f9c1')).toEqual(a);
      expect(await store.findAction('B00B')).toEqual(b);
      expect(await store.findAction(idOf(2).toLowerCase())).toEqual(b);
      for (const unknown of ['', 'ffffff', '%', '_', "' or 1=1 --", 'x'.repeat(65)]) {
        expect(await store.findAction(unknown), unknown).toBeNull();
      }
    });

    it('names the candidates where a prefix fits several plans, and prefers a whole id', async () => {
      const lease = await hold(store);
      await journal(store, anAction(), lease);
      const plan = aPlan({ digest: 'a3f9c1'.padEnd(64, '1') });
      const b = await journal(store, anAction({ id: idOf(2), plan, intendedAt: nightAt + 1 }), lease);
      await expect(store.findAction('a3f9c1')).rejects.toMatchObject({
        code: 'change-unknown',
        exitCode: 64,
        hint:
          `name one by its id: ${idOf(2)} (plan a3f9c1, support to direct, intended), ` +
          `${idOf(1)} (plan a3f9c1, support to direct, intended)`,
      });
      expect(await store.findAction(idOf(2))).toEqual(b);
    });

    it('takes the newest where one plan was carried out more than once', async () => {
      const lease = await hold(store);
      const first = await journal(store, anAction(), lease);
      const plan = aPlan({ id: 'b00b1e', digest: 'b00b1e'.padEnd(64, '1') });
      await journal(store, anAction({ id: idOf(2), plan, intendedAt: nightAt + 1 }), lease);
      const again = await journal(store, anAction({ id: idOf(3), intendedAt: nightAt + 2 }), lease);
      expect(await store.findAction('a3f9c1')).toEqual(again);
      expect(await store.findAction(first.id)).toEqual(first);
    });

    it('lists newest first, by route, age and whether the end is known', async () => {
      const lease = await hold(store);
      const states: ActionState[] = ['cleared', 'intended', 'applied', 'failed'];
      for (const [at, state] of states.entries()) {
        await journal(store, anAction({ id: idOf(at), state, intendedAt: at }), lease);
      }
      const other = await hold(store, 'other');
      await journal(store, anAction({ id: idOf(9), plan: aPlan({ route: 'other' }) }), other);
      const list = async (filter: Parameters<Store['listActions']>[0]) =>
        (await store.listActions({ route: 'support', ...filter })).map((one) => one.state);
      expect(await list({})).toEqual(['failed', 'applied', 'intended', 'cleared']);
      expect(await list({ isUnsettled: true })).toEqual(['applied', 'intended']);
      expect(await list({ isUnsettled: false })).toEqual(['failed', 'cleared']);
      expect(await list({ sinceAt: 2 })).toEqual(['failed', 'applied']);
      expect(await list({ limit: 1 })).toEqual(['failed']);
      expect(await store.listActions({})).toHaveLength(5);
    });
  });

  describe(`${name}: pauses, events and runs`, () => {
    const pause = (route: string | null, until: number): Pause => ({
      route,
      by: 'kim',
      reason: 'storage move',
      at: 1,
      until,
    });

    it('keeps one global pause beside those of routes, and lets each end', async () => {
      await store.setPause(pause(null, 10));
      await store.setPause(pause(null, 20));
      await store.setPause(pause('all', 30));
      expect(await store.readPauses(5)).toEqual([pause(null, 20), pause('all', 30)]);
      expect(await store.readPauses(20)).toEqual([pause('all', 30)]);
      expect(await store.clearPause(null)).toBe(true);
      expect(await store.clearPause(null)).toBe(false);
      expect(await store.readPauses(5)).toEqual([pause('all', 30)]);
    });

    it('lists events newest first, by route and age', async () => {
      const event = (number: number, route: string | null) => ({
        id: idOf(number),
        at: number,
        route,
        kind: 'decision' as const,
        text: `number ${number}`,
        data: { number, nested: { list: [1, null, 'x'] } },
      });
      const all = [event(1, 'support'), event(2, null), event(3, 'support')];
      for (const one of all) await store.appendEvent(one);
      expect(await store.listEvents({})).toEqual([all[2], all[1], all[0]]);
      expect(await store.listEvents({ route: 'support', limit: 1 })).toEqual([all[2]]);
      expect(await store.listEvents({ sinceAt: 2 })).toEqual([all[2], all[1]]);
    });

    it('knows the last run of a command', async () => {
      const run = (number: number, command: string) => ({
        id: idOf(number),
        command,
        startedAt: number,
        finishedAt: number + 1,
        exitCode: number,
      });
      for (const one of [run(2, 'auto'), run(1, 'auto'), run(3, 'probe')]) await store.recordRun(one);
      expect(await store.lastRun('auto')).toEqual(run(2, 'auto'));
      expect(await store.lastRun('audit')).toBeNull();
    });

    it('makes text from outside harmless on its way to people', async () => {
      await store.setPause({ ...pause(null, 10), reason: 'a\u001b[2Jb\u202e\n' });
      expect((await store.readPauses(5))[0]?.reason).toBe('a\\u001b[2Jb\\u202e\\n');
    });
  });

  describe(`${name}: pruning`, () => {
    it('drops what is old and counts it', async () => {
      await store.recordObservations(
        rowsOf('support', anObservation({ at: 1 }), anObservation({ at: nightAt })),
      );
      const event = { id: idOf(1), at: 1, route: null, kind: 'drift' as const, text: '', data: {} };
      await store.appendEvent(event);
      await store.setPause({ route: null, by: 'kim', reason: '', at: 1, until: 2 });
      expect(await store.prune(nightAt, nightAt)).toBe(3);
      expect((await store.listObservations('support', 9)).map((one) => one.at)).toEqual([nightAt]);
      expect(await store.listEvents({})).toEqual([]);
    });

    it('keeps answers that are open, and replaced ones until their TTL has passed', async () => {
      const at = nightAt - day;
      await store.recordLooks([
        aLook({ at, rdata: ['10 a.'], ttl: 3600 }),
        aLook({ at, rdata: ['10 b.'], ttl: 2 * 86_400 }),
        aLook({ at, rdata: ['10 c.'] }),
      ]);
      expect(await store.prune(nightAt, nightAt)).toBe(1);
      expect((await store.readSightings(example, 'MX')).map((one) => one.rdata[0])).toEqual([
        '10 b.',
        '10 c.',
      ]);
    });

    it('keeps the last run of each command', async () => {
      const run = { command: 'auto', finishedAt: 2, exitCode: 0 };
      await store.recordRun({ ...run, id: idOf(1), startedAt: 1 });
      await store.recordRun({ ...run, id: idOf(2), startedAt: 2 });
      expect(await store.prune(nightAt, nightAt)).toBe(1);
      expect(await store.lastRun('auto')).toMatchObject({ id: idOf(2) });
    });

    it('keeps the newest twenty flips of a route and drops older ones', async () => {
      const lease = await hold(store);
      for (let at = 1; at <= 25; at++) {
        await journal(
          store,
          anAction({ id: idOf(at), state: 'cleared', intendedAt: at, appliedAt: at }),
          lease,
        );
      }
      expect(await store.prune(nightAt, nightAt)).toBe(5);
      expect((await store.listActions({})).map((one) => one.intendedAt)).toEqual(
        Array.from({ length: 20 }, (_, index) => 25 - index),
      );
    });

    it('keeps, of old actions, unsettled ones, flips and those whose caches are not clear', async () => {
      const kinds: ActionKind[] = ['failover', 'raise-ttl'];
      const states: ActionState[] = [
        'intended',
        'applied',
        'confirmed',
        'cleared',
        'conflict',
        'failed',
        'partial',
      ];
      const kept: string[] = [];
      let number = 0;
      for (const kind of kinds) {
        for (const state of states) {
          for (const appliedAt of [null, 2]) {
            for (const clearAt of [null, 3, nightAt + 1]) {
              const action = anAction({
                id: idOf(++number),
                plan: aPlan({ kind, route: `route-${number}` }),
                state,
                intendedAt: 1,
                appliedAt,
                clearAt,
              });
              await journal(store, action, await hold(store, `route-${number}`));
              const mayBeCached = clearAt === nightAt + 1 || (state === 'confirmed' && clearAt === null);
              if (isUnsettled(state) || isFlip(action) || mayBeCached) kept.push(action.id);
            }
          }
        }
      }
      await store.prune(nightAt, nightAt);
      expect((await store.listActions({})).map((one) => one.id).sort()).toEqual(kept.sort());
      expect(kept.length).toBeLessThan(number);
    });
  });

  describeCanaries(
    name,
    () => store,
    () => factory.open(),
  );

  describeBrakes(
    name,
    () => store,
    () => factory.open(),
  );

  describePublishTimes(
    name,
    () => store,
    () => factory.open(),
  );

  describe(`${name}: several connections`, () => {
    it('gives a lease to one of twelve that ask at once over three connections', async () => {
      const stores = [store, await factory.open(), await factory.open()];
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          stores[index % 3]!.acquireLease('support', `h:${index}:run`, minute, nightAt),
        ),
      );
      expect(answers.filter((one) => one.outcome === 'held')).toHaveLength(1);
    });

    it('shows one connection what the other wrote', async () => {
      const second = await factory.open();
      await store.writeRouteStates([{ route: 'support', state: aRouteState() }]);
      expect(await second.readRouteState('support')).toEqual(aRouteState());
    });
  });
}
