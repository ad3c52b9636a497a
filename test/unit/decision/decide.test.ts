// One route (proxy preferred, then direct and ams), what DNS publishes, how each path is: what decide() makes of it.

import { describe, expect, it } from 'vitest';

import {
  decide,
  type Decided,
  type DecisionInput,
  type FlipFacts,
  type LiveView,
} from '../../../src/decision/decide.ts';
import { transitions, type Condition, type Verb } from '../../../src/decision/table.ts';
import type { ActionKind, GuardName, GuardResult } from '../../../src/model/change.ts';
import type { Phase } from '../../../src/model/route-state.ts';
import { hour, minute, noon, pathIs, routeOf, type RouteOver } from '../../support/worlds.ts';

type PathWord = Parameters<typeof pathIs>[0];

interface Scene {
  readonly live?: LiveView;
  /** `proxy direct ams`, a word each. */
  readonly health?: string;
  readonly flip?: Partial<FlipFacts> | null;
  readonly isCutOff?: boolean;
  /** Paths within a window. */
  readonly maintenance?: readonly string[];
  readonly noQuorum?: string;
  readonly route?: RouteOver;
  /** Guards that forbid, by path. */
  readonly refused?: Readonly<Record<string, readonly GuardName[]>>;
  readonly notices?: DecisionInput['notices'];
  readonly now?: number;
}

const publishes = (path: string, leastTtl = 3600): LiveView => ({ kind: 'path', path, leastTtl });
const unseen: LiveView = { kind: 'unseen', reason: '2 RRset(s) could not be read' };
const foreign: LiveView = { kind: 'foreign', reason: 'no path publishes what example.com MX holds' };
/** A flip of auto to `to`, long settled. */
const flip = (to: string, agoMs = 2 * hour): FlipFacts => ({
  at: noon - agoMs,
  to,
  isSettled: true,
  isByPerson: false,
});

function inputOf(scene: Scene, asked: [string, ActionKind][] = []): DecisionInput {
  const route = routeOf(
    'ttl 3600/60\nproxy: 10 mx.filter.example\ndirect: 10 mx.example.com\nams: 10 mx.ams.example',
    scene.route,
  );
  const [proxy = 'ok', direct = 'ok', ams = 'ok'] = (scene.health ?? '').split(' ').filter(Boolean);
  return {
    route,
    live: scene.live ?? publishes('proxy'),
    health: new Map(
      Object.entries({ proxy, direct, ams }).map(([name, word]) => [name, pathIs(word as PathWord)]),
    ),
    isCutOff: scene.isCutOff ?? false,
    noQuorum: scene.noQuorum ?? null,
    maintenance: new Set(scene.maintenance),
    lastFlip: scene.flip == null ? null : { ...flip('direct'), ...scene.flip },
    notices: scene.notices ?? [],
    now: scene.now ?? noon,
    assess: (path, kind): GuardResult[] => {
      asked.push([path, kind]);
      const names = scene.refused?.[path] ?? [];
      return [
        { name: 'dane', verdict: 'skipped', reason: '' },
        { name: 'live-drift', verdict: 'warn', reason: '' },
        ...names.map((name) => ({ name, verdict: 'forbid' as const, reason: `because of ${name}` })),
      ];
    },
  };
}

const decided = (scene: Scene): Decided => decide(null, inputOf(scene));

/** The decision in a line. */
function line({ decision }: Decided): string {
  switch (decision.kind) {
    case 'move':
      return `move ${decision.to} (${decision.action})`;
    case 'hold': {
      const refused = decision.refusals.map(
        (one) => `${one.path}: ${one.guards.map((guard) => guard.name).join()}`,
      );
      return [
        `hold ${decision.to ?? '-'} (${decision.action})`,
        ...(decision.isModeOnly ? ['mode'] : []),
        ...refused,
      ].join(' | ');
    }
    default:
      return decision.kind;
  }
}

const short = '2 vantages must agree, and only fra can tell';

