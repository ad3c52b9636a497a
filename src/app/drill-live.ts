// A live drill: a real move to a candidate, held while it is watched, and back to the exact records of before. Every
// guard binds it as it binds `auto`, and none can be overridden: what would have to be is no drill. While it lives it
// keeps the route paused for a few minutes at a time, so that no controller fights it, and `auto` is free again soon
// after it died. Whoever interrupts it gets the records back first.

import { describeLostDrill, drillPauseReason } from '../change/drill.ts';
import { forbidding } from '../change/guards/index.ts';
import { rollbackChanges } from '../change/plan.ts';
import { candidatesOf, matchLive } from '../change/published.ts';
import { AppError, exitCodes, RefusedError } from '../errors.ts';
import type { Action, GuardName, GuardResult } from '../model/change.ts';
import type { Route } from '../model/route.ts';
import { isSameRrset } from '../model/rrset.ts';
import type { DrillWords } from './drill-canary.ts';
import { refuseWherePaused } from './drill-canary.ts';
import { type DrillLook, type HoldEnd, holdAndWatch } from './drill-hold.ts';
import { type ComeBack, comeBack } from './drill-return.ts';
import type { Deps } from './deps.ts';
import { errorOf, executePlan } from './execute.ts';
import { preparePlan, type PreparedPlan, readHeld } from './prepare.ts';
import { gatherWithHeld, type Proposal, settleLeftovers } from './propose.ts';

export interface LiveOptions extends DrillWords {
  readonly holdMs: number;
}

export interface LiveDrill {
  readonly flip: Action;
  readonly looks: readonly DrillLook[];
  /** Null where the flip itself failed and there was nothing to hold. */
  readonly end: HoldEnd | null;
  readonly back: ComeBack | null;
  /** Every RRset at its provider is as it was before, values and TTL. */
  readonly isIdentical: boolean;
  readonly finishedAt: number;
  readonly error: AppError | null;
}

/** Without `to` the first candidate that no guard refuses, else the first with its refusals. */
export async function proposeLive(
  route: Route,
  to: string | null,
  deps: Deps,
  signal: AbortSignal,
): Promise<Proposal> {
  const recovered = await settleLeftovers(route, deps, signal);
  const [facts, held] = await gatherWithHeld(route, deps, signal);
  const match = matchLive(route, held);
  const lost = describeLostDrill({ ...facts, match });
  if (lost !== null) throw new RefusedError('refused', `an earlier drill is not over: ${lost}`);
  const active = match.kind === 'path' ? match.path : null;
  const names = candidatesOf(route).map((one) => one.name);
  let first: PreparedPlan | null = null;
  for (const name of to === null ? names.filter((one) => one !== active) : [to]) {
    const prepared = await preparePlan(facts, held, name, 'drill', deps, signal);
    if (inTheWay(prepared).length === 0) return { route, facts, prepared, recovered };
    first ??= prepared;
  }
  if (first === null)
    throw new RefusedError('refused', `route ${route.name} has no other path to drill`, {
      hint: 'declare one under paths and failover_to',
    });
  return { route, facts, prepared: first, recovered };
}

/** Guards that only warn a person who moves mail in an incident; a drill can wait. */
const binding: readonly GuardName[] = ['hold-down', 'flip-limit', 'caches-not-clear', 'brake', 'quorum'];

function inTheWay({ guards }: PreparedPlan): GuardResult[] {
  return [
    ...forbidding(guards),
    ...guards.filter((one) => one.verdict === 'warn' && binding.includes(one.name)),
  ];
}

/** In this very look: counters may know nothing yet, where `auto` never runs. */
function isPassing({ measurement }: Proposal['facts'], path: string): boolean {
  const hops = measurement.hops.get(path) ?? [];
  return hops.some((one) => one.observations.at(-1)?.verdict === 'pass');
}

/** What speaks against a drill now: any guard, and a path to come back to that is not well. */
export function refuseDrill({ route, facts, prepared }: Proposal): RefusedError | null {
  const { from, to, changes } = prepared.plan;
  const [guard] = inTheWay(prepared);
  if (guard !== undefined)
    return new RefusedError('refused', `refused by ${guard.name}: ${guard.reason}`, {
      hint: 'nothing was changed; a drill overrides no guard, for a night would meet it too',
    });
  const home = from === null ? undefined : facts.measurement.health.get(from);
  if (from === null || from === to || changes.length === 0)
    return new RefusedError(
      'refused',
      `DNS publishes ${from ?? 'no declared path'}: there is nothing to drill`,
      {
        hint: `nothing was changed; see mxctl status ${route.name}`,
      },
    );
  if (isPassing(facts, from) && home?.status !== 'down') return null;
  return new RefusedError(
    'refused',
    `${from}, to which it would come back, is not well: ${home?.reason ?? 'not measured'}`,
    {
      hint: `nothing was changed; this is no time for a drill: mxctl failover ${route.name}`,
    },
  );
}

