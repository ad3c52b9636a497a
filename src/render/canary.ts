// Canaries as lines and as JSON: those sent by hand, and what `status` says of a route's.

import type { SentCanaries } from '../app/canary-now.ts';
import type { CanaryReport } from '../health/canary-diagnosis.ts';
import { latencyOf, type CanaryVerdict } from '../health/canary.ts';
import type { Canary, LatencyHour, TraceHop } from '../model/canary.ts';
import { displayName } from '../model/domain-name.ts';
import { formatDuration, iso } from './duration.ts';
import { renderTable, type Cell } from './table.ts';
import { hang, type Style } from './terminal.ts';

export function renderSentCanaries(results: readonly SentCanaries[], style: Style): string[] {
  const rows = results.flatMap(({ canaries, delayedAfterMs }) =>
    canaries.map((one): Cell[] => [
      markOf(one, delayedAfterMs),
      nameOf(one),
      displayName(one.hop.exchange),
      one.queueId ?? '-',
      outcomeOf(one),
    ]),
  );
  const headers = ['', 'ROUTE/PATH', 'HANDED TO', 'QUEUE ID', 'MAILBOX'];
  const widest = Math.max(0, ...results.flatMap(({ canaries }) => canaries.map((one) => nameOf(one).length)));
  const details = results.flatMap((result) => [
    ...result.canaries.flatMap((one) => detailLines(one, widest, style)),
    ...unsentPaths(result).flatMap((path) =>
      hang(` ?  ${result.route}/${path}  `, 'not sent: no hop of it has an address now', style.width),
    ),
    ...result.report.findings.flatMap(({ text }) => hang(` ! ${result.route}  `, text, style.width)),
  ]);
  return [
    ...(rows.length === 0
      ? []
      : renderTable(
          headers.map((header) => ({ header })),
          rows,
          style,
        )),
    ...details,
    total(results),
  ];
}

const nameOf = ({ route, path }: Canary): string => `${route}/${path}`;

/** Paths that should have got a canary, and have no hop to hand it to. */
export function unsentPaths({ canaries, report }: SentCanaries): string[] {
  return report.policy.paths.filter((path) => canaries.every((one) => one.path !== path));
}

/** Arrived within `delayed_after`. */
function isInTime(canary: Canary, delayedAfterMs: number): boolean {
  const latency = latencyOf(canary);
  return latency !== null && latency <= delayedAfterMs;
}

/** What one canary shows of its path: nothing yet, where it may still come in time. */
export function canaryVerdictWord(canary: Canary, delayedAfterMs: number): 'pass' | 'fail' | 'open' {
  if (isInTime(canary, delayedAfterMs)) return 'pass';
  return ['refused', 'bounced', 'arrived', 'unreachable'].includes(canary.state) ? 'fail' : 'open';
}

const marks = {
  pass: { text: 'ok', tone: 'good' },
  fail: { text: 'FAIL', tone: 'bad' },
  open: { text: '?', tone: 'warn' },
} as const satisfies Record<ReturnType<typeof canaryVerdictWord>, Cell>;

function markOf(canary: Canary, delayedAfterMs: number): Cell {
  return marks[canaryVerdictWord(canary, delayedAfterMs)];
}

function outcomeOf(canary: Canary): string {
  const latency = latencyOf(canary);
  if (latency !== null) {
    const folder = canary.isSpam ? ', as spam' : '';
    return `after ${formatDuration(latency)}${folder}${canary.copies > 1 ? `, ${canary.copies} copies` : ''}`;
  }
  return canary.state === 'handed' ? 'not yet' : canary.state;
}

function detailLines(canary: Canary, nameWidth: number, style: Style): string[] {
  const where = canary.trace.length === 0 ? [] : [`way: ${traceText(canary.trace)}`];
  const why =
    canary.state === 'arrived' || canary.state === 'handed' ? [] : [canary.bounce ?? canary.summary];
  const lead = `    ${nameOf(canary).padEnd(nameWidth)}  `;
  return [...where, ...why, ...oddities(canary)].flatMap((text) => hang(lead, text, style.width));
}

/** Of a canary that arrived: nothing is lost, and somebody may want to know. */
function oddities({ isSpam, isBySubject }: Canary): string[] {
  return [
    ...(isSpam ? ['arrived as spam: train the filter, or its own tests will hide what it does to mail'] : []),
    ...(isBySubject ? ['known by its subject alone: something on its way takes header fields off'] : []),
  ];
}

/** Hosts in the order of the way, each with what passed since the one before, by their own clocks, which write whole
 *  seconds (RFC 5322 §3.3). */
function traceText(trace: readonly TraceHop[]): string {
  const parts = trace.map((one, index) => {
    const before = trace[index - 1]?.at ?? null;
    const waitedMs = one.at === null || before === null ? 0 : one.at - before;
    return `${one.by ?? one.from ?? '?'}${waitedMs > 0 ? ` +${formatDuration(waitedMs)}` : ''}`;
  });
  return parts.join(' > ');
}

function total(results: readonly SentCanaries[]): string {
  const all = results.flatMap(({ canaries, delayedAfterMs }) =>
    canaries.map((one) => isInTime(one, delayedAfterMs)),
  );
  const inTime = all.filter(Boolean).length;
  return `${inTime} of ${all.length} canaries arrived in time`;
}