/** A scene for each cell of the table that the world can reach, and what it comes to with all guards green. */
const cells: Readonly<Record<Phase, Partial<Record<Condition, readonly [Scene, string]>>>> = {
  unknown: {
    unseen: [{ live: unseen, health: 'down' }, 'undecided'],
  },
  preferred: {
    unseen: [{ health: 'down', flip: { isSettled: false } }, 'undecided'],
    'cut-off': [{ health: 'down down down', isCutOff: true }, 'undecided'],
    'no-quorum': [{ health: 'unknown', noQuorum: short }, 'undecided'],
    unmeasured: [{ health: 'unknown' }, 'watch'],
    down: [{ health: 'down' }, 'move direct (failover)'],
    maintenance: [{ health: 'down', maintenance: ['proxy'] }, 'stay'],
    well: [{ health: 'ok down down' }, 'stay'],
  },
  'failed-over': {
    unseen: [{ live: publishes('direct', 60), flip: { isSettled: false } }, 'undecided'],
    'cut-off': [{ live: publishes('direct', 60), health: 'down down down', isCutOff: true }, 'undecided'],
    'no-quorum': [{ live: publishes('direct', 60), noQuorum: short }, 'undecided'],
    unmeasured: [{ live: publishes('direct', 60), health: 'ok unknown' }, 'watch'],
    down: [{ live: publishes('direct', 60), health: 'ok down', flip: {} }, 'move proxy (failover)'],
    maintenance: [{ live: publishes('direct', 60), health: 'ok down', maintenance: ['direct'] }, 'stay'],
    well: [{ live: publishes('direct', 60), health: 'down ok', flip: {} }, 'stay'],
    'preferred-up': [{ live: publishes('direct', 60), health: 'ok ok', flip: {} }, 'move proxy (return)'],
  },
  probation: {
    unseen: [{ live: publishes('proxy', 60), flip: { to: 'proxy', isSettled: false } }, 'undecided'],
    'cut-off': [
      { live: publishes('proxy', 60), flip: { to: 'proxy' }, health: 'down', isCutOff: true },
      'undecided',
    ],
    'no-quorum': [{ live: publishes('proxy', 60), flip: { to: 'proxy' }, noQuorum: short }, 'undecided'],
    unmeasured: [{ live: publishes('proxy', 60), flip: { to: 'proxy' }, health: 'unknown' }, 'watch'],
    down: [
      { live: publishes('proxy', 60), flip: flip('proxy', hour), health: 'down' },
      'move direct (failover)',
    ],
    maintenance: [
      { live: publishes('proxy', 60), flip: { to: 'proxy' }, health: 'down', maintenance: ['proxy'] },
      'stay',
    ],
    well: [{ live: publishes('proxy', 60), flip: flip('proxy', 2 * hour - 1) }, 'stay'],
    proven: [{ live: publishes('proxy', 60), flip: flip('proxy', 2 * hour) }, 'move proxy (raise-ttl)'],
  },
  drift: {
    unseen: [{ live: foreign, flip: { isSettled: false } }, 'undecided'],
    foreign: [{ live: foreign, health: 'down' }, 'report'],
  },
};

const reachable = Object.entries(cells).flatMap(([phase, row]) =>
  Object.entries(row).map(([condition, [scene, expected]]) => ({ phase, condition, scene, expected })),
);
const allCells = (Object.keys(transitions) as Phase[]).flatMap((phase) =>
  (Object.keys(transitions[phase]) as Condition[]).map((condition) => ({ phase, condition })),
);
/** What each verb comes to where every guard is green. */
const comesTo: Readonly<Record<Verb, RegExp>> = {
  undecided: /^undecided$/,
  report: /^report$/,
  watch: /^watch$/,
  stay: /^stay$/,
  leave: /^move \S+ \((failover|relapse)\)$/,
  return: /^move \S+ \(return\)$/,
  'raise-ttl': /^move \S+ \(raise-ttl\)$/,
};

describe('every cell of the table that the world can reach', () => {
  it.each(reachable)('$phase, $condition: $expected', ({ phase, condition, scene, expected }) => {
    const result = decided(scene);
    expect([result.phase, result.condition, line(result)]).toEqual([phase, condition, expected]);
    expect(expected).toMatch(comesTo[transitions[phase as Phase][condition as Condition]]);
  });

  it('those it cannot reach move nothing', () => {
    const moving: readonly Verb[] = ['leave', 'return', 'raise-ttl'];
    const unreachable = allCells.filter(({ phase, condition }) => cells[phase][condition] === undefined);
    expect(
      unreachable.filter(({ phase, condition }) => moving.includes(transitions[phase][condition])),
    ).toEqual([]);
    expect(reachable).toHaveLength(allCells.length - unreachable.length);
  });
});

