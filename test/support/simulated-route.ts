// One route in a simulated world: DNS that a plan is applied to RRset by RRset, hops that answer as told, a journal, and
// an unattended run that decides, acts, may be killed half way, and recovers. Time only moves when told to.

import type { GuardContext } from '../../src/change/guards/context.ts';
import { judge } from '../../src/change/guards/index.ts';
import { changesTo, ttlFor } from '../../src/change/plan.ts';
import { matchLive, rrsetKey, type LiveMatch } from '../../src/change/published.ts';
import {
  decide,
  type Decided,
  type DecisionInput,
  type FlipFacts,
  type LiveView,
} from '../../src/decision/decide.ts';
import { healthAsOf, stepHop, unmeasured } from '../../src/health/hop.ts';
import { pathHealth } from '../../src/health/path.ts';
import {
  isByPerson,
  isFlip,
  isUnsettled,
  personNamed,
  type Action,
  type ActionKind,
} from '../../src/model/change.ts';
import type { HopHealth, PathHealth } from '../../src/model/hop-health.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { RouteState } from '../../src/model/route-state.ts';
import { pathOf, type Route } from '../../src/model/route.ts';
import { isSameRrset, type Rrset } from '../../src/model/rrset.ts';
import { noon, observe, routeOf, type RouteOver } from './worlds.ts';

export const simulatedPaths = ['proxy', 'direct', 'ams'] as const;
export type SimulatedPath = (typeof simulatedPaths)[number];

/** Where a run is killed: after so many RRsets were written, the journal still saying `intended`. */
export type Crash = number | null;

export class SimulatedRoute {
  readonly route: Route;
  now = noon;
  live = new Map<string, Rrset | null>();
  /** Newest first. */
  actions: Action[] = [];
  state: RouteState | null = null;
  readonly #hops = new Map<SimulatedPath, HopHealth>();
  #observations = new Map<SimulatedPath, Observation>();

  constructor(over: RouteOver = {}) {
    this.route = routeOf(
      `owners example.com in.example.com x.example.com
       ttl 3600/60
       proxy: 10 mx.filter.example
       direct: 10 mx.example.com
       ams: 10 mx.ams.example`,
      over,
    );
    this.#write('proxy', this.route.ttl);
  }

  /** Every path is probed: one mark for each. */
  probe(marks: readonly string[]): void {
    this.#observations = new Map();
    for (const [at, path] of simulatedPaths.entries()) {
      const observation = observe(marks[at] ?? '?', this.now);
      this.#observations.set(path, observation);
      this.#hops.set(path, stepHop(this.#hops.get(path) ?? unmeasured, observation, this.route.probe));
    }
  }

