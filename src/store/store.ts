// Contract of the state store: counters, sightings, journal, leases, pauses, events. One SQL implementation serves
// SQLite and PostgreSQL. Instants are ms since the epoch and come from the caller's clock; but leases in PostgreSQL, which
// machines share, go by the server's. Throws StoreError where the store cannot be used (`retryable` where the same call
// may succeed later), LeaseError where a lease was lost.

import type { Brake } from '../model/brake.ts';
import type { Canary, LatencyHour, MailboxLook } from '../model/canary.ts';
import type { Action, ActionState, ChangeState } from '../model/change.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { HopHealth } from '../model/hop-health.ts';
import type { Lease } from '../model/lease.ts';
import type { Observation } from '../model/observation.ts';
import type { PublishTime } from '../model/publish-time.ts';
import type { RouteState } from '../model/route-state.ts';
import type { RrType } from '../model/rrset.ts';
import type { Sighting } from '../model/sighting.ts';
import type { Vantage } from '../model/vantage.ts';

export interface ObservationRow {
  readonly route: string;
  readonly observation: Observation;
}

export interface HealthRow {
  readonly route: string;
  readonly vantage: string;
  /** `hopKey()` of the hop. */
  readonly hop: string;
  readonly health: HopHealth;
}

export interface RouteStateRow {
  readonly route: string;
  readonly state: RouteState;
}

export type LeaseAnswer =
  | { readonly outcome: 'held'; readonly lease: Lease }
  | {
      readonly outcome: 'taken';
      readonly holder: string;
      readonly expiresAt: number;
      /** Until then, by the clock that counts for leases; ms. */
      readonly leftMs: number;
    };

export interface Pause {
  /** Null = every route. */
  readonly route: string | null;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  /** A pause always ends. */
  readonly until: number;
}

export type CheckIn = Pick<Vantage, 'name' | 'machine' | 'holder' | 'version'> & {
  /** By the machine's own clock; ms. */
  readonly at: number;
};

export type VantagePatch = Pick<Vantage, 'faultSince' | 'rival' | 'rivalAt'> & {
  readonly sinceTurn?: number;
};

/** Owner names that `auto` is about to move. */
export interface DomainUse {
  /** ULID; the same again replaces it. */
  readonly id: string;
  readonly route: string;
  readonly domains: number;
  readonly at: number;
  /** What was moved after this counts; ms. */
  readonly sinceAt: number;
  /** Most that all controllers together may have moved since. */
  readonly most: number;
}

export interface DomainUseAnswer {
  readonly isGranted: boolean;
  /** Moved since `sinceAt`, with these where they were granted. */
  readonly used: number;
}

export type EventKind =
  | 'decision'
  | 'health'
  | 'action'
  | 'pause'
  | 'resume'
  | 'drift'
  | 'revert'
  | 'undecided'
  | 'brake'
  | 'vantage'
  | 'incident'
  | 'config';

export interface Event {
  /** ULID. */
  readonly id: string;
  readonly at: number;
  readonly route: string | null;
  readonly kind: EventKind;
  /** One line for people, already sanitised. */
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface RunRecord {
  readonly id: string;
  readonly command: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
}

/** One look at one authoritative server. */
export interface Look {
  readonly owner: DomainName;
  readonly type: RrType;
  readonly server: string;
  /** Seconds; negative TTL where absent. */
  readonly ttl: number;
  /** Canonical; empty = absent. */
  readonly rdata: readonly string[];
  readonly at: number;
}

export interface ActionPatch {
  readonly state?: ActionState;
  readonly changeStates?: readonly ChangeState[];
  readonly appliedAt?: number;
  readonly confirmedAt?: number;
  readonly clearAt?: number;
  readonly note?: string;
}

export interface ActionFilter {
  readonly route?: string;
  readonly isUnsettled?: boolean;
  readonly sinceAt?: number;
  readonly limit?: number;
}

export interface EventFilter {
  readonly route?: string;
  readonly sinceAt?: number;
  readonly limit?: number;
}

export interface StoreInfo {
  /** Without any password. */
  readonly location: string;
  readonly schemaVersion: number;
  readonly sizeBytes: number | null;
}

export interface Store {
  recordObservations(rows: readonly ObservationRow[]): Promise<void>;
  /** Newest first. */
  listObservations(route: string, limit: number): Promise<Observation[]>;