describe('leaving', () => {
  it.each<[string, Scene, string]>([
    ['a degraded path is not left', { health: 'degraded' }, 'stay'],
    ['a path that bounces is', { health: 'bouncing' }, 'move direct (failover)'],
    [
      'to the first that no guard refuses',
      { health: 'down', refused: { direct: ['target-unhealthy'] } },
      'move ams (failover)',
    ],
    [
      'nowhere, where all are refused',
      {
        health: 'down down down',
        refused: { direct: ['target-unhealthy'], ams: ['target-unhealthy', 'target-rcpt'] },
      },
      'hold - (failover) | direct: target-unhealthy | ams: target-unhealthy,target-rcpt',
    ],
    ['nowhere, where there is nowhere', { health: 'down', route: { failoverTo: [] } }, 'hold - (failover)'],
    [
      'from a failover path the preferred one comes first',
      { live: publishes('direct'), health: 'ok down ok' },
      'move proxy (failover)',
    ],
    [
      'from a failover path to the next, where the preferred one is still down',
      { live: publishes('direct'), health: 'down down ok', refused: { proxy: ['target-unhealthy'] } },
      'move ams (failover)',
    ],
    [
      'from a path that is only declared',
      {
        live: publishes('ams'),
        health: 'down ok down',
        route: { failoverTo: ['direct'] },
        refused: { proxy: ['paused'] },
      },
      'move direct (failover)',
    ],
  ])('%s', (_, scene, expected) => {
    expect(line(decided(scene))).toBe(expected);
  });

  it.each<[string, number, string, string]>([
    ['soon after the flip that chose it', 30 * minute - 1, 'direct', 'move ams (relapse)'],
    ['later', 30 * minute, 'direct', 'move ams (failover)'],
    ['soon after a flip that chose another', minute, 'ams', 'move ams (failover)'],
  ])('is a relapse where the target fails %s', (_, agoMs, to, expected) => {
    const scene = { live: publishes('direct', 60), health: 'down down ok', flip: flip(to, agoMs) };
    expect(line(decided({ ...scene, refused: { proxy: ['target-unhealthy'] } }))).toBe(expected);
  });

  it('asks the guards of no path beyond the one it takes, and never of the active one', () => {
    const asked: [string, ActionKind][] = [];
    decide(null, inputOf({ health: 'down' }, asked));
    expect(asked).toEqual([['direct', 'failover']]);
    const all: [string, ActionKind][] = [];
    decide(
      null,
      inputOf(
        { live: publishes('direct'), health: 'down down', refused: { proxy: ['paused'], ams: ['paused'] } },
        all,
      ),
    );
    expect(all.map(([path]) => path)).toEqual(['proxy', 'ams']);
  });
});

describe('the mode', () => {
  it.each<['observe' | 'manual' | 'auto', string]>([
    ['observe', 'hold direct (failover) | mode'],
    ['manual', 'hold direct (failover) | mode'],
    ['auto', 'move direct (failover)'],
  ])('%s: %s', (mode, expected) => {
    const result = decided({ health: 'down', route: { failover: { mode } } });
    expect(line(result)).toBe(expected);
    if (mode !== 'auto') {
      expect(result.reasons.at(-1)).toBe(`would move to direct, but mode: ${mode} leaves that to a person`);
    }
  });

  it('manual still says which paths were refused before', () => {
    const scene: Scene = {
      health: 'down',
      route: { failover: { mode: 'manual' } },
      refused: { direct: ['mta-sts'] },
    };
    expect(line(decided(scene))).toBe('hold ams (failover) | mode | direct: mta-sts');
  });
});

