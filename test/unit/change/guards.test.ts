// A context in which every guard is green; each test breaks one thing and sees who forbids.

import { describe, expect, it } from 'vitest';

import type { GuardContext } from '../../../src/change/guards/context.ts';
import { forbidding, guards, judge } from '../../../src/change/guards/index.ts';
import { changesTo } from '../../../src/change/plan.ts';
import { matchLive } from '../../../src/change/published.ts';
import type { Brake } from '../../../src/model/brake.ts';
import { guardNames, type Action, type ActionKind, type GuardName } from '../../../src/model/change.ts';
import type { DaneFacts } from '../../../src/model/dane.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import type { Observation, TlsFacts } from '../../../src/model/observation.ts';
import { pathOf } from '../../../src/model/route.ts';
import type { StsFacts } from '../../../src/model/sts.ts';
import {
  after,
  day,
  hops,
  hour,
  liveOf,
  minute,
  noon,
  observe,
  pathIs,
  routeOf,
  supportRoute,
  type RouteOver,
} from '../../support/worlds.ts';
import { pathHealth } from '../../../src/health/path.ts';

const now = noon + 20 * minute;

const goodTls: TlsFacts = {
  protocol: 'TLSv1.3',
  isNameGood: true,
  isChainTrusted: true,
  fault: null,
  expiresAt: now + 64 * day,
  names: ['mx.example.com'],
  presented: null,
};
const digests = { sha256: 'its key', sha512: '' };
const presented = {
  isNamed: true,
  links: [{ cert: digests, spki: digests, startsAt: now - day, expiresAt: now + 64 * day }],
};
const answer = (over: Partial<Observation> = {}): Observation =>
  observe('+', now, {
    exchange: domainNameOf('mx.example.com'),
    tls: { ...goodTls, presented },
    offersStarttls: true,
    takesCanary: true,
    ...over,
  });
const enforced: StsFacts = {
  domain: 'example.com',
  mode: 'enforce',
  patterns: ['mx.example.com', '*.filter.example.net'],
  reason: null,
  fault: null,
};

/** The target publishes 3 1 1. */
const tlsaOf = (digest: string): DaneFacts => ({
  exchange: domainNameOf('mx.example.com'),
  port: 25,
  outcome: 'usable',
  records: [{ usage: 'dane-ee', selector: 'spki', hash: 'sha256', digest }],
  reason: null,
});

/** A flip so long ago, applied and confirmed, its caches clear at `clearAt`. */
function flipped(agoMs: number, over: Partial<Action> = {}): Action {
  const at = now - agoMs;
  return {
    id: '01',
    plan: {
      id: '',
      digest: '',
      route: 'support',
      kind: 'failover',
      from: 'a',
      to: 'b',
      changes: [],
      madeAt: at,
    },
    by: 'auto@here',
    reason: '',
    overrides: [],
    leaseToken: 1,
    state: 'confirmed',
    changeStates: [],
    intendedAt: at,
    appliedAt: at,
    confirmedAt: at,
    clearAt: at + minute,
    rollbackOf: null,
    note: null,
    ...over,
  };
}

const proxyLive = liveOf(`
  example.com 3600 MX 10 mx1.filter.example.net.
  example.com 3600 MX 20 mx2.filter.example.net.
  example.com 3600 MX 90 spool.example.org.
  in.example.com 3600 MX 10 mx1.filter.example.net.
  in.example.com 3600 MX 20 mx2.filter.example.net.
  in.example.com 3600 MX 90 spool.example.org.`);

/** Health whose hops were all seen just now. */
const fresh = (word: Parameters<typeof pathIs>[0]) => {
  const health = pathIs(word);
  return { ...health, hops: health.hops.map((one) => ({ ...one, health: { ...one.health, lastAt: now } })) };
};

function routeWith(over: RouteOver = {}) {
  return supportRoute({
    ...over,
    failover: { quorum: 2, ...over.failover },
    probe: { rcpt: { from: 'probe@ops.example', to: 'canary@example.com' }, ...over.probe },
  });
}

