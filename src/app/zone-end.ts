// How the changes of one zone ended, and why not all of them are applied: for the journal's note and for the error.

import { exitCodes, ProviderError, type AppError } from '../errors.ts';
import type { RrsetChange } from '../model/change.ts';
import { displayName } from '../model/domain-name.ts';
import type { Rrset } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import type { ReplaceOutcome } from '../providers/provider.ts';

/** A change with its place in the plan. */
export type Entry = { readonly change: RrsetChange; readonly at: number };

/** How the changes of one zone ended. */
export interface ZoneEnd {
  readonly fault: AppError | null;
  /** Why not all of them are applied; null where they are. */
  readonly reason: string | null;
}

/** Why a plan stopped short, zone by zone; zones are named where there is more than one. */
export function noteOf(zones: readonly (readonly Entry[])[], ends: readonly ZoneEnd[]): string | null {
  const reasons = ends.flatMap(({ reason }, at) => {
    const change = zones[at]?.[0]?.change;
    if (reason === null || change === undefined) return [];
    return zones.length === 1 ? [reason] : [`${displayName(change.zone)} (${change.provider}): ${reason}`];
  });
  return reasons.length === 0 ? null : reasons.join('; ');
}

/** The end that a call's outcomes amount to. */
export function endOf(batch: readonly Entry[], outcomes: readonly ReplaceOutcome[]): ZoneEnd {
  const fault = faultOf(outcomes);
  if (fault !== null) return { fault, reason: fault.message };
  const overtaken = batch.flatMap(({ change }, at) => {
    const outcome = outcomes[at];
    return outcome?.state === 'conflict' ? [describeOvertaken(change, outcome.live)] : [];
  });
  return { fault, reason: overtaken.length === 0 ? null : overtaken.slice(0, 3).join(', ') };
}

function describeOvertaken({ owner, type }: RrsetChange, live: Rrset | null): string {
  const values = live === null ? 'nothing' : `${live.ttl} ${live.rdata.slice(0, 3).join(', ')}`;
  return sanitise(`somebody else changed ${displayName(owner)} ${type} meanwhile: it holds ${values}`);
}

function faultOf(outcomes: readonly ReplaceOutcome[]): AppError | null {
  const unknown = outcomes.find((one) => one.state === 'unknown');
  if (unknown !== undefined)
    return new ProviderError('provider-unreachable', unknown.reason, { retryable: true });
  // Beside a conflict it needs no explaining.
  const skipped = outcomes.find((one) => one.state === 'skipped');
  if (skipped === undefined || outcomes.some((one) => one.state === 'conflict')) return null;
  return new ProviderError('partly-applied', skipped.reason, { exitCode: exitCodes.partial });
}
