// Change, plan and action. A change takes one RRset from `expected` to `desired`; a plan is an ordered set of
// them with a digest; an action is a plan that is being, or was, carried out: the journal's entry.

import type { BrakeKind } from './brake.ts';
import type { DomainName } from './domain-name.ts';
import type { Rrset, RrType } from './rrset.ts';

export interface RrsetChange {
  readonly provider: string;
  readonly zone: DomainName;
  readonly owner: DomainName;
  readonly type: RrType;
  /** What the plan was made from; null = no such RRset. */
  readonly expected: Rrset | null;
  /** What replaces it whole; null = remove (never for an MX RRset). */
  readonly desired: Rrset | null;
}

/** Names of the guards; `--override NAME` takes one. */
export const guardNames = [
  'target-unhealthy',
  'target-rcpt',
  'mta-sts',
  'tls-name',
  'dane',
  'vantage-fault',
  'quorum',
  'hold-down',
  'flip-limit',
  'brake',
  'blast-radius',
  'paused',
  'live-drift',
  'last-path',
  'stale-observations',
  'caches-not-clear',
] as const;
export type GuardName = (typeof guardNames)[number];

/** warn never forbids; skipped was not looked at, and says why. */
export type GuardVerdict = 'ok' | 'warn' | 'forbid' | 'skipped';

export interface GuardResult {
  readonly name: GuardName;
  readonly verdict: GuardVerdict;
  readonly reason: string;
  /** The brake that this refusal trips, where it refuses `auto`. */
  readonly trips?: TrippedBrake;
}

export interface TrippedBrake {
  readonly kind: BrakeKind;
  /** What is held from then on: this route, whatever this vantage would move, or everything. */
  readonly scope: 'route' | 'vantage' | 'all';
}

/** measure: a TXT record made, timed and removed; moves nothing. drill: to another path and back, to see that it works.
 *  failover: away from a failing path; return: back to the preferred; relapse: away from a target that failed;
 *  manual: a person's word; rollback: the exact records of before; raise-ttl: end of a probation. */
export type ActionKind =
  'failover' | 'return' | 'relapse' | 'manual' | 'rollback' | 'raise-ttl' | 'drill' | 'measure';

export interface Plan {
  /** First 6 hex digits of the digest: for people. */
  readonly id: string;
  /** SHA-256 over the canonical text of the changes; hex. */
  readonly digest: string;
  readonly route: string;
  readonly kind: ActionKind;
  readonly from: string | null;
  readonly to: string | null;
  readonly changes: readonly RrsetChange[];
  /** Instant; ms. */
  readonly madeAt: number;
}

/** pending: the provider may or may not have it; applied: it said so; confirmed: every authority answers it;
 *  conflict: the live RRset was neither; failed: surely not applied. */
export type ChangeState = 'pending' | 'applied' | 'confirmed' | 'conflict' | 'failed';

/** intended → applied → confirmed → cleared; conflict, failed and partial end it. */
export type ActionState =
  'intended' | 'applied' | 'confirmed' | 'cleared' | 'conflict' | 'failed' | 'partial';

export interface Action {
  /** ULID: sorts by time. */
  readonly id: string;
  readonly plan: Plan;
  /** `person:NAME@HOST` or `auto@VANTAGE`. */
  readonly by: string;
  readonly reason: string;
  readonly overrides: readonly GuardName[];
  readonly leaseToken: number;
  readonly state: ActionState;
  /** In the plan's order. */
  readonly changeStates: readonly ChangeState[];
  readonly intendedAt: number;
  readonly appliedAt: number | null;
  readonly confirmedAt: number | null;
  /** No conforming cache holds what this action replaced after this instant; ms. */
  readonly clearAt: number | null;
  /** Action that this one rolled back, or that was rolled back by it. */
  readonly rollbackOf: string | null;
  readonly note: string | null;
}

/** True while the journal does not know how it ended. */
export function isUnsettled(state: ActionState): boolean {
  return state === 'intended' || state === 'applied';
}

/** Kinds of action that leave mail on its path. */
export const stillKinds: readonly ActionKind[] = ['raise-ttl', 'measure'];

/** True where the action moved mail from one path to another, or may have: what hold-down and the flip limit count. */
export function isFlip(action: Action): boolean {
  const mayHaveHappened =
    action.appliedAt !== null || action.state === 'intended' || action.state === 'partial';
  return !stillKinds.includes(action.plan.kind) && mayHaveHappened;
}

const autoPrefix = 'auto@';

/** `by` of what the `auto` of a vantage does. */
export function autoNamed(vantage: string): string {
  return `${autoPrefix}${vantage}`;
}

export function isByAuto({ by }: Pick<Action, 'by'>): boolean {
  return by.startsWith(autoPrefix);
}

/** Prefix of `by` where a person, not `auto`, acted. */
const personPrefix = 'person:';

export function personNamed(name: string): string {
  return `${personPrefix}${name}`;
}

export function isByPerson(action: Action): boolean {
  return action.by.startsWith(personPrefix);
}