/** Everything was looked at, and all of it is well. */
function green(over: Partial<GuardContext> = {}): GuardContext {
  const route = routeWith();
  const to = pathOf(route, 'direct')!;
  return {
    route,
    kind: 'failover',
    to,
    now,
    isAuto: true,
    live: matchLive(route, proxyLive),
    revert: null,
    disagreement: null,
    changes: changesTo(route, to, proxyLive, 60),
    target: fresh('ok'),
    active: fresh('down'),
    observations: [answer()],
    vantage: 'ok',
    votes: { activeDown: 2, targetUp: 2 },
    actions: [flipped(2 * day)],
    pauses: [],
    brakes: [],
    vantageName: 'here',
    movedThisRun: 0,
    failingShare: 0,
    sts: [enforced],
    dane: [tlsaOf('its key')],
    ...over,
  };
}

const verdicts = (context: GuardContext) =>
  Object.fromEntries(judge(context).map((one) => [one.name, one.verdict]));
const forbids = (context: GuardContext) => forbidding(judge(context)).map((one) => one.name);
const reasonOf = (name: GuardName, over: Partial<GuardContext>) => guards[name](green(over)).reason;
const verdictOf = (name: GuardName, over: Partial<GuardContext> = {}) => guards[name](green(over)).verdict;

it('in the green context nothing forbids, warns or is skipped', () => {
  const expected = Object.fromEntries(guardNames.map((name) => [name, 'ok']));
  expect(verdicts(green())).toEqual(expected);
});

/** A brake of the route that tripped an hour ago. */
const tripped = (over: Partial<Brake> = {}): Brake => ({
  kind: 'flip-limit',
  route: 'support',
  vantage: null,
  at: now - hour,
  by: 'auto@here',
  reason: '3 of 3 flips in 24 h',
  releasedAt: null,
  releasedBy: null,
  ...over,
});

/** For each guard one broken thing that no other guard minds. `beside` had to be overridden to see it. */
interface Alone {
  readonly over: Partial<GuardContext>;
  readonly beside?: readonly GuardName[];
}

const alone: Readonly<Record<GuardName, Alone>> = {
  'target-unhealthy': { over: { target: fresh('down') } },
  'target-rcpt': { over: { observations: [answer({ takesCanary: false, summary: '554 relay denied' })] } },
  'mta-sts': { over: { sts: [{ ...enforced, patterns: ['*.filter.example.net'] }] } },
  'tls-name': {
    over: { observations: [answer({ tls: { ...goodTls, isNameGood: false, fault: 'no SAN names it' } })] },
  },
  dane: { over: { dane: [tlsaOf('the key of last year')] } },
  'vantage-fault': { over: { vantage: 'fault' } },
  quorum: { over: { votes: { activeDown: 1, targetUp: 2 } } },
  'hold-down': { over: { kind: 'return', actions: [flipped(10 * minute)] } },
  'flip-limit': { over: { actions: [1, 2, 3].map((hours) => flipped(hours * hour)) } },
  brake: { over: { brakes: [tripped()] } },
  'blast-radius': { over: { movedThisRun: 499 } },
  paused: { over: { pauses: [{ route: 'support', by: 'ann', reason: 'migration', until: now + hour }] } },
  'live-drift': { over: { revert: 'reverted by someone else within 4 min of it' } },
  // Whoever overrides an unhealthy target may still not leave a path that works.
  'last-path': {
    over: {
      active: fresh('ok'),
      target: fresh('down'),
      observations: [],
      route: routeWith({ probe: { rcpt: null } }),
    },
    beside: ['target-unhealthy'],
  },
  'stale-observations': {
    over: { now: now + 4 * minute, observations: [answer({ at: now + 4 * minute })] },
  },
  'caches-not-clear': { over: { kind: 'return', actions: [flipped(hour, { clearAt: now + minute })] } },
};

describe('each guard is the only one to forbid something', () => {
  it.each(guardNames)('%s', (name) => {
    const { over, beside = [] } = alone[name];
    const results = judge(green(over));
    expect(forbidding(results, beside).map((one) => one.name)).toEqual([name]);
    expect(
      forbidding(results)
        .map((one) => one.name)
        .sort(),
    ).toEqual([...beside, name].sort());
    expect(forbidding(results, [...beside, name])).toEqual([]);
  });

  it('and they are asked in the order their names are listed in', () => {
    expect(judge(green()).map((one) => one.name)).toEqual([...guardNames]);
    for (const name of guardNames) expect(guards[name](green()).name).toBe(name);
  });
});

