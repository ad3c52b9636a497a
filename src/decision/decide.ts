// decide(): what to do about one route, and why. Same input, same decision. It measures nothing, writes nothing and
// remembers only what it returns as state.

import type { ActionKind, GuardResult } from '../model/change.ts';
import type { PathHealth } from '../model/hop-health.ts';
import type { Phase, RouteState } from '../model/route-state.ts';
import { normalTtlsOf, type Route } from '../model/route.ts';
import { type Condition, transitions, type Verb } from './table.ts';

/** What DNS publishes, as far as deciding needs it. */
export type LiveView =
  | { readonly kind: 'path'; readonly path: string; readonly leastTtl: number }
  | { readonly kind: 'foreign'; readonly reason: string }
  | { readonly kind: 'unseen'; readonly reason: string };

/** Something found that is no reason to move, and must be said. */
export interface Notice {
  /** Stable from run to run while it lasts. */
  readonly key: string;
  readonly text: string;
}

/** The last flip that is known to have reached DNS. */
export interface FlipFacts {
  readonly at: number;
  readonly to: string | null;
  readonly isSettled: boolean;
  /** A person moved it: coming back is theirs too, for they may know what no probe sees. */
  readonly isByPerson: boolean;
}

export interface DecisionInput {
  readonly route: Route;
  readonly live: LiveView;
  readonly health: ReadonlyMap<string, PathHealth>;
  /** True where nothing outside the route answers from here either. */
  readonly isCutOff: boolean;
  /** Why too few vantages can tell how the active path is; null where enough can, or none can yet. */
  readonly noQuorum: string | null;
  /** Paths within an announced window: what befalls them is no news, and nothing returns to them. */
  readonly maintenance: ReadonlySet<string>;
  readonly lastFlip: FlipFacts | null;
  readonly notices: readonly Notice[];
  readonly now: number;
  /** The guards' results for a move to `path`; pure. */
  readonly assess: (path: string, kind: ActionKind) => readonly GuardResult[];
}

export interface Refusal {
  readonly path: string;
  readonly guards: readonly GuardResult[];
}

export type Decision =
  | { readonly kind: 'stay' | 'watch' | 'report' | 'undecided' }
  | { readonly kind: 'move'; readonly to: string; readonly action: ActionKind }
  /** It should move, and may not: by its mode, or because every candidate is refused. */
  | {
      readonly kind: 'hold';
      readonly to: string | null;
      readonly action: ActionKind;
      readonly refusals: readonly Refusal[];
      readonly isModeOnly: boolean;
      /** True where it would have moved but for the refusals. */
      readonly mayAct: boolean;
    };

export interface Decided {
  readonly state: RouteState;
  readonly phase: Phase;
  readonly condition: Condition;
  readonly decision: Decision;
  readonly reasons: readonly string[];
}

export function decide(state: RouteState | null, input: DecisionInput): Decided {
  const phase = phaseOf(input);
  const condition = conditionOf(input, phase);
  const verb = transitions[phase][condition];
  const decision = act(verb, input);
  const reasons = [
    whyCondition(input, condition),
    ...whyDecision(input, decision),
    ...othersDown(input),
    ...input.notices.map((one) => one.text),
  ];
  return { state: nextState(state, input, phase, decision, reasons), phase, condition, decision, reasons };
}

function phaseOf({ live, route, lastFlip }: DecisionInput): Phase {
  if (live.kind === 'unseen') return 'unknown';
  if (live.kind === 'foreign') return 'drift';
  if (live.path !== route.prefer) return 'failed-over';
  // A TTL below the normal one with no flip of ours behind it is somebody's choice, not a probation.
  // The normal one is what the providers take: where they bound it, raising it further would never end.
  return live.leastTtl < normalTtlsOf(route).least && lastFlip?.to === route.prefer
    ? 'probation'
    : 'preferred';
}

function conditionOf(input: DecisionInput, phase: Phase): Condition {
  const { live, route, health, lastFlip, now } = input;
  if (live.kind === 'unseen' || lastFlip?.isSettled === false) return 'unseen';
  if (live.kind === 'foreign') return 'foreign';
  if (input.isCutOff) return 'cut-off';
  if (input.noQuorum !== null) return 'no-quorum';
  const active = health.get(live.path);
  if (active === undefined || active.status === 'unknown') return 'unmeasured';
  if (active.status === 'down') return input.maintenance.has(live.path) ? 'maintenance' : 'down';
  if (phase === 'probation') return now - (lastFlip?.at ?? now) >= route.probationMs ? 'proven' : 'well';
  // Somebody is at work there: it may go again at any moment.
  const isOpen = !input.maintenance.has(route.prefer);
  return phase === 'failed-over' && isOpen && isUp(health.get(route.prefer)) ? 'preferred-up' : 'well';
}

function isUp(health: PathHealth | undefined): boolean {
  return health?.status === 'ok' || health?.status === 'degraded';
}

function act(verb: Verb, input: DecisionInput): Decision {
  switch (verb) {
    case 'leave':
      return leave(input);
    case 'return':
      return moveTo(input, [input.route.prefer], 'return', consentToReturn(input));
    case 'raise-ttl':
      return moveTo(input, [input.route.prefer], 'raise-ttl', input.route.failover.failback);
    default:
      return { kind: verb };
  }
}

