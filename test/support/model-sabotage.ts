// Ways to break what stands between the code and the world, one at a time: policies, the store, leases, probes,
// providers. Laid over `Deps`, so that the code itself stays as it is.

import type { Deps } from '../../src/app/deps.ts';
import { LeaseError, StoreError } from '../../src/errors.ts';
import type { GuardName } from '../../src/model/change.ts';
import type { Lease } from '../../src/model/lease.ts';
import type { Route } from '../../src/model/route.ts';
import type { Provider } from '../../src/providers/provider.ts';
import type { Store } from '../../src/store/store.ts';
import type { ModelProcess } from './model-process.ts';
import { type Mishap, pathDown, type Scenario } from './model-scenario.ts';

export interface ModelMutation {
  readonly name: string;
  /** Invariants of which one must be broken. */
  readonly caughtBy: readonly string[];
  /** Laid over each scenario, so that few are needed. */
  readonly over: Partial<Scenario>;
  /** Mishaps added to each scenario's own. */
  readonly mishaps?: readonly Mishap[];
  readonly lay?: (deps: Deps, process: ModelProcess) => Deps;
  /** Guards that say nothing. */
  readonly silenced?: readonly GuardName[];
}

export const calm = {
  skews: [0, 0, 0],
  window: null,
  owners: 1,
  isSplit: false,
  mostFlips: 4,
  mostDomains: 500,
} as const;

function withStore(deps: Deps, over: (store: Store) => Partial<Store>): Deps {
  return { ...deps, store: laid(deps.store, over(deps.store)) };
}

function laid<T extends object>(real: T, over: Partial<T>): T {
  return new Proxy(real, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in over ? over : target, key);
      return typeof value === 'function' && !(key in over) ? (value.bind(target) as unknown) : value;
    },
  });
}

function withRoutes(deps: Deps, change: (route: Route) => Route): Deps {
  const routes = new Map([...deps.config.routes].map(([name, route]) => [name, change(route)]));
  return { ...deps, config: { ...deps.config, routes } };
}

function withProviders(deps: Deps, over: (provider: Provider) => Partial<Provider>): Deps {
  return {
    ...deps,
    provider: async (name) => {
      const real = await deps.provider(name);
      return laid(real, over(real));
    },
  };
}

/** The newest token of the route, whoever has it: what a store without fencing would take. */
let newest: Lease | null = null;

async function unfenced(write: () => Promise<void>, again: (lease: Lease) => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const isFenced =
      error instanceof LeaseError || (error instanceof StoreError && error.code === 'store-fenced');
    if (!isFenced || newest === null) throw error;
    await again(newest);
  }
}

/** Neither the store nor the process itself notices that the lease is over. */
const fencingOff = (deps: Deps): Deps =>
  withStore({ ...deps, clock: laid(deps.clock, { elapsedMs: () => 0 }) }, (store) => ({
    acquireLease: async (...given) => {
      const answer = await store.acquireLease(...given);
      if (answer.outcome === 'held' && given[0] === 'support') newest = answer.lease;
      return answer;
    },
    renewLease: async (lease, ...rest) => {
      try {
        return await store.renewLease(lease, ...rest);
      } catch (error) {
        if (error instanceof LeaseError) return lease;
        throw error;
      }
    },
    beginAction: (action, lease) =>
      unfenced(
        () => store.beginAction(action, lease),
        (other) => store.beginAction({ ...action, leaseToken: other.token }, other),
      ),
    updateAction: (id, patch, lease) =>
      unfenced(
        () => store.updateAction(id, patch, lease),
        (other) => store.updateAction(id, patch, other),
      ),
  }));

const leasesOff = (deps: Deps): Deps =>
  withStore(deps, (store) => ({
    acquireLease: async (route, holder, ttlMs, now) => {
      const answer = await store.acquireLease(route, holder, ttlMs, now);
      if (answer.outcome === 'held' || route !== 'support') return answer;
      // As if whoever has it were dead.
      return store.acquireLease(route, holder, ttlMs, now, answer.holder);
    },
  }));

/** Writes over whatever stands there. */
const compareOff = (deps: Deps): Deps =>
  withProviders(deps, (provider) => ({
    replaceRrsets: async (zone, changes, signal, operation) => {
      const held = await provider.readRrsets(zone, changes, signal);
      const blind = changes.map((one, at) => ({ ...one, expected: held[at] ?? null }));
      return provider.replaceRrsets(zone, blind, signal, operation);
    },
  }));

/** Says that nothing was written where the reply was lost. */
const readBackOff = (deps: Deps): Deps =>
  withStore(deps, (store) => ({
    updateAction: (id, patch, lease) =>
      store.updateAction(
        id,
        patch.state === 'applied'
          ? { ...patch, state: 'failed', changeStates: patch.changeStates!.map(() => 'failed') }
          : patch,
        lease,
      ),
  }));

export const leaveAndReturn = [pathDown(0, 12, 15)];

