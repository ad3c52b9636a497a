// A canary drill: a TXT record is written, timed and removed in each zone of a route, by the same journal, lease and
// compare-and-set as any other write. It moves no mail. Whatever happens it removes its record again, and what a killed
// drill left is removed by the next one. A record that the journal does not know stays: it is somebody else's.

import { planOf } from '../change/plan.ts';
import { countedWrites, publishPromise, type PublishPromise } from '../change/publish-promise.ts';
import { AppError, exitCodes, RefusedError } from '../errors.ts';
import type { Action, RrsetChange } from '../model/change.ts';
import { type DomainName, displayName, domainNameOf, root } from '../model/domain-name.ts';
import type { PublishTime } from '../model/publish-time.ts';
import { type Route, type RouteRecords, ttlAt } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import { hasSameRdata, isSameRrset, type Rrset, rrsetOf } from '../model/rrset.ts';
import { carryOut, type ActResult } from './act.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { assertHeld, withLease, type HeldLease } from './lease.ts';
import { recoverRoute } from './recover.ts';

/** Of the record, where the provider takes it: nobody but us asks for it. Seconds. */
const recordTtl = 60;
/** One canary drill at a time over all routes: routes share zones. */
const drillLease = '(drill)';
const parallelZones = 8;
/** Measuring actions that are looked through for the owner of a record. */
const recentMeasures = 200;

interface DrilledPlace {
  readonly records: RouteRecords;
  readonly owner: DomainName;
}

export interface DrilledZone {
  readonly provider: string;
  readonly zone: DomainName;
  readonly owner: DomainName;
  /** Null where it was not written. */
  readonly written: PublishTime | null;
  readonly removed: PublishTime | null;
  /** What a plan says of this zone from now on. */
  readonly promise: PublishPromise;
}

export interface CanaryDrill {
  readonly zones: readonly DrilledZone[];
  /** Owners of records that an earlier, killed drill had left, removed now. */
  readonly leftovers: readonly DomainName[];
  readonly error: AppError | null;
}

export interface DrillWords {
  readonly by: string;
  readonly reason: string;
}

/** Where the record stands in a zone. */
export function drillOwner(zone: DomainName): DomainName {
  return domainNameOf(zone === root ? '_mxctl-drill' : `_mxctl-drill.${zone}`);
}

/** A place of the record in each zone of the route. */
export function drillPlaces(route: Route): DrilledPlace[] {
  const zones = new Map(route.records.map((one) => [`${one.provider} ${one.zone}`, one]));
  return [...zones.values()].map((records) => ({
    records,
    owner: drillOwner(records.zone),
  }));
}

/** Throws RefusedError where the route is paused or a zone holds such a record that is not ours. */
export async function drillCanary(
  route: Route,
  words: DrillWords,
  deps: Deps,
  signal: AbortSignal,
): Promise<CanaryDrill> {
  await refuseWherePaused(route, deps);
  // What was written is removed, whoever gives up: the lease does not end with the person's patience.
  const own = new AbortController().signal;
  return withLease(drillLease, deps, own, () =>
    withLease(route.name, deps, own, (held) => new Drill(route, words, held, deps).run(signal)),
  );
}

export async function refuseWherePaused(route: Route, deps: Pick<Deps, 'store' | 'clock'>): Promise<void> {
  const pauses = await deps.store.readPauses(deps.clock.now());
  const pause = pauses.find((one) => one.route === null || one.route === route.name);
  if (pause === undefined) return;
  throw new RefusedError('refused', `paused by ${pause.by}: ${pause.reason}`, {
    hint: `nothing was changed; a drill waits: mxctl resume${pause.route === null ? '' : ` ${route.name}`}`,
  });
}

class Drill {
  readonly #route: Route;
  readonly #words: DrillWords;
  readonly #held: HeldLease;
  readonly #deps: Deps;
  readonly #places: readonly DrilledPlace[];
  readonly #beganAt: number;

  constructor(route: Route, words: DrillWords, held: HeldLease, deps: Deps) {
    this.#route = route;
    this.#words = words;
    this.#held = held;
    this.#deps = deps;
    this.#places = drillPlaces(route);
    this.#beganAt = deps.clock.now();
  }

  async run(signal: AbortSignal): Promise<CanaryDrill> {
    const { lease, signal: heldSignal } = this.#held;
    await recoverRoute(this.#route, lease, this.#deps, heldSignal, 'leave');
    const leftovers = await this.#removeLeftovers();
    signal.throwIfAborted();
    const text = `mxctl drill ${this.#deps.newId()} ${new Date(this.#beganAt).toISOString()}`;
    const changes = this.#places.map(({ records, owner }): RrsetChange => {
      const desired = rrsetOf(owner, 'TXT', ttlAt(records, recordTtl), [JSON.stringify(text)]);
      return { provider: records.provider, zone: records.zone, owner, type: 'TXT', expected: null, desired };
    });
    const written = await this.#write(changes, signal);
    const removed = await this.#removeWritten(changes);
    await this.#close([written.action, ...(removed === null ? [] : [removed.action])]);
    return { zones: await this.#timesOf(), leftovers, error: this.#errorOf(written, removed, signal) };
  }

