// The `status` screen and its JSON document.

import type { RouteStatus, StatusReport } from '../app/status.ts';
import type { Revert } from '../change/revert.ts';
import { describeDrift } from '../change/guards/scope.ts';
import { displayName } from '../model/domain-name.ts';
import type { Action } from '../model/change.ts';
import type { Fate } from '../model/fate.ts';
import type { PathHealth, RankedHop } from '../model/hop-health.ts';
import { sanitise } from '../model/text.ts';
import { canaryRemarks, canaryReportDocument, canarySummary, renderHours } from './canary.ts';
import { formatDuration, formatInstant, formatTime, iso } from './duration.ts';
import { describeRevert } from './revert.ts';
import { renderTable, type Cell } from './table.ts';
import { justify, type NextStep, type Style, type Tone, hang } from './terminal.ts';

const consequences: Readonly<Record<Fate, string>> = {
  accepted: 'Senders get through.',
  delayed: 'Mail gets through late.',
  deferred: 'Senders defer and retry; nothing bounces yet.',
  bounced: 'Senders give up at once: mail is being lost.',
  swallowed: 'Mail is taken and does not arrive.',
  unknown: 'What senders meet is not known.',
};

const words: Readonly<Record<PathHealth['status'], { text: string; tone: Tone }>> = {
  ok: { text: 'ok', tone: 'good' },
  degraded: { text: '!!', tone: 'warn' },
  down: { text: 'DOWN', tone: 'bad' },
  unknown: { text: '?', tone: 'faint' },
};

function activeOf(status: RouteStatus): string | null {
  return status.match.kind === 'path' ? status.match.path : null;
}

/** Since when, ms: our own flip knows to the second; without one, since the first round that saw it. */
function activeSinceOf(status: RouteStatus): number | null {
  const { lastFlip, state } = status;
  const active = activeOf(status);
  if (active === null) return null;
  if (lastFlip?.plan.to === active && lastFlip.appliedAt !== null) return lastFlip.appliedAt;
  return state?.activePath === active ? state.activeSince : null;
}

/** Health of the active path; null where none is active. */
export function activeHealth(status: RouteStatus): PathHealth | null {
  const active = activeOf(status);
  return active === null ? null : (status.health.get(active) ?? null);
}

export function renderStatus(report: StatusReport, isVerbose: boolean, style: Style): string[] {
  const down = report.routes.filter((one) => activeHealth(one)?.status === 'down').length;
  const drifting = report.routes.filter((one) => one.match.kind !== 'path').length;
  const summary = [
    `${report.routes.length} route${report.routes.length === 1 ? '' : 's'}`,
    ...(down > 0 ? [`${down} DOWN`] : []),
    ...(drifting > 0 ? [`${drifting} not as declared`] : []),
    lastRunText(report),
  ].join('   ');
  return [
    ...justify(summary, formatInstant(report.now), style.width),
    ...renderTable(
      ['ROUTE', 'ACTIVE', 'HEALTH', 'STANDBY', 'DNS', 'ACTIVE SINCE'].map((header) => ({ header })),
      report.routes.map((one) => rowOf(one, report.now)),
      style,
    ),
    ...report.routes.flatMap((one) => [
      ...troublesOf(one, report.now, style),
      ...(isVerbose ? renderHours(one.route.name, one.hours, style) : []),
    ]),
  ];
}

function lastRunText({ lastRun, now }: StatusReport): string {
  return lastRun === null
    ? 'auto has not run here'
    : `auto last run ${formatDuration(now - lastRun.finishedAt)} ago`;
}

function rowOf(status: RouteStatus, now: number): Cell[] {
  const health = activeHealth(status);
  const word = words[health?.status ?? 'unknown'];
  const score =
    health === null || health.hops.length === 0 ? '' : `${health.upCount}/${health.hops.length} up`;
  const since = activeSinceOf(status);
  return [
    status.route.name,
    activeOf(status) ?? (status.match.kind === 'unseen' ? '?' : status.match.kind),
    { text: `${word.text.padEnd(4)}  ${score}`.trimEnd(), tone: word.tone },
    standbyText(status),
    dnsText(status),
    since === null ? '-' : formatDuration(now - since),
  ];
}

function standbyText({ standby, health }: RouteStatus): string {
  const texts = standby.map((name) => {
    const one = health.get(name);
    const score = one === undefined || one.hops.length === 0 ? '' : ` ${one.upCount}/${one.hops.length}`;
    return `${name} ${words[one?.status ?? 'unknown'].text}${score}`;
  });
  return texts.length <= 2 ? texts.join(', ') : `${texts.slice(0, 2).join(', ')} +${texts.length - 2}`;
}

function dnsText({ match, disagreement, unsettled }: RouteStatus): string {
  if (match.kind === 'unseen') return 'no answer';
  if (match.kind !== 'path') return 'drift';
  if (unsettled.length > 0) return 'settling';
  return disagreement === null ? 'in sync' : 'differs';
}

