// The `status` screen.

import type { RouteStatus, StatusReport } from '../app/status.ts';
import type { PathHealth } from '../model/hop-health.ts';
import { sanitise } from '../model/text.ts';
import { describeBrake } from './brakes.ts';
import { renderHours } from './canary.ts';
import { formatDuration, formatInstant } from './duration.ts';
import { activeHealth, activeOf, activeSinceOf, dnsText, halfDone } from './status-route.ts';
import { troublesOf } from './status-troubles.ts';
import { renderTable, type Cell } from './table.ts';
import { hang, justify, type NextStep, type Style, type Tone } from './terminal.ts';
import { renderSeats, seatWarning } from './vantages.ts';

/** A brake's reason with a server's words in it; past this it is noise. */
const longestLine = 600;

const words: Readonly<Record<PathHealth['status'], { text: string; tone: Tone }>> = {
  ok: { text: 'ok', tone: 'good' },
  degraded: { text: '!!', tone: 'warn' },
  down: { text: 'DOWN', tone: 'bad' },
  unknown: { text: '?', tone: 'faint' },
};

export function renderStatus(report: StatusReport, isVerbose: boolean, style: Style): string[] {
  const down = report.routes.filter((one) => activeHealth(one)?.status === 'down').length;
  const drifting = report.routes.filter((one) => one.match.kind !== 'path').length;
  const summary = [
    ...(report.brakes.length > 0 ? ['auto is BRAKED'] : []),
    `${report.routes.length} route${report.routes.length === 1 ? '' : 's'}`,
    ...(down > 0 ? [`${down} DOWN`] : []),
    ...(drifting > 0 ? [`${drifting} not as declared`] : []),
    lastRunText(report),
  ].join('   ');
  return [
    ...justify(summary, formatInstant(report.now), style.width),
    ...alarmsOf(report, style),
    ...renderTable(
      ['ROUTE', 'ACTIVE', 'HEALTH', 'STANDBY', 'DNS', 'ACTIVE SINCE'].map((header) => ({ header })),
      report.routes.map((one) => rowOf(one, report.now)),
      style,
    ),
    ...report.routes.flatMap((one) => [
      ...troublesOf(one, report.now, style),
      ...(isVerbose ? renderHours(one.route.name, one.hours, style) : []),
    ]),
    ...(isVerbose ? renderSeats(report.vantages, report.now, style) : []),
  ];
}

/** What concerns more than one route: before all else. */
function alarmsOf(report: StatusReport, style: Style): string[] {
  const line = (mark: string, tone: Tone, text: string) =>
    hang(`${mark} `, sanitise(text, longestLine), style.width).map((one) => style.paint(tone, one));
  return [
    ...report.brakes.flatMap((one) => line('!!', 'bad', describeBrake(one))),
    ...report.vantages.flatMap((one) => {
      const text = seatWarning(one, report.now);
      return text === null ? [] : line(' !', 'warn', text);
    }),
    ...report.unwatched.flatMap(({ route, state }) =>
      line(
        '!!',
        'bad',
        `route ${route} left the configuration while on ${state.activePath ?? '?'} (${state.phase}): nobody watches it`,
      ),
    ),
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

export function statusNext(report: StatusReport): NextStep[] {
  const troubled = report.routes.find((one) => activeHealth(one)?.status === 'down');
  if (troubled !== undefined) {
    return [{ command: `mxctl failover ${troubled.route.name}`, effect: 'shows the plan, then asks' }];
  }
  const [brake] = report.brakes;
  if (brake !== undefined) {
    const command = brake.route === null ? 'mxctl resume' : `mxctl resume ${brake.route}`;
    return [{ command, effect: 'lets auto go on, when you have looked' }];
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
