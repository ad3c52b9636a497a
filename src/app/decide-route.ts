// From what was seen of a route to what to do about it. Reads what the route remembers; the deciding itself is pure.

import { describeLostDrill } from '../change/drill.ts';
import { describeDrift } from '../change/guards/scope.ts';
import { judge } from '../change/guards/index.ts';
import { openWindow } from '../change/maintenance.ts';
import {
  decide,
  type Decided,
  type DecisionInput,
  type FlipFacts,
  type LiveView,
  type Notice,
} from '../decision/decide.ts';
import { AppError } from '../errors.ts';
import type { Seat } from '../health/vantage.ts';
import { type GuardResult, isByPerson, isFlip, isUnsettled } from '../model/change.ts';
import { ownersOf } from '../model/route.ts';
import type { RouteState } from '../model/route-state.ts';
import { describeShort, describeSplit } from '../render/vantages.ts';
import { contextFor, revertTextOf, type RouteFacts } from './assess.ts';
import { noticesOf } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import type { Recovery } from './recover.ts';
import { noticeRevert } from './revert.ts';
import type { Judged } from './see.ts';

/** An applied action that some authority still does not answer stops being waited for after this long: a dead
 *  secondary must not hold the route for ever. ms. */
const settleMs = 600_000;

export interface RunContext {
  readonly failingShare: number;
  readonly pauses: RouteFacts['pauses'];
  /** Of the whole store, released ones too. */
  readonly brakes: RouteFacts['brakes'];
  readonly seats: ReadonlyMap<string, Seat>;
  /** Of the route before this run. */
  readonly states: ReadonlyMap<string, RouteState>;
  /** Owner names that this run moves; grows as decisions are made, so that routes share one brake. */
  readonly moving: Set<string>;
}

export interface DecidedRoute {
  readonly facts: RouteFacts;
  readonly recovered: readonly Recovery[];
  readonly before: RouteState | null;
  readonly decided: Decided;
  /** The same once more where the last look refused these paths. */
  readonly reconsider: (refused: ReadonlyMap<string, readonly GuardResult[]>) => Decided;
}

export async function decideRoute(
  seen: Judged | AppError,
  context: RunContext,
  deps: Deps,
): Promise<DecidedRoute | AppError> {
  if (seen instanceof AppError) return seen;
  if (seen.busy !== null) return seen.busy;
  const { route, recovered } = seen;
  try {
    const before = context.states.get(route.name) ?? null;
    const gathered = await factsOf(seen, context, deps);
    // Counted when nothing is waited for any more: routes are decided side by side.
    const facts = { ...gathered, movedThisRun: context.moving.size };
    const input = decisionInput(facts, context.seats);
    const reconsider: DecidedRoute['reconsider'] = (refused) => {
      const assess: typeof input.assess = (path, kind) => refused.get(path) ?? input.assess(path, kind);
      return noteRevert(decide(before, { ...input, assess }), facts);
    };
    const decided = reconsider(new Map());
    if (decided.decision.kind === 'move') for (const owner of ownersOf(route)) context.moving.add(owner);
    return { facts, recovered, before, decided, reconsider };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error;
  }
}

/** A revert is told even where all is well with it, and then nothing else would. */
function noteRevert(decided: Decided, facts: RouteFacts): Decided {
  const revert = decided.condition === 'unseen' ? null : revertTextOf(facts);
  if (revert === null || decided.reasons.some((one) => one.includes(revert))) return decided;
  const reasons = [...decided.reasons, revert];
  return { ...decided, reasons, state: { ...decided.state, lastReasons: reasons } };
}

async function factsOf(seen: Judged, context: RunContext, deps: Deps): Promise<RouteFacts> {
  const { route, look, measurement, actions } = seen;
  const now = deps.clock.now();
  const revert = await noticeRevert({ route, actions, ...look, now }, deps);
  return {
    route,
    live: look.live,
    match: look.match,
    disagreement: look.disagreement,
    knownFlip: look.knownFlip,
    measurement,
    vantage: seen.vantage,
    canary: seen.canary,
    actions,
    revertSeenAt: revert?.at ?? null,
    pauses: context.pauses,
    brakes: context.brakes,
    vantageName: deps.config.vantage,
    movedThisRun: 0,
    failingShare: context.failingShare,
    // Read only for a move that is about to be made: a policy is an HTTPS request per domain, TLSA a few questions
    // per exchange.
    sts: null,
    dane: null,
    isAuto: true,
    now,
  };
}

/** Of a path that nobody can tell anything about yet, the first runs say that. */
function noQuorumOf(
  { route, match, measurement, now }: RouteFacts,
  seats: RunContext['seats'],
): string | null {
  const { quorum } = route.failover;
  const sight = match.kind === 'path' ? measurement.sights.get(match.path) : undefined;
  if (quorum <= 1 || sight === undefined) return null;
  const seeing = sight.up.length + sight.down.length;
  return seeing === 0 || seeing >= quorum ? null : describeShort(sight, quorum, seats, now);
}

/** Disagreement is shown and moves nothing. */
function splitsOf({ route, measurement, now }: RouteFacts): Notice[] {
  return [...measurement.sights].flatMap(([path, sight]) => {
    if (openWindow(route.maintenance, path, now) !== null) return [];
    const text = describeSplit(path, sight);
    return text === null ? [] : [{ key: `split:${path}:${sight.down.join()}|${sight.up.join()}`, text }];
  });
}

function decisionInput(facts: RouteFacts, seats: RunContext['seats']): DecisionInput {
  const { route, measurement, now } = facts;
  return {
    route,
    live: liveView(facts),
    health: measurement.health,
    isCutOff: facts.vantage === 'fault',
    noQuorum: noQuorumOf(facts, seats),
    maintenance: new Set(
      route.paths
        .map((path) => path.name)
        .filter((name) => openWindow(route.maintenance, name, now) !== null),
    ),
    lastFlip: lastFlipOf(facts),
    notices: [...noticesOf(facts.canary), ...splitsOf(facts), ...lostDrillsOf(facts)],
    now,
    assess: (path, kind) => judge(contextFor(facts, path, kind)),
  };
}

/** Told once, and left to a person: whoever drilled may be looking at it. */
function lostDrillsOf(facts: RouteFacts): Notice[] {
  const text = describeLostDrill(facts);
  return text === null ? [] : [{ key: 'drill-lost', text }];
}

function liveView({ match }: RouteFacts): LiveView {
  switch (match.kind) {
    case 'path':
      return { kind: 'path', path: match.path, leastTtl: match.ttl.least };
    case 'unseen':
      return { kind: 'unseen', reason: describeDrift(match) };
    default:
      return { kind: 'foreign', reason: describeDrift(match) };
  }
}

function lastFlipOf({ actions, now }: RouteFacts): FlipFacts | null {
  const last = actions.find(isFlip);
  if (last === undefined) return null;
  const at = last.appliedAt ?? last.intendedAt;
  const isWaiting = isUnsettled(last.state) && now - at < settleMs;
  return { at, to: last.plan.to, isSettled: !isWaiting, isByPerson: isByPerson(last) };
}
