// Eight controllers that never stop, on one state store, and a proxy that goes up and down.
//
//   auto --interval 1s  x 8 ──► one state store
//                     └───────► one zone            never two at a move; no write by one that was overtaken
//
// Eight names of machines, so that all of them want to act at once. Two minutes of it: MXCTL_CONTENTION_SECONDS=120.

import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Action } from '../../../src/model/change.ts';
import { isSameRrset, type Rrset } from '../../../src/model/rrset.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { openCliStores, storeKinds } from '../../support/cli-store.ts';
import { type CliWorld, startCliWorld, type Started } from '../../support/cli-world.ts';

const seconds = Number(process.env['MXCTL_CONTENTION_SECONDS'] ?? 20);
const controllers = 8;
/** Long enough to be left and found well again: rise, the hold-down and the caches of the old answer; s. */
const proxyIsFor = { down: 6, up: 14 };

/** What must not be, in words; empty = all is well. */
function complaintsOf(actions: readonly Action[], { world }: CliWorld): string[] {
  const written = actions.filter((one) => one.appliedAt !== null);
  const overlaps = written.flatMap((one, at) => {
    const next = written[at + 1];
    const endedAt = one.confirmedAt ?? Number.POSITIVE_INFINITY;
    return next !== undefined && next.intendedAt < endedAt ? [`${next.id} began before ${one.id} ended`] : [];
  });
  const tokens = actions.map((one) => one.leaseToken);
  const isAscending = tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0));
  const wanted = written.map((one) => one.plan.changes[0]?.desired ?? null);
  const made = world.data.changes.filter((one) => one.after?.type === 'MX').map((one) => one.after);
  const isSame = (a: Rrset | null, b: Rrset | null) => a !== null && b !== null && isSameRrset(a, b);
  const isJournalled =
    made.length === wanted.length && made.every((one, at) => isSame(one, wanted[at] ?? null));
  const refused = world.updatePort.seen.filter((one) => one.rcode !== 0);
  const unsettled = actions.filter((one) => /^(?:partial|conflict|failed)$/.test(one.state));
  return [
    ...overlaps,
    ...(isAscending ? [] : [`lease tokens in disorder: ${tokens.join(' ')}`]),
    ...(isJournalled
      ? []
      : [`DNS was changed ${made.length} times, the journal has ${wanted.length} writes`]),
    ...refused.map((one) => `the provider refused a stale write with rcode ${one.rcode}`),
    ...unsettled.map((one) => `${one.id} ended ${one.state}`),
  ];
}

async function playWithProxy({ world }: CliWorld): Promise<void> {
  const endsAt = Date.now() + seconds * 1000;
  while (Date.now() < endsAt) {
    await world.setFault('proxy', 'down');
    await wait(proxyIsFor.down * 1000);
    await world.setFault('proxy', 'ok');
    await wait(proxyIsFor.up * 1000);
  }
}

/** Each a machine of its own name. */
function startControllers(flow: CliWorld): Started[] {
  return Array.from({ length: controllers }, (_, at) => {
    const configFile = flow.writeConfig((yaml) =>
      yaml
        .replace('vantage: sandbox', `vantage: v${at}`)
        .replace('count: 20, within: 1h', 'count: 1000, within: 1h'),
    );
    return flow.start(['auto', '--interval', '1s', '--json'], { configFile });
  });
}

/** Oldest first. */
async function actionsIn(url: string): Promise<Action[]> {
  const store = await openSqlStore({ url, readOnly: true });
  try {
    return (await store.listActions({ route: 'shop' })).toReversed();
  } finally {
    await store.close();
  }
}

async function stop(started: readonly Started[]): Promise<void> {
  for (const one of started) one.child.kill('SIGTERM');
  const ends = await Promise.all(started.map((one) => one.ended));
  expect(ends.map((one) => one.exitCode)).toEqual(started.map(() => 0));
}

it.each(storeKinds)(
  `eight controllers on one store in %s never overlap in ${seconds} s`,
  { timeout: (seconds + 90) * 1000 },
  async (kind) => {
    const stores = await openCliStores(kind);
    // What was seen is fresh for fifteen seconds: eight processes share the processors.
    const flow = await startCliWorld({}, { mode: 'auto', rise: 2, intervalSeconds: 5, probationSeconds: 2 });
    try {
      const { url } = await stores.openFor(flow);
      const started = startControllers(flow);
      await Promise.all(started.map((one) => one.until(/"kind":"stay"/)));
      await playWithProxy(flow);
      await stop(started);
      const actions = await actionsIn(url);
      const kinds = actions.map((one) => one.plan.kind);
      const movers = new Set(actions.map((one) => one.by));
      const rounds = started.reduce((sum, one) => sum + one.stdout.split('\n').length, 0);
      console.info(
        `${kind}: ${actions.length} actions (${kinds.filter((one) => one === 'failover').length} failovers) by ` +
          `${movers.size} of ${controllers} controllers in ${rounds} rounds`,
      );
      expect(complaintsOf(actions, flow)).toEqual([]);
      expect(kinds).toContain('failover');
      expect(kinds).toContain('return');
    } finally {
      await flow.close();
      await stores.dispose();
    }
  },
);
