// What a route's canaries say, as reports, notices and notes for a plan. Looks into no mailbox.

import type { Notice } from '../decision/decide.ts';
import { diagnoseCanaries, type CanaryReport } from '../health/canary-diagnosis.ts';
import type { Canary, CanaryPolicy, MailboxLook } from '../model/canary.ts';
import type { Route } from '../model/route.ts';
import { canariesToKeep } from '../health/canary-schedule.ts';
import type { CanaryProbe } from '../probes/canary.ts';
import type { Deps } from './deps.ts';
import type { RouteMeasurement } from './measure.ts';

/** What is known of a route's canaries. */
export interface RouteCanaries {
  readonly policy: CanaryPolicy;
  readonly canaries: readonly Canary[];
  readonly look: MailboxLook | null;
  /** Null where it cannot be opened: `look.fault` says why. */
  readonly probe: CanaryProbe | null;
}

type KnownCanaries = Omit<RouteCanaries, 'probe'>;

/** As the store has them. Null where the route has no canaries. */
export async function readCanaries(route: Route, deps: Pick<Deps, 'store'>): Promise<KnownCanaries | null> {
  const { canary: policy, name } = route;
  if (policy === null) return null;
  const canaries = await deps.store.readCanaries(name, canariesToKeep(policy));
  return { policy, canaries, look: await deps.store.readMailboxLook(name) };
}

/** What the last runs left, judged now; writes nothing. */
export async function rememberedCanaries(
  route: Route,
  health: RouteMeasurement['health'],
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<CanaryReport | null> {
  const known = await readCanaries(route, deps);
  return known === null ? null : diagnoseCanaries({ ...known, health, now: deps.clock.now() });
}

/** What the canaries say, and the store told of those that are lost or swallowed for good. */
export async function judgeCanaries(
  known: KnownCanaries,
  measurement: Pick<RouteMeasurement, 'health'>,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<CanaryReport> {
  const now = deps.clock.now();
  const report = diagnoseCanaries({ ...known, health: measurement.health, now });
  const { swallowedAfterMs } = known.policy;
  const isGone = (one: Canary) =>
    one.state === 'handed' &&
    known.look?.readAt != null &&
    known.look.readAt - (one.handedAt ?? 0) > swallowedAfterMs;
  const verdicts = [...report.verdicts.values()];
  const swallowed = verdicts.flatMap((one) => one.owed.filter(isGone));
  const lost = verdicts.flatMap((one) => one.lost.filter((canary) => canary.state === 'handed'));
  const settled: Canary[] = [
    ...swallowed.map((one): Canary => ({ ...one, state: 'swallowed' })),
    ...lost.map((one): Canary => ({ ...one, state: 'lost' })),
  ];
  if (settled.length > 0) await deps.store.writeCanaries(settled);
  return report;
}

/** What canaries show beside paths that are down by them, which decide by themselves. */
export function noticesOf(report: CanaryReport | null): Notice[] {
  return (report?.findings ?? [])
    .filter((one) => one.kind !== 'path')
    .map(({ kind, path, text }) => ({ key: `canary-${kind}${path === null ? '' : `:${path}`}`, text }));
}

/** Queue ids that a note names; the rest is in `mxctl status --json`. */
const namedQueueIds = 3;

/** What DNS cannot do for mail that the path took while it was in trouble. */
export function strandedNote(report: CanaryReport | null, from: string | null): string[] {
  const verdict = from === null ? undefined : report?.verdicts.get(from);
  const isBlamed = report?.findings.some((one) => one.kind === 'path' && one.path === from) ?? false;
  if (verdict?.since == null || !isBlamed) return [];
  const since = new Date(verdict.since).toISOString().slice(11, 16);
  const ids = verdict.owed.flatMap((one) => one.queueId ?? []);
  const named =
    ids.length === 0
      ? ''
      : ` (canaries there: ${ids.slice(0, namedQueueIds).join(', ')}${ids.length > namedQueueIds ? `, ${ids.length - namedQueueIds} more` : ''})`;
  return [`what ${verdict.path} took since ${since} UTC stays there, DNS cannot pull it back${named}`];
}