export const sabotages: readonly ModelMutation[] = [
  {
    name: 'policy hold_down: 0',
    caughtBy: ['hold-down'],
    over: { ...calm, trap: 'none', failback: 'auto' },
    mishaps: [pathDown(0, 12, 5)],
    lay: (deps) =>
      withRoutes(deps, (route) => ({ ...route, failover: { ...route.failover, holdDownMs: 0 } })),
  },
  {
    name: 'policy max_flips: 99',
    caughtBy: ['flip-limit'],
    over: { ...calm, trap: 'none', mostFlips: 1, failback: 'auto' },
    mishaps: leaveAndReturn,
    lay: (deps) =>
      withRoutes(deps, (route) => ({
        ...route,
        failover: { ...route.failover, maxFlips: { ...route.failover.maxFlips, count: 99 } },
      })),
  },
  {
    name: 'policy quorum: 1',
    caughtBy: ['quorum'],
    over: { ...calm, trap: 'none', quorum: 2 },
    mishaps: [{ kind: 'lie', at: 20, says: 'preferred-down', minutes: 50 }],
    lay: (deps) => withRoutes(deps, (route) => ({ ...route, failover: { ...route.failover, quorum: 1 } })),
  },
  {
    name: 'policy failback: auto',
    caughtBy: ['failback'],
    over: { ...calm, trap: 'none', failback: 'manual' },
    mishaps: leaveAndReturn,
    lay: (deps) =>
      withRoutes(deps, (route) => ({ ...route, failover: { ...route.failover, failback: 'auto' } })),
  },
  {
    name: 'maintenance hidden',
    caughtBy: ['maintenance'],
    over: { ...calm, trap: 'none', window: { from: 10, minutes: 40 } },
    mishaps: [pathDown(0, 20, 25)],
    lay: (deps) => withRoutes(deps, (route) => ({ ...route, maintenance: [] })),
  },
  {
    name: 'pauses hidden',
    caughtBy: ['paused'],
    over: { ...calm, trap: 'none' },
    mishaps: [
      { kind: 'person', at: 10, machine: 0, what: 'pause', thinkSeconds: 2, minutes: 60 },
      ...leaveAndReturn,
    ],
    lay: (deps) => withStore(deps, () => ({ readPauses: () => Promise.resolve([]) })),
  },
  {
    name: 'brakes hidden',
    caughtBy: ['brake'],
    over: { ...calm, trap: 'none', mostFlips: 1, failback: 'auto', quorum: 1 },
    mishaps: leaveAndReturn,
    lay: (deps) => withStore(deps, () => ({ readBrakes: () => Promise.resolve([]) })),
  },
  {
    name: 'references always answer',
    caughtBy: ['cut-off'],
    over: { ...calm, trap: 'none', hasReferences: true, quorum: 1 },
    mishaps: [
      { kind: 'net', at: 20, machine: 0, state: 'blocked', minutes: 60 },
      { kind: 'net', at: 20, machine: 1, state: 'blocked', minutes: 60 },
    ],
    lay: (deps) => ({
      ...deps,
      probe: laid(deps.probe, {
        probe: async (hop, policy, signal) => {
          const seen = await deps.probe.probe(hop, policy, signal);
          return hop.exchange === 'mx.reference.example.' ? { ...seen, verdict: 'pass' } : seen;
        },
      }),
    }),
  },
  {
    name: 'probes of the target lie',
    caughtBy: ['target', 'lost'],
    over: { ...calm, trap: 'none', hasThirdPath: false },
    mishaps: [
      pathDown(0, 20, 40),
      { kind: 'path', at: 10, path: 1, hop: null, state: 'bounce', minutes: 60 },
    ],
    lay: (deps, process) => ({
      ...deps,
      probe: laid(deps.probe, {
        probe: async (hop, policy, signal) => {
          const seen = await deps.probe.probe(hop, policy, signal);
          if (hop.exchange !== 'mx.example.com.') return seen;
          return {
            ...seen,
            verdict: 'pass',
            fate: 'accepted',
            takesCanary: policy.stages.includes('rcpt') ? true : null,
            at: process.now(),
          };
        },
      }),
    }),
  },
  {
    name: 'compare-and-set ignores expected',
    caughtBy: ['foreign'],
    over: { ...calm, trap: 'none' },
    lay: compareOff,
    mishaps: [
      ...Array.from({ length: 2 }, (_, at): Mishap => ({
        kind: 'edit',
        machine: at,
        strike: 5,
        at: 11,
        what: 'foreign',
        isAll: true,
        isUndone: false,
      })),
      pathDown(0, 12, 80),
    ],
  },
  {
    name: 'leases taken by force',
    caughtBy: ['one-writer', 'fencing', 'history'],
    over: { ...calm, trap: 'none', quorum: 1 },
    lay: leasesOff,
    mishaps: [pathDown(0, 12, 60), { kind: 'provider', at: 8, which: 0, mode: 'throttle', minutes: 90 }],
  },
  {
    name: 'fencing skipped',
    caughtBy: ['one-writer', 'fencing'],
    over: { ...calm, trap: 'none', quorum: 1 },
    lay: fencingOff,
    mishaps: [
      pathDown(0, 12, 60),
      { kind: 'freeze', at: 11, machine: 0, strike: 7, seconds: 300 },
      { kind: 'freeze', at: 11, machine: 1, strike: 7, seconds: 400 },
    ],
  },
  {
    name: 'journal says failed',
    caughtBy: ['history', 'journal'],
    over: { ...calm, trap: 'none' },
    lay: readBackOff,
    mishaps: leaveAndReturn,
  },
];
