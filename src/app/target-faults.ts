// Why a target does not answer, where one of the route's providers holds its records and sees the reason: for the guard
// that refuses it. Asked only then.

import type { GuardResult } from '../model/change.ts';
import { displayName } from '../model/domain-name.ts';
import { exchangesOf } from '../model/mail-path.ts';
import { pathOf, type Route } from '../model/route.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';

/** Exchanges looked up at once: each is a few calls of the provider's budget. */
const parallelTargets = 4;
/** A provider that is slow must not hold back the plan; ms. */
const longestLookMs = 5000;

/** The guards' results; a refusal of `target-unhealthy` says what a provider sees in the target's records. */
export async function withTargetFaults(
  guards: readonly GuardResult[],
  route: Route,
  to: string,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<readonly GuardResult[]> {
  if (!guards.some(isRefusal)) return guards;
  const faults = await targetFaults(route, to, deps, signal);
  if (faults.length === 0) return guards;
  return guards.map((one) => (isRefusal(one) ? { ...one, reason: [one.reason, ...faults].join('; ') } : one));
}

const isRefusal = ({ name, verdict }: GuardResult) => name === 'target-unhealthy' && verdict === 'forbid';

async function targetFaults(
  route: Route,
  to: string,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<string[]> {
  const path = pathOf(route, to);
  if (path === undefined) return [];
  const names = [...new Set(route.records.map((one) => one.provider))];
  const asked = names.flatMap((name) => exchangesOf(path).map(({ exchange }) => ({ name, exchange })));
  const within = AbortSignal.any([signal, AbortSignal.timeout(longestLookMs)]);
  const faults = await mapBounded(asked, parallelTargets, async ({ name, exchange }) => {
    try {
      const provider = await deps.provider(name);
      const fault = await provider.describeTarget?.(exchange, within);
      return fault == null ? [] : [`${displayName(exchange)}: ${fault}`];
    } catch {
      // The refusal stands without its reason.
      signal.throwIfAborted();
      return [];
    }
  });
  return [...new Set(faults.flat())];
}
