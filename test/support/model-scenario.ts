// What can happen in the model's world, as fast-check makes it up: a route, its policy, and a list of mishaps. Minutes
// count from the start; everything heals at `healMinute`.

import fc from 'fast-check';

export const machines = ['ams', 'fra', 'lon'] as const;
/** The third only measures. */
export const controllers = ['ams', 'fra'] as const;

export const healMinute = 100;
/** Hold-down, caches, a rise and a probation come after it. */
export const endMinute = 172;

export type HopState = 'ok' | 'refuse' | 'defer' | 'bounce' | 'silent' | 'slow';
export type ProviderMode =
  'ok' | 'unreachable' | 'refuse' | 'throttle' | 'lose-before' | 'lose-after' | 'lag';
export type DatabaseMode = 'ok' | 'before' | 'after' | 'hang';
/** blocked: port 25 goes nowhere; offline: nothing goes anywhere but to the database. */
export type NetState = 'ok' | 'blocked' | 'offline';

/** Where in an action of the machine something strikes: at this call after it took the lease; null = at `at`. */
type Strike = number | null;

export type Mishap = { readonly at: number } & (
  | {
      readonly kind: 'path';
      readonly path: number;
      readonly hop: number | null;
      readonly state: HopState;
      readonly minutes: number;
    }
  | { readonly kind: 'net'; readonly machine: number; readonly state: NetState; readonly minutes: number }
  | { readonly kind: 'lie'; readonly says: 'preferred-down' | 'down' | 'up'; readonly minutes: number }
  | {
      readonly kind: 'server';
      readonly which: number;
      readonly state: 'held' | 'failing';
      readonly minutes: number;
    }
  | {
      readonly kind: 'provider';
      readonly which: number;
      readonly mode: ProviderMode;
      readonly minutes: number;
    }
  | {
      readonly kind: 'database';
      readonly machine: number | null;
      readonly mode: DatabaseMode;
      readonly seconds: number;
      readonly strike: Strike;
    }
  | { readonly kind: 'kill'; readonly machine: number; readonly strike: Strike; readonly awaySeconds: number }
  | { readonly kind: 'freeze'; readonly machine: number; readonly strike: Strike; readonly seconds: number }
  | {
      readonly kind: 'edit';
      readonly machine: number;
      readonly what: 'foreign' | 'preferred' | 'other' | 'ttl';
      readonly isAll: boolean;
      readonly isUndone: boolean;
      readonly strike: Strike;
    }
  | {
      readonly kind: 'person';
      readonly machine: number;
      readonly what: 'failover' | 'rollback' | 'pause' | 'resume';
      readonly thinkSeconds: number;
      readonly minutes: number;
    }
  | { readonly kind: 'clock'; readonly machine: number; readonly jumpMinutes: number }
);

export interface Scenario {
  readonly seed: number;
  readonly owners: 1 | 2;
  /** The second owner lives at another provider. */
  readonly isSplit: boolean;
  readonly isAtomic: boolean;
  readonly hasThirdPath: boolean;
  readonly quorum: 1 | 2;
  readonly failback: 'auto' | 'manual';
  readonly asksRcpt: boolean;
  readonly hasReferences: boolean;
  readonly isCron: boolean;
  readonly mostFlips: number;
  readonly mostDomains: number;
  /** What keeps senders from the failover path whatever SMTP says. */
  readonly trap: 'none' | 'sts' | 'tls' | 'dane';
  /** By machine; minutes. */
  readonly skews: readonly [number, number, number];
  /** Of the preferred path; minutes. */
  readonly window: { readonly from: number; readonly minutes: number } | null;
  readonly mishaps: readonly Mishap[];
}