  /** Aborted, or short of it: what stands then is found out by reading. */
  async #write(changes: readonly RrsetChange[], signal: AbortSignal): Promise<ActResult> {
    await assertHeld(this.#held.signal);
    const both = AbortSignal.any([signal, this.#held.signal]);
    try {
      return await this.#carryOut(changes, both);
    } catch (error) {
      if (!signal.aborted) throw error;
      const [action] = await this.#deps.store.listActions({ route: this.#route.name, limit: 1 });
      if (action === undefined) throw error;
      return { action, fault: error instanceof AppError ? error : null };
    }
  }

  #carryOut(changes: readonly RrsetChange[], signal: AbortSignal): Promise<ActResult> {
    const { by, reason } = this.#words;
    const intent = { route: this.#route.name, kind: 'measure', from: null, to: null } as const;
    const plan = planOf({ ...intent, madeAt: this.#deps.clock.now() }, changes, this.#deps.digest);
    const { lease } = this.#held;
    const request = { route: this.#route, plan, by, reason, overrides: [], rollbackOf: null, lease };
    return carryOut(request, this.#deps, signal);
  }

  /** Whatever the journal says: the record that stands there and is ours goes. */
  async #removeWritten(changes: readonly RrsetChange[]): Promise<ActResult | null> {
    const live = await this.#readPlaces();
    const standing = changes.filter(({ desired }, at) => isSameRrset(live[at] ?? null, desired));
    if (standing.length === 0) return null;
    return this.#carryOut(standing.map(reversed), this.#held.signal);
  }

  async #removeLeftovers(): Promise<DomainName[]> {
    const live = await this.#readPlaces();
    const known = await this.#deps.store.listActions({ limit: recentMeasures });
    const changes = this.#places.flatMap((place, at): RrsetChange[] => {
      const rrset = live[at] ?? null;
      if (rrset === null) return [];
      if (!known.some((action) => hasWritten(action, place, rrset))) throw foreign(place, rrset);
      const { provider, zone } = place.records;
      return [{ provider, zone, owner: place.owner, type: 'TXT', expected: rrset, desired: null }];
    });
    if (changes.length === 0) return [];
    const { action, fault } = await this.#carryOut(changes, this.#held.signal);
    await this.#close([action]);
    if (fault !== null) throw fault;
    return changes.map((one) => one.owner);
  }

  #readPlaces(): Promise<(Rrset | null)[]> {
    return mapBounded(this.#places, parallelZones, async ({ records, owner }) => {
      const provider = await this.#deps.provider(records.provider);
      return provider.readRrset(records.zone, owner, 'TXT', this.#held.signal);
    });
  }

  /** Nobody waits for the caches of these: a later run has nothing to find out about them. */
  async #close(actions: readonly Action[]): Promise<void> {
    for (const { id, state } of actions) {
      if (state !== 'applied' && state !== 'confirmed') continue;
      await this.#deps.store.updateAction(id, { state: 'cleared' }, this.#held.lease);
    }
  }

  async #timesOf(): Promise<DrilledZone[]> {
    return Promise.all(
      this.#places.map(async ({ records: { provider, zone }, owner }) => {
        const times = await this.#deps.store.readPublishTimes(provider, zone, countedWrites);
        const { capabilities } = await this.#deps.provider(provider);
        const [removed = null, written = null] = times.filter(
          (one) => one.source === 'drill' && one.at >= this.#beganAt,
        );
        const promise = publishPromise(times, capabilities.publishSeconds);
        // Of a drill that got no further than to write there is one.
        return written === null
          ? { provider, zone, owner, written: removed, removed: null, promise }
          : { provider, zone, owner, written, removed, promise };
      }),
    );
  }

  #errorOf(written: ActResult, removed: ActResult | null, signal: AbortSignal): AppError | null {
    const names = this.#places.map((one) => displayName(one.owner)).join(', ');
    if (removed !== null && !isThrough(removed.action))
      return new AppError('partly-applied', `the TXT record at ${names} could not be removed everywhere`, {
        exitCode: exitCodes.partial,
        hint: `it does no harm; the next one removes it: mxctl drill ${this.#route.name} --depth canary`,
        cause: removed.fault,
      });
    if (signal.aborted && signal.reason instanceof AppError) return signal.reason;
    if (!isThrough(written.action)) {
      const hint = { hint: 'nothing of it is left; mail was never touched' };
      return written.fault ?? new RefusedError('conflict', 'somebody else writes the same TXT record', hint);
    }
    if (written.action.state === 'confirmed' && removed?.action.state !== 'applied') return null;
    return new AppError('unconfirmed', 'not every authoritative server answered within 90 s', {
      exitCode: exitCodes.unconfirmed,
      hint: 'a flip would be as late there: look at NOTIFY and transfers to the secondaries',
    });
  }
}

/** Every RRset of it is written. */
function isThrough({ state }: Action): boolean {
  return state === 'applied' || state === 'confirmed' || state === 'cleared';
}

function reversed(change: RrsetChange): RrsetChange {
  return { ...change, expected: change.desired, desired: change.expected };
}

/** By what the record says, which is a drill's own; its TTL may be as the provider likes it. */
function hasWritten({ plan }: Action, { records, owner }: DrilledPlace, live: Rrset): boolean {
  return (
    plan.kind === 'measure' &&
    plan.changes.some(
      (one) =>
        one.provider === records.provider &&
        one.zone === records.zone &&
        one.owner === owner &&
        hasSameRdata(one.desired, live),
    )
  );
}

function foreign({ owner, records }: DrilledPlace, { rdata }: Rrset): RefusedError {
  const text = `${displayName(owner)} TXT (${records.provider}) holds what is not ours: ${rdata.slice(0, 2).join(', ')}`;
  return new RefusedError('conflict', sanitise(text, 500), {
    hint: 'nothing was changed; another machine drills this zone, or its state is gone: if so, remove the record by hand',
  });
}