/** `auto` undoes only what `auto` did: a person who left a path that probes well may have seen mail arrive late. */
function consentToReturn({ route, lastFlip }: DecisionInput): 'auto' | 'manual' {
  return lastFlip === null || lastFlip.isByPerson ? 'manual' : route.failover.failback;
}

function leave(input: DecisionInput): Decision {
  const { route, live, lastFlip, now } = input;
  const active = live.kind === 'path' ? live.path : null;
  const others = [...new Set([route.prefer, ...route.failoverTo])].filter((name) => name !== active);
  // A path under announced work is the last resort.
  const candidates = [
    ...others.filter((name) => !input.maintenance.has(name)),
    ...others.filter((name) => input.maintenance.has(name)),
  ];
  // Leaving what the last flip chose, soon after it: the target turned out worse.
  const isRelapse =
    lastFlip !== null && lastFlip.to === active && now - lastFlip.at < route.failover.holdDownMs;
  return moveTo(input, candidates, isRelapse ? 'relapse' : 'failover', 'auto');
}

/** The first candidate that no guard refuses, if the mode lets us move by ourselves. */
function moveTo(
  input: DecisionInput,
  candidates: readonly string[],
  action: ActionKind,
  consent: 'auto' | 'manual',
): Decision {
  const refusals: Refusal[] = [];
  const mayAct = input.route.failover.mode === 'auto' && consent === 'auto';
  for (const path of candidates) {
    const guards = input.assess(path, action).filter((one) => one.verdict === 'forbid');
    if (guards.length > 0) {
      refusals.push({ path, guards });
      continue;
    }
    return mayAct
      ? { kind: 'move', to: path, action }
      : { kind: 'hold', to: path, action, refusals, isModeOnly: true, mayAct };
  }
  return { kind: 'hold', to: null, action, refusals, isModeOnly: false, mayAct };
}

function whyCondition(input: DecisionInput, condition: Condition): string {
  const { live, health, route, lastFlip } = input;
  const active = live.kind === 'path' ? live.path : '';
  const reason = health.get(active)?.reason ?? 'not measured';
  switch (condition) {
    case 'unseen':
      return lastFlip?.isSettled === false
        ? 'an action of ours is not settled yet'
        : `cannot tell what DNS publishes: ${live.kind === 'path' ? '' : live.reason}`;
    case 'foreign':
      return live.kind === 'path' ? '' : live.reason;
    case 'cut-off':
      return 'nothing answers from here, other hosts neither: the fault is here';
    case 'no-quorum':
      return input.noQuorum ?? '';
    case 'unmeasured':
      return `${active}: ${reason}`;
    case 'down':
      return `${active} is down: ${reason}`;
    case 'maintenance':
      return `${active} is in its maintenance window: ${reason}`;
    case 'well':
      return `${active} takes mail`;
    case 'preferred-up':
      return `${route.prefer} takes mail again`;
    case 'proven':
      return `${route.prefer} held through its probation`;
  }
}

function whyDecision(input: DecisionInput, decision: Decision): string[] {
  if (decision.kind !== 'hold') return [];
  const refused = decision.refusals.map(
    (one) =>
      `${one.path} refused: ${one.guards.map((guard) => `${guard.name} (${guard.reason})`).join(', ')}`,
  );
  if (decision.isModeOnly) {
    return [
      ...refused,
      `would move to ${decision.to ?? ''}, but ${whoseChoice(input)} leaves that to a person`,
    ];
  }
  return refused.length === 0 ? ['no path to move to'] : refused;
}

/** Down, and not by announcement. */
function downPaths({ route, health, maintenance }: DecisionInput): string[] {
  return route.paths
    .map((path) => path.name)
    .filter((name) => health.get(name)?.status === 'down' && !maintenance.has(name));
}

/** A standby or backup that is down is tried last by senders, so nobody else would notice. */
function othersDown(input: DecisionInput): string[] {
  const active = input.live.kind === 'path' ? input.live.path : null;
  return downPaths(input)
    .filter((name) => name !== active)
    .map((name) => {
      const role = input.route.keep.includes(name) ? 'backup' : 'standby';
      return `${role} ${name} is down: ${input.health.get(name)?.reason ?? ''}`;
    });
}

function whoseChoice({ route, lastFlip }: DecisionInput): string {
  if (route.failover.mode !== 'auto') return `mode: ${route.failover.mode}`;
  if (route.failover.failback !== 'auto') return `failback: ${route.failover.failback}`;
  return lastFlip === null ? 'an active path that mxctl did not choose' : 'a move made by a person';
}

function nextState(
  state: RouteState | null,
  input: DecisionInput,
  phase: Phase,
  decision: Decision,
  reasons: readonly string[],
): RouteState {
  const { live, now } = input;
  const activePath = live.kind === 'path' ? live.path : (state?.activePath ?? null);
  const isSamePath = state !== null && state.activePath === activePath;
  return {
    phase,
    phaseSince: state?.phase === phase ? state.phaseSince : now,
    activePath,
    activeSince: isSamePath ? state.activeSince : now,
    runs: (state?.runs ?? 0) + 1,
    lastRunAt: now,
    lastDecision: decision.kind === 'move' ? `move to ${decision.to}` : decision.kind,
    lastReasons: reasons,
    downPaths: downPaths(input),
    notices: input.notices.map((one) => one.key),
  };
}