function troublesOf(status: RouteStatus, now: number, style: Style): string[] {
  const lines: { mark: string; tone: Tone; text: string }[] = [];
  const add = (mark: string, tone: Tone, text: string) => lines.push({ mark, tone, text });
  if (status.match.kind !== 'path') add('!!', 'bad', describeDrift(status.match));
  const half = halfDone(status);
  if (half !== null) add('!!', 'bad', halfText(half));
  if (status.revert !== null) add(' !', 'warn', revertText(status.revert));
  if (status.disagreement !== null) add(' !', 'warn', status.disagreement);
  for (const [name, health] of status.health) {
    if (health.status !== 'down' && health.status !== 'degraded') continue;
    const isActive = name === activeOf(status);
    const isBad = isActive && health.status === 'down';
    add(isBad ? '!!' : ' !', isBad ? 'bad' : 'warn', pathTrouble(status, name, health, isActive));
  }
  for (const { kind, text } of status.canary?.findings ?? [])
    if (kind !== 'path') add(' !', 'warn', `${text}.`);
  for (const pause of status.pauses) {
    add(' !', 'warn', `paused for ${formatDuration(pause.until - now)} more by ${pause.by}: ${pause.reason}`);
  }
  for (const action of status.unsettled) add(' !', 'warn', unsettledText(action));
  if (status.clearAt !== null && status.clearAt > now) {
    add(
      '  ',
      'faint',
      `caches may hold replaced records until ${formatTime(status.clearAt)} UTC; keep both paths up`,
    );
  }
  if (status.canary !== null) {
    for (const text of canaryRemarks(status.canary)) add(' !', 'warn', `${text}.`);
    add('  ', 'faint', canarySummary(status.canary, now));
  }
  const { name } = status.route;
  return lines.flatMap(({ mark, tone, text }) => {
    const [first = '', ...rest] = hang(`${mark} ${name}  `, sanitise(text, 600), style.width);
    return [style.paint(tone, first), ...rest];
  });
}

/** A last flip that changed a part of the route, and left it there. */
function halfDone({ match, lastFlip }: RouteStatus): Action | null {
  return match.kind !== 'path' && lastFlip?.state === 'partial' ? lastFlip : null;
}

function halfText(action: Action): string {
  const why = action.note === null ? '' : ` (${action.note})`;
  return `change ${action.plan.id} is PARTLY done: ${countText(action)}${why}; to undo just that: mxctl rollback ${action.plan.id}`;
}

function countText({ changeStates }: Action): string {
  const done = changeStates.filter((one) => one === 'applied' || one === 'confirmed').length;
  return `${done} of ${changeStates.length} RRsets changed`;
}

function unsettledText(action: Action): string {
  const { id } = action.plan;
  if (action.state === 'applied')
    return `change ${id} is written, and not every authority answers it yet; mxctl watch ${id} shows which`;
  const why = action.note === null ? '' : ` (${action.note})`;
  return `how change ${id} ended is not known: ${countText(action)} for sure${why}; the next run asks the provider and finishes it, mxctl rollback ${id} undoes it`;
}

function revertText(revert: Revert): string {
  return `${describeRevert(revert)}; the next failover is refused (live-drift). What another tool must be told: mxctl provider ignore-snippet`;
}

function pathTrouble(status: RouteStatus, name: string, health: PathHealth, isActive: boolean): string {
  const failing = health.hops.filter(
    (one) => one.health.status === 'down' || one.health.failingSince !== null,
  );
  const whose = isActive ? '' : `${status.route.keep.includes(name) ? 'backup' : 'standby'} ${name}: `;
  const since = health.failingSince === null ? '' : ` since ${formatTime(health.failingSince)}`;
  const score = ` (${failing.length} of ${health.hops.length})`;
  const isByCanary = isBlamedByCanary(status, name, health);
  const what =
    failing.length === 0 || isByCanary
      ? `${health.reason}.`
      : `${hopNames(failing)}: ${failing[0]?.health.summary ?? ''}${since}${score}.`;
  if (!isActive) return whose + what;
  const domains = `${status.domains} domain${status.domains === 1 ? '' : 's'}.`;
  return `${what} ${consequences[health.fate]} ${domains}`;
}

/** Its hops answer; what is wrong with it only canaries show. */
function isBlamedByCanary({ canary }: RouteStatus, name: string, { reason }: PathHealth): boolean {
  return canary?.findings.some(({ path, text }) => path === name && text === reason) ?? false;
}

function hopNames(hops: readonly RankedHop[]): string {
  const names = [...new Set(hops.map((one) => displayName(one.hop.exchange)))];
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

export function statusNext(report: StatusReport): NextStep[] {
  const troubled = report.routes.find((one) => activeHealth(one)?.status === 'down');
  if (troubled !== undefined) {
    return [{ command: `mxctl failover ${troubled.route.name}`, effect: 'shows the plan, then asks' }];
  }
  const half = report.routes.map(halfDone).find((one) => one !== null);
  if (half != null) {
    return [{ command: `mxctl rollback ${half.plan.id}`, effect: 'puts back just what it changed' }];
  }
  const foreign = report.routes.find((one) => one.match.kind === 'drift' || one.match.kind === 'mixed');
  if (foreign !== undefined) {
    return [{ command: `mxctl plan ${foreign.route.name}`, effect: 'shows what would put it right' }];
  }
  const unmeasured = report.routes.find((one) => (activeHealth(one)?.status ?? 'unknown') === 'unknown');
  return unmeasured === undefined
    ? []
    : [{ command: `mxctl probe ${unmeasured.route.name}`, effect: 'measures every hop now' }];
}

/** `data` of `mxctl status --json`. */
export function statusDocument(report: StatusReport): unknown {
  return {
    now: iso(report.now),
    last_run:
      report.lastRun === null
        ? null
        : { at: iso(report.lastRun.finishedAt), exit_code: report.lastRun.exitCode },
    routes: report.routes.map((one) => ({
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
      paths: [...one.health].map(([name, health]) => ({ path: name, ...healthDocument(health) })),
    })),
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