describe('a brake', () => {
  it.each<[string, Partial<Brake>, string]>([
    ['of the route', {}, 'forbid'],
    ['of another route', { route: 'other' }, 'ok'],
    ['of every route', { route: null, kind: 'domains-per-run' }, 'forbid'],
    ['of this vantage', { route: null, vantage: 'here', kind: 'failing-share' }, 'forbid'],
    ['of another vantage', { route: null, vantage: 'there', kind: 'failing-share' }, 'ok'],
    ['that a person let go', { releasedAt: now, releasedBy: 'person:kim' }, 'ok'],
  ])('%s: %j -> %s', (_, over, verdict) => {
    expect(verdictOf('brake', { brakes: [tripped(over)] })).toBe(verdict);
  });

  it.each<[string, Partial<GuardContext>, GuardName, unknown]>([
    ['flips of a route hold the route', alone['flip-limit'].over, 'flip-limit', ['flip-limit', 'route']],
    ['too many domains of a run hold all', { movedThisRun: 499 }, 'blast-radius', ['domains-per-run', 'all']],
    [
      'a route that is too large by itself holds only itself',
      { route: routeWith({ failover: { maxDomains: 1 } }) },
      'blast-radius',
      ['domains-per-run', 'route'],
    ],
    ['silence holds whoever hears it', { failingShare: 0.9 }, 'blast-radius', ['failing-share', 'vantage']],
    ['a pause trips nothing', alone.paused.over, 'paused', null],
  ])('%s', (_, over, name, expected) => {
    const { trips } = guards[name](green(over));
    expect(trips === undefined ? null : [trips.kind, trips.scope]).toEqual(expected);
  });

  it('of flips counts anew from when it was let go, and what a clock set back dates later still counts', () => {
    const actions = [1, 2, 3].map((hours) => flipped(hours * hour));
    const letGo = (agoMs: number, over: Partial<Brake> = {}) => [
      tripped({ releasedAt: now - agoMs, ...over }),
    ];
    expect(verdictOf('flip-limit', { actions, brakes: letGo(hour) })).toBe('ok');
    expect(verdictOf('flip-limit', { actions, brakes: letGo(4 * hour) })).toBe('forbid');
    expect(verdictOf('flip-limit', { actions, brakes: letGo(hour, { route: 'other' }) })).toBe('forbid');
    const later = [-1, -1, -1].map((hours) => flipped(hours * hour));
    expect(verdictOf('flip-limit', { actions: later, brakes: letGo(0) })).toBe('forbid');
  });
});

describe('raising the TTL moves no mail', () => {
  it('so only what concerns the records can forbid it', () => {
    const everything: Partial<GuardContext> = {
      target: fresh('down'),
      active: fresh('down'),
      observations: [answer({ verdict: 'fail', takesCanary: false })],
      vantage: 'fault',
      votes: { activeDown: 0, targetUp: 0 },
      actions: [1, 2, 3].map(() => flipped(minute, { clearAt: null })),
      failingShare: 1,
      sts: [{ ...enforced, patterns: [] }],
      ...alone.dane.over,
    };
    expect(forbids(green({ ...everything, kind: 'raise-ttl' }))).toEqual([]);
    expect(forbids(green({ ...everything, kind: 'raise-ttl', ...alone.paused.over }))).toEqual(['paused']);
    expect(forbids(green({ ...everything, kind: 'raise-ttl', ...alone['live-drift'].over }))).toEqual([
      'live-drift',
    ]);
    expect(forbids(green({ kind: 'raise-ttl', ...alone['blast-radius'].over }))).toEqual(['blast-radius']);
    expect(forbids(green({ kind: 'raise-ttl', ...alone['stale-observations'].over }))).toEqual([
      'stale-observations',
    ]);
  });
});