describe('coming back', () => {
  const back: Scene = { live: publishes('direct', 60), health: 'ok ok', flip: {} };

  it.each<[string, Scene, string]>([
    ['auto undoes what auto did', back, 'move proxy (return)'],
    ['a degraded preferred path will do', { ...back, health: 'degraded ok' }, 'move proxy (return)'],
    ['not to one that is not measured', { ...back, health: 'unknown ok' }, 'stay'],
    [
      'not with failback: manual',
      { ...back, route: { failover: { failback: 'manual' } } },
      'hold proxy (return) | mode',
    ],
    [
      'not in mode manual',
      { ...back, route: { failover: { mode: 'manual' } } },
      'hold proxy (return) | mode',
    ],
    ['not where a person moved it', { ...back, flip: { isByPerson: true } }, 'hold proxy (return) | mode'],
    ['not where mxctl did not move it', { ...back, flip: null }, 'hold proxy (return) | mode'],
    [
      'not before the guards allow, and to no other path instead',
      { ...back, refused: { proxy: ['hold-down', 'caches-not-clear'] } },
      'hold - (return) | proxy: hold-down,caches-not-clear',
    ],
    [
      'but what a person chose is left when it fails',
      { ...back, health: 'ok down', flip: { isByPerson: true } },
      'move proxy (failover)',
    ],
  ])('%s', (_, scene, expected) => {
    expect(line(decided(scene))).toBe(expected);
  });

  it.each<[string, Scene, string]>([
    [
      'a person did it',
      { ...back, flip: { isByPerson: true } },
      'would move to proxy, but a move made by a person leaves that to a person',
    ],
    [
      'nobody we know did',
      { ...back, flip: null },
      'would move to proxy, but an active path that mxctl did not choose leaves that to a person',
    ],
    [
      'failback',
      { ...back, route: { failover: { failback: 'manual' } } },
      'would move to proxy, but failback: manual leaves that to a person',
    ],
  ])('and says why not: %s', (_, scene, reason) => {
    expect(decided(scene).reasons.at(-1)).toBe(reason);
  });
});

describe('probation', () => {
  const returned: Scene = { live: publishes('proxy', 60), flip: flip('proxy', 3 * hour) };
  const recordsTaking = (least: number, most: number) =>
    routeOf('proxy: 10 mx.filter.example').records.map((one) => ({ ...one, ttlBounds: { least, most } }));

  it.each<[string, Scene, Phase, string]>([
    ['ends by raising the TTL', returned, 'probation', 'move proxy (raise-ttl)'],
    [
      'ends the same where a person had gone back',
      { ...returned, flip: { ...flip('proxy', 3 * hour), isByPerson: true } },
      'probation',
      'move proxy (raise-ttl)',
    ],
    [
      'is left to a person with failback: manual',
      { ...returned, route: { failover: { failback: 'manual' } } },
      'probation',
      'hold proxy (raise-ttl) | mode',
    ],
    [
      'is not ended by a pause',
      { ...returned, refused: { proxy: ['paused'] } },
      'probation',
      'hold - (raise-ttl) | proxy: paused',
    ],
    [
      'a low TTL that no flip explains is somebody’s choice',
      { ...returned, flip: null },
      'preferred',
      'stay',
    ],
    ['a low TTL after a flip elsewhere is too', { ...returned, flip: flip('direct') }, 'preferred', 'stay'],
    ['is over with the normal TTL', { ...returned, live: publishes('proxy', 3600) }, 'preferred', 'stay'],
    [
      'is over with the highest TTL that the provider takes',
      {
        ...returned,
        live: publishes('proxy', 1800),
        route: { records: recordsTaking(60, 1800) },
      },
      'preferred',
      'stay',
    ],
    [
      'lasts below the highest TTL that the provider takes',
      { ...returned, route: { records: recordsTaking(60, 1800) } },
      'probation',
      'move proxy (raise-ttl)',
    ],
    [
      'a relapse within it is answered at once',
      { ...returned, flip: flip('proxy', minute), health: 'down' },
      'probation',
      'move direct (relapse)',
    ],
  ])('%s', (_, scene, phase, expected) => {
    const result = decided(scene);
    expect([result.phase, line(result)]).toEqual([phase, expected]);
  });
});

