// Plans as diffs: `- OWNER TTL TYPE RDATA` is replaced, `+` replaces it.

import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import {
  canonicalPlanText,
  changesTo,
  declaredTtl,
  planFaults,
  planOf,
  rollbackChanges,
  ttlFor,
} from '../../../src/change/plan.ts';
import type { Action, ChangeState, RrsetChange } from '../../../src/model/change.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { pathOf, type Route } from '../../../src/model/route.ts';
import { formatRrset, rrsetOf, type Rrset, type RrType } from '../../../src/model/rrset.ts';
import { liveOf, noon, routeOf, supportRoute, textLines } from '../../support/worlds.ts';

const lines = (mark: string, rrset: Rrset | null, change: RrsetChange) =>
  rrset === null
    ? [`${mark} ${change.owner} ${change.type} absent`]
    : formatRrset(rrset).map((line) => `${mark} ${line.replace(' IN', '')}`);
const diff = (changes: readonly RrsetChange[]) =>
  changes.flatMap((one) => [...lines('-', one.expected, one), ...lines('+', one.desired, one)]);
const to = (route: Route, path: string, live: string, ttl = 60) =>
  changesTo(route, pathOf(route, path)!, liveOf(live), ttl);

const proxyLive = `
  example.com 3600 MX 10 mx1.filter.example.net.
  example.com 3600 MX 20 mx2.filter.example.net.
  example.com 3600 MX 90 spool.example.org.
  in.example.com 300 MX 10 mx1.filter.example.net.
  in.example.com 300 MX 20 mx2.filter.example.net.
  in.example.com 300 MX 90 spool.example.org.`;

describe('changes to a path', () => {
  it('replace each RRset whole, from what is live, with the kept path beside', () => {
    expect(diff(to(supportRoute(), 'direct', proxyLive))).toEqual(
      textLines(`
        - example.com. 3600 MX 10 mx1.filter.example.net.
        - example.com. 3600 MX 20 mx2.filter.example.net.
        - example.com. 3600 MX 90 spool.example.org.
        + example.com. 60 MX 10 mx.example.com.
        + example.com. 60 MX 90 spool.example.org.
        - in.example.com. 300 MX 10 mx1.filter.example.net.
        - in.example.com. 300 MX 20 mx2.filter.example.net.
        - in.example.com. 300 MX 90 spool.example.org.
        + in.example.com. 60 MX 10 mx.example.com.
        + in.example.com. 60 MX 90 spool.example.org.`),
    );
  });

  it('take the TTL nearest to the declared one that the provider takes, and can tell so', () => {
    const bounded = (least: number, most: number): Route => {
      const route = supportRoute();
      return { ...route, records: route.records.map((one) => ({ ...one, ttlBounds: { least, most } })) };
    };
    const ttls = (route: Route, ttl: number) =>
      to(route, 'direct', proxyLive, ttl).map((one) => one.desired?.ttl);
    expect(ttls(bounded(120, 86_400), 60)).toEqual([120, 120]);
    expect(ttls(bounded(0, 30), 60)).toEqual([30, 30]);
    expect(ttls(bounded(60, 60), 60)).toEqual([60, 60]);
    const [clamped] = to(bounded(120, 86_400), 'direct', proxyLive);
    expect(declaredTtl(bounded(120, 86_400), 'manual', clamped!)).toBe(60);
    expect(declaredTtl(bounded(120, 86_400), 'rollback', clamped!)).toBeNull();
    expect(declaredTtl(bounded(0, 86_400), 'manual', to(supportRoute(), 'direct', proxyLive)[0]!)).toBeNull();
  });

  it('leave out what already is so', () => {
    const changes = to(supportRoute(), 'proxy', proxyLive, 3600);
    expect(changes.map((one) => one.owner)).toEqual(['in.example.com.']);
    expect(to(supportRoute(), 'proxy', proxyLive.replaceAll(' 300 ', ' 3600 '), 3600)).toEqual([]);
  });

  it('create what is absent', () => {
    const route = routeOf('a: 10 a.example');
    expect(diff(to(route, 'a', 'example.com MX absent'))).toEqual([
      '- example.com. MX absent',
      '+ example.com. 60 MX 10 a.example.',
    ]);
  });

  it('carry provider and zone of their records', () => {
    const records = ['example.com', 'example.org'].map((zone) => ({
      provider: `at-${zone}`,
      zone: domainNameOf(zone),
      owners: [domainNameOf(zone)],
      authorities: null,
    }));
    const changes = to(
      routeOf('a: 10 a.example', { records }),
      'a',
      'example.com MX absent\nexample.org MX absent',
    );
    expect(changes.map((one) => [one.provider, one.zone])).toEqual([
      ['at-example.com', 'example.com.'],
      ['at-example.org', 'example.org.'],
    ]);
  });
});