describe('what binds auto only warns a person', () => {
  it.each(['hold-down', 'flip-limit', 'caches-not-clear', 'quorum', 'brake'] as const)('%s', (name) => {
    const context = green({ ...alone[name].over, isAuto: false });
    expect(verdicts(context)[name]).toBe('warn');
    expect(forbids(context)).toEqual([]);
  });

  it.each([
    'target-unhealthy',
    'target-rcpt',
    'mta-sts',
    'tls-name',
    'dane',
    'vantage-fault',
    'blast-radius',
    'paused',
    'live-drift',
    'stale-observations',
  ] as const)('but %s binds a person too', (name) => {
    expect(forbids(green({ ...alone[name].over, isAuto: false }))).toEqual([name]);
  });
});

describe('target-unhealthy', () => {
  it.each([
    ['ok', true, 'ok'],
    ['degraded', true, 'ok'],
    ['down', false, 'forbid'],
    ['bouncing', false, 'forbid'],
    ['unknown', true, 'forbid'],
  ] as const)('target %s, auto %s: %s', (status, isAuto, verdict) => {
    expect(verdictOf('target-unhealthy', { target: pathIs(status), isAuto })).toBe(verdict);
  });

  it.each([
    ['+', 'ok'],
    ['++', 'ok'],
    ['+-', 'forbid'],
    ['x', 'forbid'],
    // The machine has no IPv6: what it cannot see must not keep a person from moving at 3 am.
    ['+?', 'ok'],
    ['?', 'forbid'],
    ['', 'forbid'],
  ])("a person's first run sees %j: %s", (marks, verdict) => {
    const observations = Array.from(marks, (mark) => observe(mark, now));
    expect(verdictOf('target-unhealthy', { target: pathIs('unknown'), isAuto: false, observations })).toBe(
      verdict,
    );
  });
});

describe('target-unhealthy, where others say that the target is up', () => {
  it.each([
    // A move is made by a machine that has not just seen the target fail.
    ['-', 'return', true, 'forbid'],
    ['-+', 'return', true, 'ok'],
    ['?', 'return', true, 'ok'],
    ['-', 'failover', true, 'forbid'],
    ['-', 'failover', false, 'ok'],
  ] as const)('own probes %j, %s, auto %s: %s', (marks, kind, isAuto, verdict) => {
    const observations = Array.from(marks, (mark) => observe(mark, now));
    expect(verdictOf('target-unhealthy', { target: pathIs('ok'), kind, isAuto, observations })).toBe(verdict);
  });
});

describe('target-rcpt', () => {
  it('is skipped, and says so, where no canary is configured', () => {
    const route = routeWith({ probe: { rcpt: null } });
    expect(guards['target-rcpt'](green({ route }))).toMatchObject({
      verdict: 'skipped',
      reason: 'no canary address configured (probe.rcpt)',
    });
  });

  it.each([
    ['every hop takes it', [true, true], 'ok'],
    ['one refuses it', [true, false], 'forbid'],
    ['one that answers was not asked', [true, null], 'forbid'],
    ['nobody was asked', [], 'forbid'],
  ] as const)('%s: %s', (_, taken, verdict) => {
    const observations = taken.map((takesCanary) => answer({ takesCanary }));
    expect(verdictOf('target-rcpt', { observations })).toBe(verdict);
  });

  it('a hop that does not answer was not asked and does not count', () => {
    expect(verdictOf('target-rcpt', { observations: [answer(), observe('-', now), observe('?', now)] })).toBe(
      'ok',
    );
    expect(verdictOf('target-rcpt', { observations: [observe('-', now)] })).toBe('forbid');
  });
});

