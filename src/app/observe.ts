// What `mxctl observe` stands on: the parts of `auto`, without the power to change DNS. No provider can be opened, for
// writing or at all, and the store refuses all that belongs to whoever acts: journal, leases of routes, pauses, canaries,
// what a route remembers. It shares counters and observations, and says in the history what it would have done.

import { AppError } from '../errors.ts';
import type { RouteState } from '../model/route-state.ts';
import type { Route } from '../model/route.ts';
import type { ActionFilter, Event, RouteStateRow, Store } from '../store/store.ts';
import type { Deps } from './deps.ts';

/** What was said before is looked for in so many events; beyond them it is said again. */
const recentEvents = 2000;

export function observing(deps: Deps, memory: ObserverMemory): Deps {
  const routes = new Map([...deps.config.routes].map(([name, route]) => [name, observed(route)]));
  return {
    ...deps,
    config: { ...deps.config, routes },
    store: observerStore(deps.store, deps.config.vantage, deps.clock, memory),
    provider: (name) => Promise.reject(forbidden(`to open the provider ${name}`)),
    canary: () => Promise.reject(forbidden('to send canaries')),
  };
}

/** Canaries are letters with a database behind them: one sender is enough, and that is `auto`. */
function observed(route: Route): Route {
  return { ...route, failover: { ...route.failover, mode: 'observe', failback: 'manual' }, canary: null };
}

function forbidden(what: string): AppError {
  return new AppError('refused', `mxctl observe has no way ${what}: it changes nothing`);
}

/** By route, what this observer made of it last. What `auto` remembers of the same route is `auto`'s. */
export type ObserverMemory = Map<string, RouteState>;

/** What a store does for an observer beside reading. Whatever else writes is refused, also what is written tomorrow. */
const shared = new Set<keyof Store>([
  'recordObservations',
  'recordLooks',
  'writeHealth',
  'recordRun',
  'prune',
]);

function observerStore(store: Store, vantage: string, clock: Deps['clock'], memory: ObserverMemory): Store {
  /** A run that begins anew knows what the one before said. */
  const statesOf = async (known: ObserverMemory) => {
    if (known.size === 0)
      for (const [route, state] of await lastSaid(vantage, store)) known.set(route, state);
    return known;
  };
  const own: Partial<Store> = {
    // What another run has under way is its own to settle, and what it published is true once its bound has passed.
    listActions: async (filter: ActionFilter) => {
      if (filter.isUnsettled === true) return [];
      const now = clock.now();
      const actions = await store.listActions(filter);
      return actions.map((one) =>
        one.state === 'confirmed' && (one.clearAt ?? now + 1) <= now ? { ...one, state: 'cleared' } : one,
      );
    },
    readRouteState: async (route) => (await statesOf(memory)).get(route) ?? null,
    readRouteStates: async () =>
      [...(await statesOf(memory))].map(([route, state]): RouteStateRow => ({ route, state })),
    writeRouteStates: (rows) => {
      for (const { route, state } of rows) memory.set(route, state);
      return Promise.resolve();
    },
    appendEvent: (event) => store.appendEvent(asSeen(event, vantage, memory)),
    acquireLease: (name, ...rest) => {
      if (!name.startsWith('(')) throw forbidden(`to hold the route ${name}`);
      return store.acquireLease(name, ...rest);
    },
    renewLease: (...given) => store.renewLease(...given),
    releaseLease: (lease) => store.releaseLease(lease),
  };
  return new Proxy(store, {
    get: (target, key: keyof Store) => {
      if (key in own) return own[key];
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      if (shared.has(key) || /^(read|list|find|last|info|close|checkIn|updateVantage)/.test(key))
        return value.bind(target) as unknown;
      // Of an empty list nothing is written.
      return (first: unknown) =>
        Array.isArray(first) && first.length === 0
          ? Promise.resolve()
          : Promise.reject(forbidden(`to write (${key})`));
    },
  });
}

/** Named after its vantage, and with what it is compared with in the next run. */
function asSeen(event: Event, vantage: string, memory: ObserverMemory): Event {
  if (event.route === null) return event;
  const state = memory.get(event.route) ?? null;
  return {
    ...event,
    text: `observed from ${vantage}: ${event.text}`,
    data: { ...event.data, observer: vantage, state },
  };
}

async function lastSaid(vantage: string, store: Store): Promise<[route: string, state: RouteState][]> {
  const events = await store.listEvents({ limit: recentEvents });
  return events.toReversed().flatMap(({ kind, route, data }) => {
    const isOurs = kind === 'decision' && route !== null && data['observer'] === vantage;
    return isOurs && isState(data['state']) ? [[route, data['state'] as RouteState]] : [];
  });
}

/** It was written by us; a version of tomorrow may have written it otherwise. */
function isState(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const state = value as Partial<Record<keyof RouteState, unknown>>;
  return (
    Array.isArray(state.downPaths) &&
    Array.isArray(state.notices) &&
    typeof state.lastDecision === 'string' &&
    typeof state.runs === 'number'
  );
}
