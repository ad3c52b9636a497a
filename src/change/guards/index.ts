// The guards by name, in the order a plan shows them.

import type { GuardName, GuardResult } from '../../model/change.ts';
import type { Guard, GuardContext } from './context.ts';
import { dane } from './dane.ts';
import { blastRadius, brake, liveDrift, paused, quorum, vantageFault } from './scope.ts';
import { lastPath, mtaSts, targetRcpt, targetUnhealthy, tlsName } from './target.ts';
import { cachesNotClear, flipLimit, holdDown, staleObservations } from './timing.ts';

export const guards: Readonly<Record<GuardName, Guard>> = {
  'target-unhealthy': targetUnhealthy,
  'target-rcpt': targetRcpt,
  'mta-sts': mtaSts,
  'tls-name': tlsName,
  dane,
  'vantage-fault': vantageFault,
  quorum,
  'hold-down': holdDown,
  'flip-limit': flipLimit,
  brake,
  'blast-radius': blastRadius,
  paused,
  'live-drift': liveDrift,
  'last-path': lastPath,
  'stale-observations': staleObservations,
  'caches-not-clear': cachesNotClear,
};

/** Raising the TTL moves no mail, so only what concerns the records themselves can forbid it. */
const raiseTtlGuards: readonly GuardName[] = [
  'paused',
  'brake',
  'live-drift',
  'blast-radius',
  'stale-observations',
];

export function judge(context: GuardContext): GuardResult[] {
  const names = Object.keys(guards) as GuardName[];
  const asked = context.kind === 'raise-ttl' ? names.filter((name) => raiseTtlGuards.includes(name)) : names;
  return asked.map((name) => guards[name](context));
}

/** Guards that stand in the way after a person's overrides. */
export function forbidding(
  results: readonly GuardResult[],
  overrides: readonly GuardName[] = [],
): GuardResult[] {
  return results.filter((one) => one.verdict === 'forbid' && !overrides.includes(one.name));
}