describe('mta-sts', () => {
  it.each([
    ['not looked up', null, 'skipped'],
    ['no domain has one', [{ ...enforced, mode: 'absent', patterns: [] }], 'ok'],
    ['testing', [{ ...enforced, mode: 'testing', patterns: [] }], 'ok'],
    ['none', [{ ...enforced, mode: 'none', patterns: [] }], 'ok'],
    ['could not be fetched', [{ ...enforced, mode: 'unknown', patterns: [], reason: 'no answer' }], 'warn'],
    ['one of two does not list it', [enforced, { ...enforced, patterns: ['other.example'] }], 'forbid'],
    [
      'one unknown, one does not list it',
      [
        { ...enforced, mode: 'unknown' },
        { ...enforced, patterns: [] },
      ],
      'forbid',
    ],
  ] as const)('%s: %s', (_, sts, verdict) => {
    expect(verdictOf('mta-sts', { sts: sts as StsFacts[] | null })).toBe(verdict);
  });

  it('does not concern a move of addresses: the exchange keeps its name', () => {
    const route = routeOf('fra: mx1.example.com=192.0.2.1\nams: mx1.example.com=192.0.2.2');
    expect(verdictOf('mta-sts', { to: route.paths[1]!, sts: [{ ...enforced, patterns: [] }] })).toBe('ok');
  });
});

describe('tls-name', () => {
  const soon = { ...goodTls, expiresAt: now + 6 * day };
  const over = { ...goodTls, expiresAt: now - day, isChainTrusted: false, fault: 'certificate has expired' };

  it.each([
    ['good', goodTls, true, 'enforce', 'ok'],
    ['good for six days', soon, true, 'enforce', 'warn'],
    ['expired', over, true, 'enforce', 'forbid'],
    ['expired, nobody enforces', over, true, 'none', 'warn'],
    ['no STARTTLS', null, false, 'enforce', 'forbid'],
    ['no STARTTLS, nobody enforces', null, false, 'testing', 'warn'],
    ['not looked at', null, null, 'enforce', 'skipped'],
  ] as const)('%s', (_, tls, offersStarttls, mode, verdict) => {
    const observations = [answer({ tls, offersStarttls })];
    expect(verdictOf('tls-name', { observations, sts: [{ ...enforced, mode }] })).toBe(verdict);
  });

  it('says for how long the certificate is good, of the hop where it ends first', () => {
    const observations = [answer(), answer({ tls: { ...goodTls, expiresAt: now + 30 * day } })];
    expect(reasonOf('tls-name', { observations })).toBe('certificate good for 30 days');
  });

  it('does not judge a hop that failed', () => {
    expect(verdictOf('tls-name', { observations: [answer(), answer({ verdict: 'fail', tls: over })] })).toBe(
      'ok',
    );
  });
});

describe('last-path', () => {
  it.each([
    ['down', 'down', 'ok'],
    ['ok', 'ok', 'ok'],
    ['degraded', 'down', 'forbid'],
    ['ok', 'unknown', 'forbid'],
    ['unknown', 'unknown', 'ok'],
  ] as const)('active %s, target %s: %s', (active, target, verdict) => {
    const context = { active: pathIs(active), target: pathIs(target), observations: [] };
    expect(verdictOf('last-path', context)).toBe(verdict);
  });

  it('a target that answers now, or no active path, is no objection', () => {
    expect(verdictOf('last-path', { active: pathIs('ok'), target: pathIs('unknown') })).toBe('ok');
    expect(verdictOf('last-path', { active: null, target: pathIs('down'), observations: [] })).toBe('ok');
  });
});

describe('quorum', () => {
  it.each([
    ['failover', 2, 2, 2, 'ok'],
    ['failover', 2, 1, 2, 'forbid'],
    ['relapse', 2, 1, 2, 'forbid'],
    ['failover', 2, 2, 1, 'forbid'],
    ['return', 2, 0, 2, 'ok'],
    ['return', 2, 0, 1, 'forbid'],
    ['failover', 1, 0, 0, 'ok'],
    ['raise-ttl', 2, 0, 0, 'ok'],
  ] as const)(
    '%s with quorum %i, %i see it down, %i the target up: %s',
    (kind, needed, activeDown, targetUp, verdict) => {
      const route = routeWith({ failover: { quorum: needed } });
      expect(verdictOf('quorum', { route, kind, votes: { activeDown, targetUp } })).toBe(verdict);
    },
  );
});