  readHealth(route: string): Promise<HealthRow[]>;
  /** Insert or replace, all or none. */
  writeHealth(rows: readonly HealthRow[]): Promise<void>;

  /** Of all routes, those that left the configuration included. */
  readAllHealth(): Promise<HealthRow[]>;

  readRouteState(route: string): Promise<RouteState | null>;
  /** Of all routes, those that left the configuration included. */
  readRouteStates(): Promise<RouteStateRow[]>;
  /** Insert or replace, all or none. */
  writeRouteStates(rows: readonly RouteStateRow[]): Promise<void>;

  /** Insert or replace by id, all or none. A replay that was said stays said: a null takes none back. */
  writeCanaries(canaries: readonly Canary[]): Promise<void>;
  /** Oldest first by id: the newest `perPath` of every path, and beside them those on their way or due for another
   *  attempt, and those that never arrived and were not replayed (the newest thousand of a path). */
  readCanaries(route: string, perPath: number): Promise<Canary[]>;
  findCanaries(ids: readonly string[]): Promise<Canary[]>;
  /** Canaries of the path that are handed over and have not arrived are marked as replayed; the count of them. */
  markReplayed(route: string, path: string, at: number): Promise<number>;
  readMailboxLook(route: string): Promise<MailboxLook | null>;
  writeMailboxLooks(looks: readonly { readonly route: string; readonly look: MailboxLook }[]): Promise<void>;
  /** Insert or replace, all or none. */
  writeLatencyHours(hours: readonly LatencyHour[]): Promise<void>;
  /** Oldest first. */
  readLatencyHours(route: string, sinceAt: number): Promise<LatencyHour[]>;

  /** Extends the sighting of the same answer at that server, or closes it (`replacedAt`) and opens a new one. */
  recordLooks(looks: readonly Look[]): Promise<void>;
  readSightings(owner: DomainName, type: RrType): Promise<Sighting[]>;

  /** Takes a free or expired lease, or one that `deadHolder` holds (a process of this machine known to be gone). */
  acquireLease(
    route: string,
    holder: string,
    ttlMs: number,
    now: number,
    deadHolder?: string | null,
  ): Promise<LeaseAnswer>;
  /** Throws LeaseError `lease-lost` where another holder took over. */
  renewLease(lease: Lease, ttlMs: number, now: number): Promise<Lease>;
  /** Frees it for the next; the token stays spent. Quiet where it was lost. */
  releaseLease(lease: Lease): Promise<void>;

  /** Those that somebody has or had and never gave back, by route. */
  readLeases(): Promise<Lease[]>;
  /** Now, by the clock that machines with this store share; ms. Null where it has none but theirs (a file). */
  readSharedClock(): Promise<number | null>;

  /** Insert or replace by id, all or none. */
  recordPublishTimes(times: readonly PublishTime[]): Promise<void>;
  /** Of that zone at that provider, newest first. */
  readPublishTimes(provider: string, zone: DomainName, limit: number): Promise<PublishTime[]>;

  /** Writes the intent. Throws StoreError `store-fenced` where a larger token was seen for the route. */
  beginAction(action: Action, lease: Lease): Promise<void>;
  updateAction(id: string, patch: ActionPatch, lease: Lease): Promise<void>;
  /** By id, or by an unambiguous prefix of the id or of the plan's digest. Of a plan that was carried out more than
   *  once, the newest action. */
  findAction(idOrPrefix: string): Promise<Action | null>;
  /** Newest first. */
  listActions(filter: ActionFilter): Promise<Action[]>;

