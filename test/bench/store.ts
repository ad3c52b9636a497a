// Figures of the state store: what a run of `auto` over a thousand routes of three hops costs in writes, and what a
// long history of canaries costs a run. On SQLite, and on a PostgreSQL of its own beside it with the ratio of the two
// (fsync off there, as in tests: what is compared is the way to it). Prints, and asserts nothing.
// Usage: node test/bench/store.ts [ROUTES] [CANARIES]

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { openSqlStore } from '../../src/store/sql/open.ts';
import { postgresMissing, startPostgres } from '../support/real-postgres.ts';
import {
  aCanary,
  aHandedCanary,
  aHealth,
  aLook,
  anAction,
  anObservation,
  aPlan,
  aRouteState,
  idOf,
  nightAt,
} from '../support/store-samples.ts';

const routeCount = Number(process.argv[2] ?? 1000);
const canaryCount = Number(process.argv[3] ?? 1_000_000);
const hops = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
const routes = Array.from({ length: routeCount }, (_, index) => `route-${index}`);
const minute = 60_000;

/** What each took on the first database; ms. */
const baseline = new Map<string, number>();

/** Longest stretch in which no timer ran: what a probe's own timeout would have been off by. */
async function measure(name: string, count: number, work: () => Promise<unknown>): Promise<void> {
  let longestMs = 0;
  let lastTick = performance.now();
  const ticker = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastTick);
    lastTick = performance.now();
  }, 1);
  const startedAt = performance.now();
  await work();
  const tookMs = performance.now() - startedAt;
  clearInterval(ticker);
  longestMs = Math.max(longestMs, performance.now() - lastTick);
  const each = (1000 * tookMs) / count;
  const before = baseline.get(name);
  const ratio = before === undefined ? '' : `  x${(tookMs / before).toFixed(1)}`;
  if (before === undefined) baseline.set(name, tookMs);
  console.log(
    `${name.padEnd(44)} ${tookMs.toFixed(0).padStart(6)} ms ${each.toFixed(0).padStart(6)} us each` +
      ` ${longestMs.toFixed(0).padStart(5)} ms loop stopped${ratio}`,
  );
}

const observed = hops.map((address) => anObservation({ address }));
const healthOf = (route: string) =>
  hops.map((hop) => ({ route, vantage: 'fra-ops', hop, health: aHealth() }));

async function run(name: string, url: string): Promise<void> {
  console.log(`\n${name}`);
  await measure('open, first time (schema)', 1, async () => (await openSqlStore({ url })).close());
  const store = await openSqlStore({ url });
  await measure('open, again', 1, async () => (await openSqlStore({ url })).close());

  for (const round of ['first run', 'next run']) {
    await measure(`${round}: observations, one call`, routeCount, () =>
      store.recordObservations(
        routes.flatMap((route) => observed.map((observation) => ({ route, observation }))),
      ),
    );
    await measure(`${round}: counters, a call a route`, routeCount, async () => {
      for (const route of routes) await store.writeHealth(healthOf(route));
    });
    await measure(`${round}: counters, one call`, routeCount, () =>
      store.writeHealth(routes.flatMap(healthOf)),
    );
    await measure(`${round}: route states, one call`, routeCount, () =>
      store.writeRouteStates(routes.map((route) => ({ route, state: aRouteState() }))),
    );
    const looks = routes.flatMap((route) =>
      [1, 2].map((server) =>
        aLook({ owner: domainNameOf(`${route}.example`), server: `192.0.2.${server}#53` }),
      ),
    );
    await measure(`${round}: looks at two servers, one call`, looks.length, () => store.recordLooks(looks));
    await measure(`${round}: read counters and state`, routeCount, async () => {
      for (const route of routes) {
        await store.readHealth(route);
        await store.readRouteState(route);
      }
    });
  }

  await measure('actions: lease, intent, 3 updates, release', routeCount, async () => {
    for (const [index, route] of routes.entries()) {
      const answer = await store.acquireLease(route, 'bench:1:run', minute, nightAt);
      if (answer.outcome !== 'held') throw new Error('taken');
      const { lease } = answer;
      await store.beginAction(anAction({ id: idOf(index), plan: aPlan({ route }) }), lease);
      await store.updateAction(
        idOf(index),
        { state: 'applied', appliedAt: 1, changeStates: ['applied'] },
        lease,
      );
      await store.updateAction(idOf(index), { state: 'confirmed', confirmedAt: 2, clearAt: 3 }, lease);
      await store.updateAction(idOf(index), { state: 'cleared' }, lease);
      await store.releaseLease(lease);
    }
  });
  await measure('find an action by prefix of its digest', 1, () => store.findAction('ffff'));
  await measure('unsettled actions', 1, () => store.listActions({ isUnsettled: true }));
  await measure('prune everything', 1, () => store.prune(nightAt + minute, nightAt + minute));

  // One route with all of the history, a tenth of it swallowed: the most that an index can be asked.
  const canaryPaths = ['proxy', 'direct'];
  /** Canaries of one write: what 500 routes of two paths hand over at once. */
  const canariesPerWrite = 1000;
  await measure(`${canaryCount} canaries, ${canariesPerWrite} a call`, canaryCount, async () => {
    for (let start = 0; start < canaryCount; start += canariesPerWrite) {
      const batch = Array.from({ length: Math.min(canariesPerWrite, canaryCount - start) }, (_, index) => {
        const number = start + index;
        const make = number % 10 === 0 ? aHandedCanary : aCanary;
        const patch = { id: idOf(number), path: canaryPaths[number % 2]!, sentAt: nightAt + number };
        return make(patch);
      });
      await store.writeCanaries(batch);
    }
  });
  await measure('read canaries of that route, 50 a path', 1, () => store.readCanaries('support', 50));
  await store.markReplayed('support', 'proxy', nightAt);
  await measure('read canaries of that route, all replayed', 1, () => store.readCanaries('support', 50));
  await measure('read canaries of a route without any', 1, () => store.readCanaries('other', 50));
  await measure('find 1,000 canaries by id', 1000, () =>
    store.findCanaries(Array.from({ length: 1000 }, (_, index) => idOf(index * 7))),
  );
  await measure('prune half of the canaries', 1, () => store.prune(nightAt, nightAt + canaryCount / 2));

  const { sizeBytes } = await store.info();
  await store.close();
  console.log(
    `${((sizeBytes ?? 0) / 1e6).toFixed(1)} MB on disk, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB memory`,
  );
}

const directory = await mkdtemp(join(tmpdir(), 'mxctl-bench-'));
await run('SQLite', `sqlite:${join(directory, 'state.db')}`);
await rm(directory, { recursive: true });
if (postgresMissing === null) {
  const server = await startPostgres();
  await run('PostgreSQL', server.url(await server.createDatabase()));
  await server.dispose();
}
