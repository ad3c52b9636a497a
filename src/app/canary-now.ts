// Canaries by hand: one by every path of a route now, then a wait for them, telling each step. What it learns is kept as
// a run of `auto` keeps it; it decides nothing.

import { UsageError } from '../errors.ts';
import type { CanaryReport } from '../health/canary-diagnosis.ts';
import { latencyOf } from '../health/canary.ts';
import type { Canary } from '../model/canary.ts';
import type { Route } from '../model/route.ts';
import type { ArrivalMailbox } from '../probes/canary.ts';
import { judgeCanaries, readCanaries, type RouteCanaries } from './canary-judge.ts';
import { lookOnce } from './canary-mail.ts';
import { sendAgain, sendCanariesNow, type SendingRoute } from './canary-send.ts';
import type { Deps } from './deps.ts';
import { measureRoute, ProbeRun } from './measure.ts';

export interface SentCanaries {
  readonly route: string;
  readonly delayedAfterMs: number;
  /** One by every path, as far as it got. */
  readonly canaries: readonly Canary[];
  readonly report: CanaryReport;
}

/** Longest sleep between looks where the mailbox cannot wake us; ms. */
const lookEveryMs = 2000;

/** Throws UsageError for a route without canaries, ConfigError for a secret. */
export async function probeByCanary(
  route: Route,
  options: { readonly waitMs: number; readonly tell: (text: string) => void },
  deps: Deps,
  signal: AbortSignal,
): Promise<SentCanaries> {
  const stored = await readCanaries(route, deps);
  if (stored === null) {
    throw new UsageError('usage', `route ${route.name} has no canaries`, {
      hint: 'declare canary: in the configuration; see examples/canary.yaml',
    });
  }
  const probe = await deps.canary(route);
  const once: Route = { ...route, probe: { ...route.probe, fall: 1 } };
  const measurement = await measureRoute(once, new ProbeRun(deps), deps, signal);
  const sending: SendingRoute = { route, measurement, known: { ...stored, probe } };
  const sent = await sendCanariesNow(sending, deps, signal);
  for (const one of sent) options.tell(`${one.path}: ${handOverText(one)}`);
  const mailbox = probe.openMailbox();
  let known: RouteCanaries = { ...sending.known, canaries: [...stored.canaries, ...sent] };
  try {
    known = await waitForAll({ sending, sent, known, mailbox, ...options }, deps, signal);
  } finally {
    await mailbox.close();
  }
  const ids = new Set(sent.map((one) => one.id));
  return {
    route: route.name,
    delayedAfterMs: stored.policy.delayedAfterMs,
    canaries: known.canaries.filter((one) => ids.has(one.id)),
    report: await judgeCanaries(known, measurement, deps),
  };
}

interface Waiting {
  readonly sending: SendingRoute;
  readonly sent: readonly Canary[];
  readonly known: RouteCanaries;
  readonly mailbox: ArrivalMailbox;
  readonly waitMs: number;
  readonly tell: (text: string) => void;
}

/** Looks until every canary is settled, the mailbox cannot be read, or the time is up. */
async function waitForAll(waiting: Waiting, deps: Deps, signal: AbortSignal): Promise<RouteCanaries> {
  const { sending, sent, mailbox, tell } = waiting;
  const untilAt = deps.clock.now() + waiting.waitMs;
  const ids = sent.map((one) => one.id);
  const told = new Set<string>();
  let { known } = waiting;
  for (;;) {
    const { after, settledTokens } = await lookOnce(mailbox, [[sending.route.name, known]], deps, signal);
    known = after[0]?.[1] ?? known;
    if (settledTokens.size > 0) await mailbox.remove(settledTokens, signal);
    // A run of `auto` may have found them first.
    known = merged(known, await deps.store.findCanaries(ids));
    const own = known.canaries.filter((one) => ids.includes(one.id));
    for (const one of own.filter((canary) => canary.arrivedAt !== null && !told.has(canary.id))) {
      told.add(one.id);
      tell(`${one.path}: arrived after ${((latencyOf(one) ?? 0) / 1000).toFixed(1)} s`);
    }
    const now = deps.clock.now();
    const leftMs = untilAt - now;
    if (known.look?.fault != null || leftMs <= 0 || own.every((one) => !isOpen(one, untilAt))) return known;
    const due = own.filter((one) => one.nextAttemptAt !== null && one.nextAttemptAt <= now);
    if (due.length > 0) {
      const again = await sendAgain({ ...sending, known }, due, deps, signal);
      for (const one of again) tell(`${one.path}: ${handOverText(one)}`);
      known = merged(known, again);
    } else await mailbox.changed(Math.min(leftMs, lookEveryMs), signal);
  }
}

/** Something may come of it yet, in time. */
function isOpen(canary: Canary, untilAt: number): boolean {
  if (canary.nextAttemptAt !== null) return canary.nextAttemptAt <= untilAt;
  return canary.arrivedAt === null && (canary.state === 'handed' || canary.state === 'unknown');
}

function merged(known: RouteCanaries, newer: readonly Canary[]): RouteCanaries {
  const byId = new Map(newer.map((one) => [one.id, one]));
  return { ...known, canaries: known.canaries.map((one) => byId.get(one.id) ?? one) };
}

function handOverText({ state, summary }: Canary): string {
  return `${state === 'handed' ? 'handed over' : state}: ${summary}`;
}