export async function drillLive(
  { route, prepared }: Proposal,
  { holdMs, by, reason }: LiveOptions,
  deps: Deps,
  signal: AbortSignal,
  onLook: (look: DrillLook) => void,
): Promise<LiveDrill> {
  await refuseWherePaused(route, deps);
  const consent = { by, reason: `drill: ${reason}`, overrides: [], rollbackOf: null };
  const flipped = await executePlan(route, prepared, consent, deps, signal);
  const { action: flip } = flipped;
  const looks: DrillLook[] = [];
  const base = { flip, looks };
  const fault = errorOf(flipped);
  if (fault !== null && rollbackChanges(flip).length === 0)
    return { ...base, end: null, back: null, isIdentical: true, finishedAt: deps.clock.now(), error: fault };
  const watched = { route, flip, holdMs, by };
  const end: HoldEnd =
    fault === null
      ? await holdAndWatch(watched, deps, signal, (look) => {
          looks.push(look);
          onLook(look);
        })
      : { kind: 'failed', reason: fault.message };
  const back = await comeBack(watched, end, deps, signal);
  await endPause(route, flip, deps);
  const isIdentical = back.action !== null && (await isAsBefore(route, flip, deps));
  const error = liveError({ end, back, isIdentical, flip }, fault, signal);
  await deps.store.appendEvent({
    id: deps.newId(),
    at: deps.clock.now(),
    route: route.name,
    kind: 'action',
    text: `drill ${flip.plan.id} ${flip.plan.from ?? '?'} -> ${flip.plan.to ?? '?'} over: ${end.kind}; ${back.reason}`,
    data: { action: flip.id, looks: looks.length, is_identical: isIdentical },
  });
  return { ...base, end, back, isIdentical, finishedAt: deps.clock.now(), error };
}

/** Only ours: a person may have paused the route meanwhile. */
async function endPause(route: Route, flip: Action, deps: Pick<Deps, 'store' | 'clock'>): Promise<void> {
  const pauses = await deps.store.readPauses(deps.clock.now());
  if (pauses.some((one) => one.route === route.name && one.reason === drillPauseReason(flip)))
    await deps.store.clearPause(route.name);
}

async function isAsBefore(route: Route, { plan }: Action, deps: Deps): Promise<boolean> {
  const held = await readHeld(route, deps, new AbortController().signal);
  return plan.changes.every(({ owner, type, expected }) =>
    isSameRrset(held.get(`${owner} ${type}`) ?? null, expected),
  );
}

function liveError(
  {
    end,
    back,
    isIdentical,
    flip,
  }: Pick<LiveDrill, 'isIdentical' | 'flip'> & { end: HoldEnd; back: ComeBack },
  fault: AppError | null,
  signal: AbortSignal,
): AppError | null {
  const rollback = `mxctl rollback ${flip.plan.id} puts the exact records back`;
  if (back.fault !== null) {
    const { code, message, exitCode } = back.fault;
    return new AppError(code, `the drill could not come back: ${message}`, { exitCode, hint: rollback });
  }
  if (back.action === null)
    return new AppError('refused', `the drill did not come back: ${back.reason}`, {
      exitCode: exitCodes.found,
      hint: `when that is well again: ${rollback}`,
    });
  if (!isIdentical)
    return new AppError('partly-applied', `back, but not as it was: ${back.reason}`, {
      exitCode: exitCodes.partial,
      hint: `see mxctl status ${flip.plan.route}; the TTL is raised by mxctl failover ${flip.plan.route} --to ${flip.plan.from ?? ''}`,
    });
  if (end.kind === 'interrupted' && signal.reason instanceof AppError) return signal.reason;
  if (end.kind === 'relapse' || end.kind === 'resumed')
    return new AppError('undecided', `the drill came back early: ${end.reason}`, {
      exitCode: exitCodes.found,
    });
  return fault;
}