describe('an owner is never without any address between two changes', () => {
  const route = routeOf(`
    owners mx1.example.com mx2.example.com
    v4: mx1.example.com=192.0.2.1, mx2.example.com=192.0.2.2
    v6: mx1.example.com=2001:db8::1, mx2.example.com=2001:db8::2`);
  const v4 =
    'mx1.example.com 60 A 192.0.2.1\nmx1.example.com AAAA absent\nmx2.example.com 60 A 192.0.2.2\nmx2.example.com AAAA absent';
  const changes = to(route, 'v6', v4);

  it('the new family is written before the old is removed', () => {
    expect(diff(changes)).toEqual(
      textLines(`
        - mx1.example.com. AAAA absent
        + mx1.example.com. 60 AAAA 2001:db8::1
        - mx1.example.com. 60 A 192.0.2.1
        + mx1.example.com. A absent
        - mx2.example.com. AAAA absent
        + mx2.example.com. 60 AAAA 2001:db8::2
        - mx2.example.com. 60 A 192.0.2.2
        + mx2.example.com. A absent`),
    );
    expect(planFaults(changes, liveOf(v4))).toEqual([]);
  });

  it('and on the way back as well', () => {
    const back = rollbackChanges(actionOf(changes, ['confirmed', 'confirmed', 'confirmed', 'confirmed']));
    expect(planFaults(back)).toEqual([]);
    expect(back.map((one) => `${one.owner} ${one.type} ${one.desired === null ? '-' : '+'}`)).toEqual([
      'mx2.example.com. A +',
      'mx2.example.com. AAAA -',
      'mx1.example.com. A +',
      'mx1.example.com. AAAA -',
    ]);
  });
});

function actionOf(changes: readonly RrsetChange[], changeStates: readonly ChangeState[]): Action {
  return {
    id: '01',
    plan: {
      id: '',
      digest: '',
      route: 'support',
      kind: 'failover',
      from: 'proxy',
      to: 'direct',
      changes,
      madeAt: noon,
    },
    by: 'auto@here',
    reason: '',
    overrides: [],
    leaseToken: 1,
    state: 'confirmed',
    changeStates,
    intendedAt: noon,
    appliedAt: noon,
    confirmedAt: noon,
    clearAt: null,
    rollbackOf: null,
    note: null,
  };
}

describe('rollback puts back exactly what was replaced', () => {
  const changes = to(supportRoute(), 'direct', proxyLive);

  it('values and TTL of each RRset, the last one first', () => {
    const back = rollbackChanges(actionOf(changes, ['confirmed', 'applied']));
    expect(back.map((one) => [one.owner, one.expected, one.desired])).toEqual([
      ['in.example.com.', changes[1]!.desired, changes[1]!.expected],
      ['example.com.', changes[0]!.desired, changes[0]!.expected],
    ]);
    expect(back.map((one) => one.desired?.ttl)).toEqual([300, 3600]);
  });

  it.each([
    [['confirmed', 'failed'], ['example.com.']],
    [['conflict', 'applied'], ['in.example.com.']],
    [['pending', 'pending'], []],
    [['applied'], ['example.com.']],
  ] as [ChangeState[], string[]][])('of %j only what reached the provider', (states, owners) => {
    expect(rollbackChanges(actionOf(changes, states)).map((one) => one.owner)).toEqual(owners);
  });

  it('never removes an MX RRset that the action created', () => {
    const created = to(routeOf('a: 10 a.example'), 'a', 'example.com MX absent');
    const back = rollbackChanges(actionOf(created, ['confirmed']));
    expect(planFaults(back)).toEqual(['example.com. MX would be removed: mail would fall to its A record']);
  });
});