  health(): Map<string, PathHealth> {
    return new Map(
      simulatedPaths.map((path, at) => {
        const hop = { exchange: observe('?').exchange, address: `192.0.2.${at + 1}`, port: 25 };
        const health = healthAsOf(this.#hops.get(path) ?? unmeasured, this.now, this.route.probe);
        return [path, pathHealth([{ hop, preference: 10, health }])];
      }),
    );
  }

  match(): LiveMatch {
    return matchLive(this.route, this.live);
  }

  context(path: string, kind: ActionKind): GuardContext {
    const [match, health] = [this.match(), this.health()];
    const to = pathOf(this.route, path)!;
    const isDown = match.kind === 'path' && health.get(match.path)?.status === 'down';
    return {
      route: this.route,
      kind,
      to,
      now: this.now,
      isAuto: true,
      live: match,
      revert: null,
      disagreement: null,
      changes: changesTo(this.route, to, this.live, ttlFor(this.route, kind)),
      target: health.get(path)!,
      active: match.kind === 'path' ? (health.get(match.path) ?? null) : null,
      observations: [this.#observations.get(path as SimulatedPath) ?? []].flat(),
      vantage: 'unproven',
      votes: { activeDown: isDown ? 1 : 0, targetUp: 1 },
      actions: this.actions,
      pauses: [],
      brakes: [],
      vantageName: 'here',
      movedThisRun: 0,
      failingShare: 0,
      sts: null,
      dane: null,
    };
  }

  input(over: Partial<DecisionInput> = {}): DecisionInput {
    return {
      route: this.route,
      live: viewOf(this.match()),
      health: this.health(),
      isCutOff: false,
      noQuorum: null,
      maintenance: new Set(),
      lastFlip: this.#lastFlip(),
      notices: [],
      now: this.now,
      assess: (path, kind) => judge(this.context(path, kind)),
      ...over,
    };
  }

  /** One unattended run; what it decided. A killed one writes no more after `crash` RRsets. */
  run(crash: Crash = null): Decided {
    this.recover();
    const decided = decide(this.state, this.input());
    this.state = decided.state;
    if (decided.decision.kind === 'move')
      this.#act(decided.decision.to, decided.decision.action, 'auto@here', crash);
    return decided;
  }

  /** A person moves the route whatever any guard says. */
  moveByPerson(path: SimulatedPath): void {
    this.recover();
    this.#act(path, 'manual', personNamed('ann'), null);
  }

  #act(path: string, kind: ActionKind, by: string, crash: Crash): void {
    const match = this.match();
    const changes = changesTo(this.route, pathOf(this.route, path)!, this.live, ttlFor(this.route, kind));
    const from = match.kind === 'path' ? match.path : null;
    this.actions.unshift({
      id: String(this.actions.length),
      plan: { id: '', digest: '', route: this.route.name, kind, from, to: path, changes, madeAt: this.now },
      by,
      reason: '',
      overrides: [],
      leaseToken: this.actions.length,
      state: 'intended',
      changeStates: changes.map(() => 'pending'),
      intendedAt: this.now,
      appliedAt: null,
      confirmedAt: null,
      clearAt: null,
      rollbackOf: null,
      note: null,
    });
    for (const change of changes.slice(0, crash ?? changes.length)) {
      this.live.set(rrsetKey(change.owner, change.type), change.desired);
    }
    if (crash === null) this.#settle(0);
  }

  /** What a run does first: an intent whose end is unknown is compared with what is live. */
  recover(): void {
    for (const [at, action] of this.actions.entries()) {
      if (!isUnsettled(action.state)) continue;
      const { changes } = action.plan;
      const isDone = changes.map((one) =>
        isSameRrset(this.live.get(rrsetKey(one.owner, one.type)) ?? null, one.desired),
      );
      if (!isDone.includes(true) && changes.length > 0) {
        this.actions[at] = { ...action, state: 'failed' };
        continue;
      }
      for (const one of changes) this.live.set(rrsetKey(one.owner, one.type), one.desired);
      this.#settle(at);
    }
  }

  #settle(at: number): void {
    const action = this.actions[at]!;
    const oldTtl = Math.max(0, ...action.plan.changes.map((one) => one.expected?.ttl ?? 0));
    this.actions[at] = {
      ...action,
      state: 'confirmed',
      changeStates: action.changeStates.map(() => 'confirmed'),
      appliedAt: action.intendedAt,
      confirmedAt: this.now,
      clearAt: this.now + (oldTtl + 1) * 1000,
    };
  }

  #lastFlip(): FlipFacts | null {
    const last = this.actions.find(isFlip);
    if (last === undefined) return null;
    return {
      at: last.appliedAt ?? last.intendedAt,
      to: last.plan.to,
      isSettled: !isUnsettled(last.state),
      isByPerson: isByPerson(last),
    };
  }

  #write(path: SimulatedPath, ttl: number): void {
    const places = new Map(
      this.route.records.flatMap((one) => one.owners.map((owner) => [rrsetKey(owner, 'MX'), null])),
    );
    for (const change of changesTo(this.route, pathOf(this.route, path)!, places, ttl)) {
      this.live.set(rrsetKey(change.owner, change.type), change.desired);
    }
  }
}

export function viewOf(match: LiveMatch): LiveView {
  switch (match.kind) {
    case 'path':
      return { kind: 'path', path: match.path, leastTtl: match.ttl.least };
    case 'unseen':
      return { kind: 'unseen', reason: 'unseen' };
    default:
      return { kind: 'foreign', reason: match.kind };
  }
}
