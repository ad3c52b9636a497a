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
      `${one.route}/${one.path}`,
      displayName(one.hop.exchange),
      one.queueId ?? '-',
      outcomeOf(one),
    ]),
  );
  const headers = ['', 'ROUTE/PATH', 'HANDED TO', 'QUEUE ID', 'MAILBOX'];
  const details = results.flatMap(({ canaries, report }) => [
    ...canaries.flatMap((one) => detailLines(one, style)),
    ...report.findings.flatMap(({ text }) => hang(' ! ', text, style.width)),
  ]);
  return [
    ...renderTable(
      headers.map((header) => ({ header })),
      rows,
      style,
    ),
    ...details,
    total(results),
  ];
}

/** Arrived within `delayed_after`. */
export function isInTime(canary: Canary, delayedAfterMs: number): boolean {
  const latency = latencyOf(canary);
  return latency !== null && latency <= delayedAfterMs;
}

function markOf(canary: Canary, delayedAfterMs: number): Cell {
  if (isInTime(canary, delayedAfterMs)) return { text: 'ok', tone: 'good' };
  return canary.state === 'refused' || canary.state === 'bounced' || canary.state === 'arrived'
    ? { text: 'FAIL', tone: 'bad' }
    : { text: '?', tone: 'warn' };
}

function outcomeOf(canary: Canary): string {
  const latency = latencyOf(canary);
  if (latency !== null) {
    const folder = canary.isSpam ? ', as spam' : '';
    return `after ${formatDuration(latency)}${folder}${canary.copies > 1 ? `, ${canary.copies} copies` : ''}`;
  }
  return canary.state === 'handed' ? 'not yet' : canary.state;
}

function detailLines(canary: Canary, style: Style): string[] {
  const where = canary.trace.length === 0 ? [] : [`way: ${traceText(canary.trace)}`];
  const why =
    canary.state === 'arrived' || canary.state === 'handed' ? [] : [canary.bounce ?? canary.summary];
  return [...where, ...why].flatMap((text) => hang(`    ${canary.path}  `, text, style.width));
}

/** Hosts in the order of the way, each with what passed since the one before, by their own clocks. */
function traceText(trace: readonly TraceHop[]): string {
  const parts = trace.map((one, index) => {
    const before = trace[index - 1]?.at ?? null;
    const wait = one.at === null || before === null ? '' : ` +${formatDuration(one.at - before)}`;
    return `${one.by ?? one.from ?? '?'}${wait}`;
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

/** One line of a route's paths, for `status`: latency and age of the last one by each. */
export function canarySummary(report: CanaryReport, now: number): string {
  const parts = [...report.verdicts.values()].map((one) => verdictText(one, now));
  return `canaries: ${parts.join(', ')}`;
}

function verdictText(verdict: CanaryVerdict, now: number): string {
  const { path, newest, lastLatencyMs, inFlight, oldestMs } = verdict;
  if (newest === null) return `${path} none yet`;
  const latency = lastLatencyMs === null ? 'none arrived' : formatDuration(lastLatencyMs);
  const waiting = inFlight.length === 0 ? '' : `, ${inFlight.length} on the way`;
  // Since the last look: a fresh one has not been looked for.
  const oldest = oldestMs === null || oldestMs === 0 ? '' : ` for ${formatDuration(oldestMs)}`;
  return `${path} ${latency} (sent ${formatDuration(now - newest.sentAt)} ago${waiting}${oldest})`;
}

/** Latency by the hour, newest last. */
export function renderHours(hours: readonly LatencyHour[], style: Style): string[] {
  if (hours.length === 0) return [];
  const headers = ['HOUR (UTC)', 'PATH', 'HANDED', 'ARRIVED', 'P50', 'P95', 'MAX'];
  const time = (ms: number | null) => (ms === null ? '-' : formatDuration(ms));
  const rows = hours.map((one) => [
    `${new Date(one.hourAt).toISOString().slice(5, 13).replace('T', ' ')}h`,
    one.path,
    String(one.handed),
    String(one.arrived),
    time(one.p50Ms),
    time(one.p95Ms),
    time(one.maxMs),
  ]);
  return renderTable(
    headers.map((header) => ({ header })),
    rows,
    style,
  );
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
      last_arrived_at: iso(one.lastArrivedAt),
      last_latency_seconds: one.lastLatencyMs === null ? null : one.lastLatencyMs / 1000,
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