  setPause(pause: Pause): Promise<void>;
  /** True where there was one. */
  clearPause(route: string | null): Promise<boolean>;
  /** Those that have not ended. */
  readPauses(now: number): Promise<Pause[]>;

  /** Says that this machine is at work under this name; its turn, and all rows of the name as they were before. */
  checkIn(said: CheckIn): Promise<{ readonly turn: number; readonly before: readonly Vantage[] }>;
  updateVantage(name: string, machine: string, patch: VantagePatch): Promise<void>;
  /** By name, then machine. */
  readVantages(): Promise<Vantage[]>;

  /** False where the same brake holds already; it keeps when and why it tripped. */
  tripBrake(brake: Omit<Brake, 'releasedAt' | 'releasedBy'>): Promise<boolean>;
  /** Those that were let go: of that route, or with null those that are of no route, and then the hour's count of
   *  owner names begins anew too. */
  releaseBrakes(route: string | null, by: string, at: number): Promise<Brake[]>;
  /** Released ones too. */
  readBrakes(): Promise<Brake[]>;
  /** Counts owner names before they are moved; of several that ask at once no two get the same room. */
  useDomains(use: DomainUse): Promise<DomainUseAnswer>;
  /** Nothing was moved after all. */
  returnDomains(id: string): Promise<void>;

  appendEvent(event: Event): Promise<void>;
  /** Newest first. */
  listEvents(filter: EventFilter): Promise<Event[]>;

  recordRun(run: RunRecord): Promise<void>;
  lastRun(command: string): Promise<RunRecord | null>;

  /** Drops observations, counters, vantages, released brakes, events, closed sightings, publish times and latencies older than `before`, and canaries sent before
   *  `canariesBefore`, both in ms; never the journal's unsettled part, nor the newest thousand of a path's canaries that
   *  never arrived or wait for another attempt. Count of rows dropped. Lets others work in between. */
  prune(before: number, canariesBefore: number): Promise<number>;
  info(): Promise<StoreInfo>;
  close(): Promise<void>;
}

/** A row as it stands in a table; `null`, a text or a whole number in each column. */
export interface StoredRow {
  readonly table: string;
  readonly row: Readonly<Record<string, string | number | null>>;
}

export interface StoreDescription {
  /** Without any password. */
  readonly location: string;
  readonly kind: 'sqlite' | 'postgres';
  /** 0 = nothing there yet. */
  readonly schema: number;
  /** What this program knows and would bring it to. */
  readonly knownSchema: number;
  readonly sizeBytes: number | null;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** Oldest of events, observations, actions and runs; null where there is none. */
  readonly oldestAt: number | null;
  readonly leases: readonly HeldLeaseRow[];
}

export interface HeldLeaseRow {
  readonly lease: Lease;
  /** Until it ends, by the clock that counts for leases; ms, negative where it has ended. */
  readonly leftMs: number;
}

/** The store from outside: whatever its schema, nothing is migrated but by `migrate`. */
export interface StoreAdmin {
  describe(now: number): Promise<StoreDescription>;
  /** Versions of the schema before and after. */
  migrate(): Promise<{ readonly from: number; readonly to: number }>;
  /** Every row but what says which migrations ran, as they are at one instant. Throws StoreError `store-older` where
   *  `migrate` is due. */
  exportRows(take: (rows: readonly StoredRow[]) => Promise<void>): Promise<void>;
  /** All of them or none, into a store that holds none. Leases come free, and no token gets smaller. `fail` names the
   *  place of the row that was read last. Throws StoreError `store-not-empty` or `store-older`. */
  importRows(
    rows: AsyncIterable<StoredRow>,
    fail: (why: string) => never,
  ): Promise<ReadonlyMap<string, number>>;
  readLease(route: string, now: number): Promise<HeldLeaseRow | null>;
  /** False where it was renewed under another token, or given up, since it was read. */
  freeLease(lease: Lease): Promise<boolean>;
  close(): Promise<void>;
}