/** One line of a route's paths, for `status`: latency of the last by each, what is stuck, and the age of the newest. */
export function canarySummary(report: CanaryReport, now: number): string {
  const verdicts = [...report.verdicts.values()];
  const sent = verdicts.flatMap((one) => one.newest?.sentAt ?? []);
  if (sent.length === 0) return 'canaries: none sent yet';
  const newestAt = Math.max(...sent);
  const parts = verdicts.map((one) => verdictText(one, newestAt - report.policy.everyMs, now));
  return `canaries: ${parts.join(', ')}; last sent ${formatDuration(now - newestAt)} ago`;
}

/** `dueAt`: a path whose newest is older gets no canaries any more. */
function verdictText(verdict: CanaryVerdict, dueAt: number, now: number): string {
  const { path, newest, lastLatencyMs, inFlight, oldestMs } = verdict;
  if (newest === null) return `${path} none yet`;
  const latency = lastLatencyMs === null ? 'none arrived' : formatDuration(lastLatencyMs);
  const remarks = [
    // Since the last look: a fresh one has not been looked for.
    ...(oldestMs === null || oldestMs === 0
      ? []
      : [`${inFlight.length} on the way, oldest ${formatDuration(oldestMs)}`]),
    ...(['deferred', 'refused', 'unreachable', 'unknown'].includes(newest.state)
      ? [`the last one ${newest.state}`]
      : []),
    ...(newest.sentAt < dueAt ? [`last sent ${formatDuration(now - newest.sentAt)} ago`] : []),
  ];
  return `${path} ${latency}${remarks.length === 0 ? '' : ` (${remarks.join('; ')})`}`;
}

/** What is odd about the last canaries to arrive, and no fault of a path: said, and nothing is decided by it. */
export function canaryRemarks({ verdicts }: CanaryReport): string[] {
  return [...verdicts.values()].flatMap(({ path, lastArrived }) =>
    lastArrived === null ? [] : oddities(lastArrived).map((text) => `canary by ${path} ${text}`),
  );
}

/** Latency by the hour of hand-over, path by path, newest last. */
export function renderHours(route: string, hours: readonly LatencyHour[], style: Style): string[] {
  if (hours.length === 0) return [];
  const headers = ['PATH', 'HOUR (UTC)', 'HANDED', 'ARRIVED', 'P50', 'P95', 'MAX'];
  const time = (ms: number | null) => (ms === null ? '-' : formatDuration(ms));
  const rows = [...Map.groupBy(hours, (one) => one.path).values()]
    .flat()
    .map((one) => [
      one.path,
      `${new Date(one.hourAt).toISOString().slice(5, 13).replace('T', ' ')}h`,
      String(one.handed),
      String(one.arrived),
      time(one.p50Ms),
      time(one.p95Ms),
      time(one.maxMs),
    ]);
  const columns = headers.map((header, at) => ({
    header,
    align: at < 2 ? ('left' as const) : ('right' as const),
  }));
  return [
    `   ${route}  canaries of the last day, by the hour of hand-over:`,
    ...renderTable(columns, rows, style),
  ];
}

/** A canary in JSON; instants in ISO 8601, durations in seconds. */
export function canaryDocument(canary: Canary): Record<string, unknown> {
  const latency = latencyOf(canary);
  return {
    id: canary.id,
    token: canary.token,
    path: canary.path,
    vantage: canary.vantage,
    exchange: displayName(canary.hop.exchange),
    address: canary.hop.address,
    state: canary.state,
    attempts: canary.attempts,
    sent_at: iso(canary.sentAt),
    handed_at: iso(canary.handedAt),
    reply: canary.reply,
    queue_id: canary.queueId,
    summary: canary.summary,
    arrived_at: iso(canary.arrivedAt),
    latency_seconds: latency === null ? null : latency / 1000,
    spam: canary.isSpam,
    copies: canary.copies,
    by_subject: canary.isBySubject,
    trace: canary.trace.map((one) => ({ ...one, at: iso(one.at) })),
    bounce: canary.bounce,
    replayed_at: iso(canary.replayedAt),
  };
}

/** `data.routes[].canary` of `mxctl status --json`. */
export function canaryReportDocument(report: CanaryReport, hours: readonly LatencyHour[]): unknown {
  const { look } = report;
  return {
    mailbox:
      look === null
        ? null
        : {
            read_at: iso(look.readAt),
            tried_at: iso(look.triedAt),
            fault: look.fault,
            clock_ahead_seconds: look.skewMs === null ? null : look.skewMs / 1000,
            forged: look.forged,
          },
    findings: report.findings,
    paths: [...report.verdicts.values()].map((one) => ({
      path: one.path,
      status: one.status,
      since: iso(one.since),
      in_flight: one.inFlight.length,
      oldest_seconds: one.oldestMs === null ? null : one.oldestMs / 1000,
      last_arrived_at: iso(one.lastArrived?.arrivedAt ?? null),
      last_latency_seconds: one.lastLatencyMs === null ? null : one.lastLatencyMs / 1000,
      last_was_spam: one.lastArrived?.isSpam ?? null,
      last_by_subject: one.lastArrived?.isBySubject ?? null,
      in_time_in_a_row: one.streak,
      owed: one.owed.map(canaryDocument),
      lost: one.lost.map(canaryDocument),
    })),
    hours: hours.map((one) => ({
      path: one.path,
      hour: iso(one.hourAt),
      handed: one.handed,
      arrived: one.arrived,
      p50_seconds: one.p50Ms === null ? null : one.p50Ms / 1000,
      p95_seconds: one.p95Ms === null ? null : one.p95Ms / 1000,
      max_seconds: one.maxMs === null ? null : one.maxMs / 1000,
    })),
  };
}
