// A state file with octets changed anywhere: every read gives values of the model or a StoreError, never another error.

import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StoreError } from '../../src/errors.ts';
import { openSqlStore } from '../../src/store/sql/open.ts';
import type { Store } from '../../src/store/store.ts';
import { hold } from '../support/store-contract.ts';
import { aCheckIn, aTrip } from '../support/store-contract-brakes.ts';
import {
  aCanary,
  aHandedCanary,
  aHealth,
  aLatencyHour,
  aLook,
  aMailboxLook,
  anAction,
  anObservation,
  aRouteState,
  example,
  idOf,
  nightAt,
} from '../support/store-samples.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
/** A run writes to a real file: about 35 ms, three times that on a busy machine. */
const timeoutMs = 30_000 + 100 * numRuns;

let directory: string;
let sound: string;
let size: number;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-store-'));
  sound = join(directory, 'sound.db');
  const store = await openSqlStore({ url: `sqlite:${sound}` });
  await store.recordObservations([{ route: 'support', observation: anObservation() }]);
  await store.writeHealth([{ route: 'support', vantage: 'fra', hop: 'mx1', health: aHealth() }]);
  await store.writeRouteStates([{ route: 'support', state: aRouteState() }]);
  await store.writeCanaries([aCanary(), aHandedCanary({ id: idOf(2) })]);
  await store.writeMailboxLooks([{ route: 'support', look: aMailboxLook() }]);
  await store.writeLatencyHours([aLatencyHour()]);
  await store.recordLooks([aLook()]);
  await store.beginAction(anAction(), await hold(store));
  await store.setPause({ route: null, by: 'kim', reason: 'move', at: 1, until: nightAt });
  await store.appendEvent({ id: idOf(1), at: 1, route: null, kind: 'drift', text: 'x', data: {} });
  await store.recordRun({ id: idOf(2), command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 });
  await store.checkIn(aCheckIn());
  await store.tripBrake(aTrip());
  size = (await store.info()).sizeBytes ?? 0;
  await store.close();
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const reads: readonly ((store: Store) => Promise<unknown>)[] = [
  (store) => store.listObservations('support', 10),
  (store) => store.readHealth('support'),
  (store) => store.readRouteState('support'),
  (store) => store.readCanaries('support', 1),
  (store) => store.findCanaries([idOf(1), idOf(2)]),
  (store) => store.markReplayed('support', 'proxy', 1),
  (store) => store.readMailboxLook('support'),
  (store) => store.readLatencyHours('support', 0),
  (store) => store.readSightings(example, 'MX'),
  (store) => store.listActions({}),
  (store) => store.findAction('a3f9c1'),
  (store) => store.readPauses(0),
  (store) => store.readAllHealth(),
  (store) => store.readRouteStates(),
  (store) => store.readVantages(),
  (store) => store.checkIn(aCheckIn()),
  (store) => store.readBrakes(),
  (store) => store.tripBrake(aTrip()),
  (store) => store.releaseBrakes('support', 'person:kim', nightAt),
  (store) => store.listEvents({}),
  (store) => store.lastRun('auto'),
  (store) => store.acquireLease('support', 'b:2:run', 1000, nightAt),
  (store) => store.recordLooks([aLook({ rdata: ['10 b.'] })]),
  (store) => store.prune(nightAt, nightAt),
];

/** 'fine' or the code of the StoreError; anything else fails the test. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'fine';
  } catch (error) {
    if (error instanceof StoreError) return error.code;
    throw error;
  }
}

it(
  'reads a damaged file as values or as a StoreError',
  async () => {
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const damage = fc.array(fc.record({ at: fc.nat(size - 1), octet: fc.nat(255) }), {
      minLength: 1,
      maxLength: 200,
    });
    let examples = 0;
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const file = join(directory, `${++examples}.db`);
        await copyFile(sound, file);
        const handle = await open(file, 'r+');
        for (const { at, octet } of changes) await handle.write(Uint8Array.of(octet), 0, 1, at);
        await handle.close();
        let store: Store | null = null;
        try {
          store = await openSqlStore({ url: `sqlite:${file}`, lockWaitMs: 0 });
          for (const read of reads) count(await outcomeOf(read(store)));
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          count(`open: ${error.code}`);
        } finally {
          await store?.close();
          await rm(file);
        }
      }),
      { numRuns },
    );
    // Both ways were taken, or the test shows nothing.
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(['fine', 'store-corrupt']));
  },
  timeoutMs,
);