describe('what it remembers', () => {
  const first = decide(null, inputOf({}));

  it('counts runs, and since when path and phase are what they are', () => {
    const second = decide(first.state, inputOf({ now: noon + minute }));
    expect(second.state).toMatchObject({
      phase: 'preferred',
      phaseSince: noon,
      activePath: 'proxy',
      activeSince: noon,
      runs: 2,
      lastRunAt: noon + minute,
      lastDecision: 'stay',
    });
    const third = decide(second.state, inputOf({ live: publishes('direct'), now: noon + hour }));
    expect(third.state).toMatchObject({
      phase: 'failed-over',
      phaseSince: noon + hour,
      activePath: 'direct',
      activeSince: noon + hour,
      runs: 3,
    });
  });

  it('keeps the path it last saw while none can be seen', () => {
    const blind = decide(first.state, inputOf({ live: unseen, now: noon + minute }));
    expect(blind.state).toMatchObject({ phase: 'unknown', activePath: 'proxy', activeSince: noon });
  });

  it('never decides from it', () => {
    const lying = { ...first.state, phase: 'failed-over', activePath: 'direct' } as const;
    expect(line(decide(lying, inputOf({ health: 'down' })))).toBe('move direct (failover)');
  });
});

describe('announced work', () => {
  const failedOver = { live: publishes('direct', 60), flip: {} } as const;

  it('on the preferred path keeps mail from returning to it, up as it may be', () => {
    expect(line(decided({ ...failedOver, health: 'ok ok', maintenance: ['proxy'] }))).toBe('stay');
  });

  it('on a standby makes it the last resort', () => {
    expect(line(decided({ health: 'down ok ok', maintenance: ['direct'] }))).toBe('move ams (failover)');
    const scene: Scene = { health: 'down ok ok', maintenance: ['direct'], refused: { ams: ['mta-sts'] } };
    expect(line(decided(scene))).toContain('move direct (failover)');
  });

  it('makes no news of a path that it concerns', () => {
    const result = decided({ health: 'ok down down', maintenance: ['direct'] });
    expect(result.state.downPaths).toEqual(['ams']);
    expect(result.reasons.join()).not.toContain('direct');
  });
});

describe('too few vantages', () => {
  it('are said before what is seen, and after what is cut off', () => {
    expect(decided({ health: 'down', noQuorum: short }).reasons[0]).toBe(short);
    expect(decided({ health: 'down', noQuorum: short, isCutOff: true }).condition).toBe('cut-off');
  });
});

describe('what was found beside', () => {
  const notices = [{ key: 'canary-mailbox', text: 'canaries are late by proxy and direct alike' }];

  it('is a reason told and remembered, and moves nothing', () => {
    const result = decided({ notices });
    expect(line(result)).toBe('stay');
    expect(result.reasons).toEqual(['proxy takes mail', 'canaries are late by proxy and direct alike']);
    expect(result.state.notices).toEqual(['canary-mailbox']);
  });
});

describe('the reasons', () => {
  it.each<[string, Scene, readonly string[]]>([
    ['well', {}, ['proxy takes mail']],
    ['down', { health: 'down' }, ['proxy is down: mx1.example.net [192.0.2.1]: 421 at banner']],
    ['unseen', { live: unseen }, ['cannot tell what DNS publishes: 2 RRset(s) could not be read']],
    ['foreign', { live: foreign }, ['no path publishes what example.com MX holds']],
    ['unsettled', { flip: { isSettled: false } }, ['an action of ours is not settled yet']],
    [
      'cut off',
      { health: 'down', isCutOff: true },
      ['nothing answers from here, other hosts neither: the fault is here'],
    ],
    [
      'both bad',
      { health: 'down', refused: { direct: ['target-unhealthy'], ams: ['paused'] } },
      [
        'proxy is down: mx1.example.net [192.0.2.1]: 421 at banner',
        'direct refused: target-unhealthy (because of target-unhealthy)',
        'ams refused: paused (because of paused)',
      ],
    ],
    [
      'nowhere to go',
      { health: 'down', route: { failoverTo: [] } },
      ['proxy is down: mx1.example.net [192.0.2.1]: 421 at banner', 'no path to move to'],
    ],
  ])('%s', (_, scene, reasons) => {
    expect(decided(scene).reasons).toEqual(reasons);
  });
});
