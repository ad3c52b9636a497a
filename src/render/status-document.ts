// `mxctl status --json`.

import type { RouteStatus, StatusReport } from '../app/status.ts';
import { describeDrift } from '../change/guards/scope.ts';
import type { Revert } from '../change/revert.ts';
import { displayName } from '../model/domain-name.ts';
import type { PathHealth } from '../model/hop-health.ts';
import { brakeDocument } from './brakes.ts';
import { canaryReportDocument } from './canary.ts';
import { iso } from './duration.ts';
import { activeOf, activeSinceOf, dnsText } from './status-route.ts';
import { seatDocument } from './vantages.ts';

/** `data` of `mxctl status --json`. */
export function statusDocument(report: StatusReport): unknown {
  return {
    now: iso(report.now),
    last_run:
      report.lastRun === null
        ? null
        : { at: iso(report.lastRun.finishedAt), exit_code: report.lastRun.exitCode },
    brakes: report.brakes.map(brakeDocument),
    vantages: report.vantages.map(seatDocument),
    unwatched: report.unwatched.map(({ route, state }) => ({
      route,
      phase: state.phase,
      active: state.activePath,
    })),
    routes: report.routes.map(routeDocument),
  };
}

function routeDocument(one: RouteStatus): Record<string, unknown> {
  return {
    route: one.route.name,
    active: activeOf(one),
    live: one.match.kind,
    drift: one.match.kind === 'path' ? null : describeDrift(one.match),
    dns: dnsText(one).replace(' ', '_'),
    disagreement: one.disagreement,
    canary: one.canary === null ? null : canaryReportDocument(one.canary, one.hours),
    preferred: one.route.prefer,
    domains: one.domains,
    active_since: iso(activeSinceOf(one)),
    phase: one.state?.phase ?? 'unknown',
    last_decision: one.state?.lastDecision ?? null,
    reasons: one.state?.lastReasons ?? [],
    caches_clear_at: iso(one.clearAt),
    last_flip:
      one.lastFlip === null
        ? null
        : {
            id: one.lastFlip.id,
            plan: one.lastFlip.plan.id,
            to: one.lastFlip.plan.to,
            at: iso(one.lastFlip.appliedAt),
            state: one.lastFlip.state,
          },
    revert:
      one.revert === null
        ? null
        : {
            plan: one.revert.flip.plan.id,
            to: one.revert.flip.plan.to,
            seen_at: iso(one.revert.at),
            seconds_after_flip: secondsAfterFlip(one.revert),
          },
    unsettled: one.unsettled.map((action) => ({
      id: action.id,
      plan: action.plan.id,
      state: action.state,
    })),
    pauses: one.pauses.map((pause) => ({ ...pause, at: iso(pause.at), until: iso(pause.until) })),
    paths: [...one.health].map(([name, health]) => {
      const { up = [], down = [], unknown = [] } = one.sights.get(name) ?? {};
      return { path: name, ...healthDocument(health), vantages: { up, down, unknown } };
    }),
  };
}

function secondsAfterFlip({ flip, at }: Revert): number {
  return Math.floor((at - (flip.appliedAt ?? flip.intendedAt)) / 1000);
}

/** A path's health in JSON; instants in ISO 8601. */
export function healthDocument(health: PathHealth): Record<string, unknown> {
  return {
    status: health.status,
    fate: health.fate,
    reason: health.reason,
    up: health.upCount,
    failing_since: iso(health.failingSince),
    hops: health.hops.map(({ hop, preference, health: one }) => ({
      exchange: displayName(hop.exchange),
      address: hop.address,
      port: hop.port,
      preference,
      status: one.status,
      fate: one.fate,
      summary: one.summary,
      slow: one.isSlow,
      failures: one.failures,
      successes: one.successes,
      last_at: iso(one.lastAt === 0 ? null : one.lastAt),
    })),
  };
}