describe('what no plan may do', () => {
  const owner = domainNameOf('example.com');
  const change = (type: RrType, desired: Rrset | null, expected: Rrset | null = null): RrsetChange => ({
    provider: 'bind',
    zone: owner,
    owner,
    type,
    expected,
    desired,
  });
  const mx = (...rdata: string[]) => rrsetOf(owner, 'MX', 60, rdata);
  const a = rrsetOf(owner, 'A', 60, ['192.0.2.1']);
  const aaaa = rrsetOf(owner, 'AAAA', 60, ['2001:db8::1']);

  it.each<[string, RrsetChange[], string[]]>([
    ['a sound one', [change('MX', mx('10 a.', '20 b.'))], []],
    ['null MX alone', [change('MX', mx('0 .'))], []],
    [
      'MX removed',
      [change('MX', null)],
      ['example.com. MX would be removed: mail would fall to its A record'],
    ],
    ['MX empty', [change('MX', mx())], ['example.com. MX would be empty']],
    [
      'null MX beside another',
      [change('MX', mx('0 .', '10 a.'))],
      ['example.com. MX would mix null MX with others'],
    ],
    [
      'null MX of odd preference beside another',
      [change('MX', mx('10 .', '10 a.'))],
      ['example.com. MX would mix null MX with others'],
    ],
    [
      'no MX value',
      [change('MX', mx('10 a.', 'a.'))],
      ['example.com. MX would hold what is not an MX value'],
    ],
    ['negative TTL', [change('MX', { ...mx('10 a.'), ttl: -1 })], ['example.com. MX would have a TTL of -1']],
    [
      'TTL beyond 31 bits',
      [change('MX', { ...mx('10 a.'), ttl: 2 ** 31 })],
      ['example.com. MX would have a TTL of 2147483648'],
    ],
    [
      'TTL of half a second',
      [change('MX', { ...mx('10 a.'), ttl: 0.5 })],
      ['example.com. MX would have a TTL of 0.5'],
    ],
    [
      'TTL that is no number',
      [change('MX', { ...mx('10 a.'), ttl: NaN })],
      ['example.com. MX would have a TTL of NaN'],
    ],
    [
      'another owner',
      [change('MX', { ...mx('10 a.'), owner: domainNameOf('b.') })],
      ['example.com. MX would be written elsewhere'],
    ],
    ['A for AAAA', [change('AAAA', a)], ['example.com. AAAA would be written elsewhere']],
    [
      'both families removed',
      [change('A', null, a), change('AAAA', null, aaaa)],
      ['example.com. would be left without any address'],
    ],
    [
      'the only family removed before the other is written',
      [change('A', null, a), change('AAAA', aaaa)],
      ['example.com. would be left without any address'],
    ],
    ['the only family removed after the other was written', [change('AAAA', aaaa), change('A', null, a)], []],
    ['AAAA removed, A replaced', [change('A', a, a), change('AAAA', null, aaaa)], []],
    ['AAAA removed, A untouched', [change('AAAA', null, aaaa)], []],
  ])('%s', (_, changes, faults) => {
    expect(planFaults(changes)).toEqual(faults);
  });

  it.each([
    [
      'example.com 60 AAAA 2001:db8::1\nexample.com A absent',
      ['example.com. would be left without any address'],
    ],
    ['example.com 60 AAAA 2001:db8::1\nexample.com 60 A 192.0.2.1', []],
  ])('live %j tells whether the removed family was the only one', (live, faults) => {
    expect(planFaults([change('AAAA', null, aaaa)], liveOf(live))).toEqual(faults);
  });
});

describe('the digest is over what is written where, and from what', () => {
  const changes = to(supportRoute(), 'direct', proxyLive);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const intent = { route: 'support', kind: 'failover', from: 'proxy', to: 'direct', madeAt: noon } as const;

  it('as this text', () => {
    expect(canonicalPlanText('support', changes.slice(0, 1))).toBe(
      textLines(`
        mxctl-plan-v1 support
        @ bind example.com. example.com. MX
        - example.com. 3600 IN MX 10 mx1.filter.example.net.
        - example.com. 3600 IN MX 20 mx2.filter.example.net.
        - example.com. 3600 IN MX 90 spool.example.org.
        + example.com. 60 IN MX 10 mx.example.com.
        + example.com. 60 IN MX 90 spool.example.org.`).join('\n'),
    );
  });

  it('absence stands in it as a word', () => {
    const created = to(routeOf('a: 10 a.example'), 'a', 'example.com MX absent');
    expect(canonicalPlanText('support', created).split('\n')[2]).toBe('- (absent)');
  });

  it('is the same whenever and whyever the plan is made, and its first six digits are the id', () => {
    const plan = planOf(intent, changes, sha256);
    const later = planOf({ ...intent, kind: 'manual', madeAt: noon + 1 }, changes, sha256);
    expect(later.digest).toBe(plan.digest);
    expect(plan.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(plan.id).toBe(plan.digest.slice(0, 6));
  });

  it.each<[string, (one: RrsetChange) => RrsetChange]>([
    ['a TTL', (one) => ({ ...one, desired: { ...one.desired!, ttl: 61 } })],
    ['a TTL it was made from', (one) => ({ ...one, expected: { ...one.expected!, ttl: 61 } })],
    ['a value', (one) => ({ ...one, desired: rrsetOf(one.owner, 'MX', 60, ['10 b.']) })],
    ['the provider', (one) => ({ ...one, provider: 'other' })],
    ['the zone', (one) => ({ ...one, zone: domainNameOf('com') })],
    ['absence', (one) => ({ ...one, expected: null })],
  ])('is another with %s', (_, alter) => {
    const other = changes.map((one, at) => (at === 0 ? alter(one) : one));
    expect(planOf(intent, other, sha256).digest).not.toBe(planOf(intent, changes, sha256).digest);
  });

  it('is another for another order, and for another route', () => {
    const { digest } = planOf(intent, changes, sha256);
    expect(planOf(intent, changes.toReversed(), sha256).digest).not.toBe(digest);
    expect(planOf({ ...intent, route: 'sales' }, changes, sha256).digest).not.toBe(digest);
  });
});

describe('the TTL a path is published with', () => {
  it.each([
    ['failover', 60],
    ['return', 60],
    ['relapse', 60],
    ['manual', 60],
    ['raise-ttl', 3600],
  ] as const)('%s: %i', (kind, ttl) => {
    expect(ttlFor(supportRoute(), kind)).toBe(ttl);
  });

  it('is never raised by a failover', () => {
    expect(ttlFor(supportRoute({ ttl: 30 }), 'failover')).toBe(30);
  });
});