describe('hold-down (30 min)', () => {
  const ages = (kind: ActionKind, agoMs: number) =>
    verdictOf('hold-down', { kind, actions: [flipped(agoMs)] });

  it('holds back coming back, to the millisecond', () => {
    expect(ages('return', 30 * minute - 1)).toBe('forbid');
    expect(ages('return', 30 * minute)).toBe('ok');
    expect(ages('manual', minute)).toBe('forbid');
    expect(ages('rollback', minute)).toBe('forbid');
  });

  it('never holds back leaving a path that fails', () => {
    expect([ages('failover', minute), ages('relapse', minute)]).toEqual(['ok', 'ok']);
  });

  it('starts with the newest flip, and with no other kind of action', () => {
    const raised = flipped(minute);
    const actions = [{ ...raised, plan: { ...raised.plan, kind: 'raise-ttl' as const } }, flipped(hour)];
    expect(verdictOf('hold-down', { kind: 'return', actions })).toBe('ok');
    expect(verdictOf('hold-down', { kind: 'return', actions: [flipped(minute), flipped(hour)] })).toBe(
      'forbid',
    );
    const failed = flipped(minute, { state: 'failed', appliedAt: null });
    expect(verdictOf('hold-down', { kind: 'return', actions: [failed] })).toBe('ok');
    expect(verdictOf('hold-down', { kind: 'return', actions: [] })).toBe('ok');
  });
});

describe('flip-limit (3 in 24 h)', () => {
  const after3 = (oldest: number) => [flipped(hour), flipped(2 * hour), flipped(oldest)];

  it('counts the flips of the window, whoever made them', () => {
    expect(verdictOf('flip-limit', { actions: after3(24 * hour - 1) })).toBe('forbid');
    expect(verdictOf('flip-limit', { actions: after3(24 * hour) })).toBe('ok');
    expect(
      verdictOf('flip-limit', { actions: after3(3 * hour).map((one) => ({ ...one, by: 'person:ann' })) }),
    ).toBe('forbid');
    expect(verdictOf('flip-limit', { actions: after3(3 * hour).slice(1) })).toBe('ok');
  });

  it('counts an intent whose end is unknown', () => {
    const intended = flipped(hour, { state: 'intended', appliedAt: null });
    expect(verdictOf('flip-limit', { actions: [intended, intended, intended] })).toBe('forbid');
  });

  it('binds a relapse as well', () => {
    expect(verdictOf('flip-limit', { kind: 'relapse', actions: after3(3 * hour) })).toBe('forbid');
  });
});

describe('caches-not-clear', () => {
  it.each([
    ['return', now + 1, 'forbid'],
    ['return', now, 'ok'],
    ['return', null, 'forbid'],
    ['failover', now + hour, 'ok'],
    ['relapse', now + hour, 'ok'],
    ['rollback', now + hour, 'ok'],
  ] as const)('%s with caches clear at %s: %s', (kind, clearAt, verdict) => {
    expect(verdictOf('caches-not-clear', { kind, actions: [flipped(hour, { clearAt })] })).toBe(verdict);
  });

  it.each([
    ['conflict', hour - minute, 'forbid'],
    ['conflict', hour, 'ok'],
    ['applied', 48 * hour, 'forbid'],
  ] as const)(
    'a flip that was overwritten before it was confirmed, %s %i ms ago: %s',
    (state, agoMs, verdict) => {
      const owner = domainNameOf('example.com');
      const expected = rrsetOf(owner, 'MX', 3600, ['10 mx1.filter.example.net.']);
      const change = { provider: 'bind', zone: owner, owner, type: 'MX' as const, expected, desired: null };
      const flip = flipped(agoMs, { clearAt: null, state, appliedAt: now - agoMs });
      const overwritten = { ...flip, plan: { ...flip.plan, changes: [change] } };
      expect(verdictOf('caches-not-clear', { kind: 'return', actions: [overwritten] })).toBe(verdict);
    },
  );
});

