// Follows a change out into the world: what every authoritative server answers, what the configured resolvers have,
// and how long a conforming cache may still hold what was replaced.

import type { PublishedView, Lookup } from '../dns/reader.ts';
import { hasSameRdata } from '../model/rrset.ts';
import type { Action, RrsetChange } from '../model/change.ts';
import type { ServerAddress } from '../model/route.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { isPublishedEverywhere, looksOf, readPlace } from './look.ts';

/** old: what was replaced; other: neither; none: no answer. */
export type SeenVersion = 'new' | 'old' | 'other' | 'none';

export interface ServerSeen {
  readonly server: ServerAddress;
  readonly version: SeenVersion;
  /** Seconds left as the server tells them; null without an answer. */
  readonly ttl: number | null;
  readonly reason: string | null;
}

export interface ChangeSeen {
  readonly change: RrsetChange;
  readonly authorities: readonly ServerSeen[];
  readonly resolvers: readonly ServerSeen[];
  readonly isPublished: boolean;
}

export interface WatchFrame {
  readonly at: number;
  readonly action: Action;
  readonly changes: readonly ChangeSeen[];
  /** The action's cache bound; null until every authority answers the new RRset. */
  readonly clearAt: number | null;
  /** True once no conforming cache can hold what was replaced. */
  readonly isClear: boolean;
}

const parallelChanges = 8;

/** One look at where a change has got to. Records what it saw. */
export async function watchOnce(
  action: Action,
  deps: Pick<Deps, 'reader' | 'resolver' | 'store' | 'config' | 'clock'>,
  signal: AbortSignal,
): Promise<WatchFrame> {
  const changes = await mapBounded(action.plan.changes, parallelChanges, (change) =>
    seeChange(change, action, deps, signal),
  );
  const now = deps.clock.now();
  const isPublished = changes.every((one) => one.isPublished);
  return {
    at: now,
    action,
    changes,
    clearAt: action.clearAt,
    isClear: isPublished && action.clearAt !== null && action.clearAt <= now,
  };
}

async function seeChange(
  change: RrsetChange,
  action: Action,
  deps: Pick<Deps, 'reader' | 'resolver' | 'store' | 'config'>,
  signal: AbortSignal,
): Promise<ChangeSeen> {
  const route = deps.config.routes.get(action.plan.route);
  const records = route?.records.find(
    (one) => one.zone === change.zone && one.provider === change.provider,
  ) ?? {
    provider: change.provider,
    zone: change.zone,
    owners: [],
    authorities: null,
  };
  const view = await readPlace({ owner: change.owner, type: change.type, records }, deps, signal);
  await deps.store.recordLooks(looksOf(view));
  const resolvers = await Promise.all(
    deps.config.resolvers.map(async (server) =>
      seenByResolver(change, await deps.resolver.lookupAt(server, change.owner, change.type, signal)),
    ),
  );
  return {
    change,
    authorities: seenByAuthorities(change, view),
    resolvers,
    isPublished: isPublishedEverywhere(view, change.desired),
  };
}

function seenByAuthorities(change: RrsetChange, view: PublishedView): ServerSeen[] {
  return view.answers.map((one) => ({
    server: { address: one.server.address, port: one.server.port },
    version: one.outcome === 'answer' || one.outcome === 'absent' ? versionOf(change, one.rrset) : 'none',
    ttl: one.rrset?.ttl ?? null,
    reason: one.reason,
  }));
}

function seenByResolver(change: RrsetChange, lookup: Lookup): ServerSeen {
  return {
    server: lookup.server,
    version: lookup.outcome === 'failed' ? 'none' : versionOf(change, lookup.rrset),
    ttl: lookup.rrset?.ttl ?? null,
    reason: lookup.reason,
  };
}

function versionOf(change: RrsetChange, rrset: RrsetChange['desired']): SeenVersion {
  if (hasSameRdata(rrset, change.desired)) return 'new';
  return hasSameRdata(rrset, change.expected) ? 'old' : 'other';
}