const at = fc.integer({ min: 8, max: healMinute - 5 });
const minutes = fc.integer({ min: 3, max: 60 });
const machine = fc.nat(1);
const strike = fc.option(fc.integer({ min: 0, max: 24 }), { freq: 4 });
const hopState = fc.constantFrom<HopState>('refuse', 'defer', 'bounce', 'silent', 'slow');

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      at,
      kind: fc.constant('path' as const),
      path: fc.constant(0),
      hop: fc.constant(null),
      state: hopState,
      minutes,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      at,
      kind: fc.constant('path' as const),
      path: fc.nat(2),
      hop: fc.option(fc.nat(1)),
      state: hopState,
      minutes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at,
      kind: fc.constant('net' as const),
      machine: fc.nat(2),
      state: fc.constantFrom<NetState>('blocked', 'offline'),
      minutes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at,
      kind: fc.constant('lie' as const),
      says: fc.constantFrom('preferred-down' as const, 'down' as const, 'up' as const),
      minutes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at,
      kind: fc.constant('server' as const),
      which: fc.nat(1),
      state: fc.constantFrom('held' as const, 'failing' as const),
      minutes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      kind: fc.constant('provider' as const),
      which: fc.nat(1),
      mode: fc.constantFrom<ProviderMode>(
        'unreachable',
        'refuse',
        'throttle',
        'lose-before',
        'lose-after',
        'lag',
      ),
      minutes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      kind: fc.constant('database' as const),
      machine: fc.option(machine),
      mode: fc.constantFrom<DatabaseMode>('before', 'after', 'hang'),
      seconds: fc.integer({ min: 1, max: 400 }),
      strike,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      at,
      kind: fc.constant('kill' as const),
      machine,
      strike,
      awaySeconds: fc.integer({ min: 15, max: 600 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      kind: fc.constant('freeze' as const),
      machine,
      strike,
      seconds: fc.integer({ min: 5, max: 300 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      kind: fc.constant('edit' as const),
      machine,
      what: fc.constantFrom('foreign' as const, 'preferred' as const, 'other' as const, 'ttl' as const),
      isAll: fc.boolean(),
      isUndone: fc.boolean(),
      strike,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      kind: fc.constant('person' as const),
      machine,
      what: fc.constantFrom('failover' as const, 'rollback' as const, 'pause' as const, 'resume' as const),
      thinkSeconds: fc.integer({ min: 2, max: 700 }),
      minutes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at,
      kind: fc.constant('clock' as const),
      machine: fc.nat(2),
      jumpMinutes: fc.integer({ min: -60, max: 60 }),
    }),
  },
);

const skew = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -60, max: 60 }));
const rarely = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  owners: rarely<1 | 2>(1, 2),
  isSplit: fc.boolean(),
  isAtomic: fc.boolean(),
  hasThirdPath: fc.boolean(),
  quorum: fc.constantFrom<1 | 2>(1, 2),
  failback: rarely<'auto' | 'manual'>('auto', 'manual'),
  asksRcpt: rarely(true, false),
  hasReferences: rarely(true, false),
  isCron: fc.boolean(),
  mostFlips: rarely(4, 1, 2, 3),
  mostDomains: rarely(500, 1),
  trap: rarely<Scenario['trap']>('none', 'sts', 'tls', 'dane'),
  skews: fc.oneof({ weight: 2, arbitrary: fc.constant([0, 0, 0] as const) }, fc.tuple(skew, skew, skew)),
  window: fc.option(fc.record({ from: at, minutes }), { freq: 5 }),
  mishaps: fc.array(mishap, { minLength: 1, maxLength: 14 }),
});

/** Nothing out of the ordinary; scenes are laid over it. */
export const usualScenario: Scenario = {
  seed: 1,
  owners: 1,
  isSplit: false,
  isAtomic: true,
  hasThirdPath: false,
  quorum: 1,
  failback: 'auto',
  asksRcpt: true,
  hasReferences: true,
  isCron: false,
  mostFlips: 4,
  mostDomains: 500,
  trap: 'none',
  skews: [0, 0, 0],
  window: null,
  mishaps: [],
};

/** Every hop of the path refuses connections. */
export function pathDown(path: number, minute: number, minutes: number): Mishap {
  return { kind: 'path', at: minute, path, hop: null, state: 'refuse', minutes };
}
