// Opens the state store that `state.url` names. The only door to store/sql.

import { resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';
import type { Store } from '../store.ts';
import { readBrakes, releaseBrakes, returnDomains, tripBrake, useDomains } from './brakes.ts';
import { findCanaries, markReplayed, readCanaries, writeCanaries } from './canaries.ts';
import type { SqlEngine } from './engine.ts';
import {
  readAllHealth,
  readHealth,
  readRouteState,
  readRouteStates,
  writeHealth,
  writeRouteStates,
} from './health.ts';
import { beginAction, findAction, listActions, updateAction } from './journal.ts';
import { readLeases } from './lease-list.ts';
import { acquireLease, releaseLease, renewLease } from './leases.ts';
import { readLatencyHours, readMailboxLook, writeLatencyHours, writeMailboxLooks } from './mailboxes.ts';
import { bringUpToDate, schemaVersion } from './migrate.ts';
import { listObservations, recordObservations } from './observations.ts';
import { prune } from './prune.ts';
import { readPublishTimes, recordPublishTimes } from './publish-times.ts';
import { appendEvent, clearPause, lastRun, listEvents, readPauses, recordRun, setPause } from './record.ts';
import { readSightings, recordLooks } from './sightings.ts';
import { checkIn, readVantages, updateVantage } from './vantages.ts';

export interface OpenSqlStoreOptions {
  /** `sqlite:FILE` or `postgres://…`; a relative FILE is taken from the working directory. */
  readonly url: string;
  /** Make the file and its directory where there is none; true unless told. */
  readonly create?: boolean;
  /** Nothing is written, not even a migration; false unless told. */
  readonly readOnly?: boolean;
  /** How long to wait for another process's transaction; ms. */
  readonly lockWaitMs?: number;
}

/** Transactions take milliseconds; the longest, pruning a history that was left for months, a few seconds. Shorter
 *  than the interval between runs, so that waiters do not pile up. */
const defaultLockWaitMs = 10_000;

function notAUrl(): ConfigError {
  // The url is not repeated: it may hold a password.
  return new ConfigError('config-invalid', 'state.url is not the url of a state store', {
    hint: 'write sqlite:FILE or postgres://USER@HOST/DATABASE',
  });
}

/** Each engine's code is loaded where its urls are used: nobody pays for the other's driver. */
export async function openEngine(options: OpenSqlStoreOptions): Promise<SqlEngine> {
  const { url, readOnly = false, create = true, lockWaitMs = defaultLockWaitMs } = options;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const { openPostgresEngine } = await import('./postgres-engine.ts');
    return openPostgresEngine({ url, readOnly, lockWaitMs });
  }
  const file = url.slice('sqlite:'.length);
  if (scheme !== 'sqlite' || file === '' || file.includes('\0')) throw notAUrl();
  const { openSqliteEngine } = await import('./sqlite-engine.ts');
  return openSqliteEngine({ file: resolve(file), create, readOnly, lockWaitMs });
}

/** Throws ConfigError for the url, StoreError `store-unavailable`, `store-corrupt` or `store-newer` for what it names. */
export async function openSqlStore(options: OpenSqlStoreOptions): Promise<Store> {
  const engine = await openEngine(options);
  try {
    await bringUpToDate(engine, options.readOnly ?? false);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return storeOver(engine);
}

function storeOver(engine: SqlEngine): Store {
  return {
    recordObservations: (rows) => recordObservations(engine, rows),
    listObservations: (route, limit) => listObservations(engine, route, limit),
    readHealth: (route) => readHealth(engine, route),
    readAllHealth: () => readAllHealth(engine),
    writeHealth: (rows) => writeHealth(engine, rows),
    readRouteState: (route) => readRouteState(engine, route),
    readRouteStates: () => readRouteStates(engine),
    writeRouteStates: (rows) => writeRouteStates(engine, rows),
    writeCanaries: (canaries) => writeCanaries(engine, canaries),
    readCanaries: (route, perPath) => readCanaries(engine, route, perPath),
    findCanaries: (ids) => findCanaries(engine, ids),
    markReplayed: (route, path, at) => markReplayed(engine, route, path, at),
    readMailboxLook: (route) => readMailboxLook(engine, route),
    writeMailboxLooks: (looks) => writeMailboxLooks(engine, looks),
    writeLatencyHours: (hours) => writeLatencyHours(engine, hours),
    readLatencyHours: (route, sinceAt) => readLatencyHours(engine, route, sinceAt),
    recordLooks: (looks) => recordLooks(engine, looks),
    readSightings: (owner, type) => readSightings(engine, owner, type),
    acquireLease: (route, holder, ttlMs, now, deadHolder) =>
      acquireLease(engine, route, holder, ttlMs, now, deadHolder ?? null),
    renewLease: (lease, ttlMs, now) => renewLease(engine, lease, ttlMs, now),
    releaseLease: (lease) => releaseLease(engine, lease),
    readLeases: () => readLeases(engine),
    readSharedClock: () =>
      engine.kind === 'sqlite' ? Promise.resolve(null) : engine.leaseNow(engine.db, Number.NaN),
    recordPublishTimes: (times) => recordPublishTimes(engine, times),
    readPublishTimes: (provider, zone, limit) => readPublishTimes(engine, provider, zone, limit),
    beginAction: (action, lease) => beginAction(engine, action, lease),
    updateAction: (id, patch, lease) => updateAction(engine, id, patch, lease),
    findAction: (idOrPrefix) => findAction(engine, idOrPrefix),
    listActions: (filter) => listActions(engine, filter),
    setPause: (pause) => setPause(engine, pause),
    clearPause: (route) => clearPause(engine, route),
    readPauses: (now) => readPauses(engine, now),
    checkIn: (said) => checkIn(engine, said),
    updateVantage: (name, machine, patch) => updateVantage(engine, name, machine, patch),
    readVantages: () => readVantages(engine),
    tripBrake: (brake) => tripBrake(engine, brake),
    releaseBrakes: (route, by, at) => releaseBrakes(engine, route, by, at),
    readBrakes: () => readBrakes(engine),
    useDomains: (use) => useDomains(engine, use),
    returnDomains: (id) => returnDomains(engine, id),
    appendEvent: (event) => appendEvent(engine, event),
    listEvents: (filter) => listEvents(engine, filter),
    recordRun: (run) => recordRun(engine, run),
    lastRun: (command) => lastRun(engine, command),
    prune: (before, canariesBefore) => prune(engine, before, canariesBefore),
    info: async () => ({ location: engine.location, schemaVersion, sizeBytes: await engine.sizeBytes() }),
    close: () => engine.close(),
  };
}