describe('blast-radius', () => {
  it.each([
    [498, 0, true, 'ok'],
    [499, 0, true, 'forbid'],
    [0, 0.5, true, 'ok'],
    [0, 0.51, true, 'forbid'],
    [0, 0.51, false, 'ok'],
  ])('%i moved before, %f of routes silent, auto %s: %s', (movedThisRun, failingShare, isAuto, verdict) => {
    expect(verdictOf('blast-radius', { movedThisRun, failingShare, isAuto })).toBe(verdict);
  });

  it('counts an owner once, however many of its RRsets change', () => {
    const route = routeOf(
      'owners mx1.example.com\nfra: mx1.example.com=192.0.2.1, mx1.example.com=2001:db8::1\nams: mx1.example.com=192.0.2.2, mx1.example.com=2001:db8::2',
      { failover: { maxDomains: 1 } },
    );
    const live = liveOf('mx1.example.com 60 A 192.0.2.1\nmx1.example.com 60 AAAA 2001:db8::1');
    const changes = changesTo(route, route.paths[1]!, live, 60);
    expect(changes).toHaveLength(2);
    expect(verdictOf('blast-radius', { route, changes })).toBe('ok');
  });
});

describe('paused', () => {
  const pause = { route: 'support', by: 'ann', reason: 'migration', until: now + hour };

  it.each([
    ['this route', [pause], 'forbid'],
    ['every route', [{ ...pause, route: null }], 'forbid'],
    ['another route', [{ ...pause, route: 'sales' }], 'ok'],
    ['ended', [{ ...pause, until: now }], 'ok'],
  ])('%s: %s', (_, pauses, verdict) => {
    expect(verdictOf('paused', { pauses })).toBe(verdict);
  });

  it('says who, until when and why', () => {
    expect(reasonOf('paused', { pauses: [pause] })).toBe('paused by ann until 2026-11-22T13:20Z: migration');
  });
});

describe('live-drift', () => {
  const route = routeWith();
  const all = [...proxyLive];

  it.each([
    [
      'drift',
      new Map([...all, ...liveOf('example.com 60 MX 10 evil.example.')]),
      'forbid',
      /example\.com MX holds: 10 evil\.example\./,
    ],
    ['removed', new Map([...all, ...liveOf('example.com MX absent')]), 'forbid', /holds: nothing/],
    [
      'mixed',
      new Map([
        ...all,
        ...liveOf('example.com 60 MX 10 mx.example.com.\nexample.com 60 MX 90 spool.example.org.'),
      ]),
      'forbid',
      /direct at example\.com, proxy at in\.example\.com/,
    ],
    ['unseen', new Map(all.slice(1)), 'forbid', /1 RRset\(s\) could not be read/],
    ['as a path would', new Map(all), 'ok', /DNS publishes proxy/],
  ] as const)('%s', (_, live, verdict, reason) => {
    const result = guards['live-drift'](green({ live: matchLive(route, live) }));
    expect(result.verdict).toBe(verdict);
    expect(result.reason).toMatch(reason);
  });

  it('a secondary that lags is no reason to wait', () => {
    expect(verdictOf('live-drift', { disagreement: 'authorities differ' })).toBe('warn');
  });
});

describe('stale-observations', () => {
  it('looks at the hops of both paths, to the millisecond', () => {
    const old = (word: Parameters<typeof pathIs>[0], ageMs: number) => {
      const health = fresh(word);
      return {
        ...health,
        hops: health.hops.map((one) => ({ ...one, health: { ...one.health, lastAt: now - ageMs } })),
      };
    };
    expect(verdictOf('stale-observations', { target: old('ok', 3 * minute) })).toBe('ok');
    expect(verdictOf('stale-observations', { target: old('ok', 3 * minute + 1) })).toBe('forbid');
    expect(verdictOf('stale-observations', { active: old('down', 3 * minute + 1) })).toBe('forbid');
  });

  it('a hop that was never seen from here has no result to be old', () => {
    const target = pathHealth([...fresh('ok').hops, ...hops('10 v6 blind')]);
    expect(verdictOf('stale-observations', { target })).toBe('ok');
  });

  it('a clock that went back makes nothing stale', () => {
    const [one] = fresh('ok').hops;
    const target = pathHealth([{ ...one!, health: after('+++', { at: now + hour }) }]);
    expect(guards['stale-observations'](green({ target }))).toMatchObject({
      verdict: 'ok',
      reason: 'results at most 0 s old',
    });
  });
});
