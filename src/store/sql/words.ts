// The model's unions as values, to check what the database holds. A union that grows fails to compile here.

import { brakeKinds } from '../../model/brake.ts';
import { canaryStates } from '../../model/canary.ts';
import { guardNames, isUnsettled } from '../../model/change.ts';
import type { ActionKind, ActionState, ChangeState } from '../../model/change.ts';
import type { Fate } from '../../model/fate.ts';
import type { HopStatus } from '../../model/hop-health.ts';
import { stages } from '../../model/observation.ts';
import type { Verdict } from '../../model/observation.ts';
import type { Phase } from '../../model/route-state.ts';
import type { RrType } from '../../model/rrset.ts';
import type { EventKind } from '../store.ts';
import { known } from './fields.ts';

export const knownFates: Readonly<Record<Fate, true>> = {
  accepted: true,
  delayed: true,
  deferred: true,
  bounced: true,
  swallowed: true,
  unknown: true,
};

export const knownVerdicts: Readonly<Record<Verdict, true>> = { pass: true, fail: true, inconclusive: true };

export const knownStages = known(stages);

export const knownBrakeKinds = known(brakeKinds);

export const knownHopStatuses: Readonly<Record<HopStatus, true>> = { unknown: true, up: true, down: true };

export const knownPhases: Readonly<Record<Phase, true>> = {
  unknown: true,
  preferred: true,
  'failed-over': true,
  probation: true,
  drift: true,
};

export const knownActionKinds: Readonly<Record<ActionKind, true>> = {
  failover: true,
  return: true,
  relapse: true,
  manual: true,
  rollback: true,
  'raise-ttl': true,
  drill: true,
  measure: true,
};

export const knownActionStates: Readonly<Record<ActionState, true>> = {
  intended: true,
  applied: true,
  confirmed: true,
  cleared: true,
  conflict: true,
  failed: true,
  partial: true,
};

/** The model's own answer, for SQL. */
export const unsettledStates = (Object.keys(knownActionStates) as ActionState[]).filter(isUnsettled);

export const knownChangeStates: Readonly<Record<ChangeState, true>> = {
  pending: true,
  applied: true,
  confirmed: true,
  conflict: true,
  failed: true,
};

export const knownGuards = known(guardNames);

export const knownCanaryStates = known(canaryStates);

export const knownEventKinds: Readonly<Record<EventKind, true>> = {
  decision: true,
  health: true,
  action: true,
  pause: true,
  resume: true,
  drift: true,
  revert: true,
  undecided: true,
  brake: true,
  vantage: true,
  incident: true,
  config: true,
};

const namedTypes: Readonly<Record<Exclude<RrType, `TYPE${number}`>, true>> = {
  A: true,
  NS: true,
  CNAME: true,
  SOA: true,
  PTR: true,
  MX: true,
  TXT: true,
  AAAA: true,
  TLSA: true,
};

/** RFC 3597 §5: `TYPE` and a decimal number. */
export function isRrType(text: string): text is RrType {
  return Object.hasOwn(namedTypes, text) || /^TYPE\d{1,5}$/.test(text);
}
