// Drills as lines and documents: what a rehearsal found, and what a canary drill measured.

import type { CanaryDrill, DrilledZone } from '../app/drill-canary.ts';
import type { RehearsedCandidate, RehearsedProvider, Rehearsal } from '../app/drill-rehearse.ts';
import { displayName } from '../model/domain-name.ts';
import type { PublishTime } from '../model/publish-time.ts';
import { sanitise } from '../model/text.ts';
import { formatDuration, formatRelative, formatTime, iso } from './duration.ts';
import { guardLines, planDocument } from './plan.ts';
import { renderTable } from './table.ts';
import { hang, justify, pad, type Style, wrap } from './terminal.ts';

const labelWidth = 12;

export function renderRehearsal(rehearsal: Rehearsal, style: Style): string[] {
  const { route, now, active, providers, candidates, budget, findings } = rehearsal;
  const title = `Rehearsal   ${route.name}: on ${active ?? 'no declared path'}, nothing is written`;
  return [
    ...justify(title, `${formatTime(now)} UTC`, style.width),
    ...providers.flatMap((one) => providerLines(one, now, style)),
    ...candidates.flatMap((one) => candidateLines(one, now, style)),
    ...hang(
      pad('  Budget', labelWidth),
      `${seconds(budget.totalSeconds)} at the worst: notice ${seconds(budget.detectSeconds)}, ` +
        `write ${seconds(budget.writeSeconds)}, old TTL ${seconds(budget.ttlSeconds)}; knob ${budget.knob}`,
      style.width,
    ),
    ...findings.flatMap((text, at) =>
      hang(pad(at === 0 ? '  Found' : '', labelWidth), sanitise(text, 600), style.width),
    ),
    verdict(rehearsal, style),
  ];
}

function seconds(value: number): string {
  return formatDuration(value * 1000);
}

function verdict({ route, findings, exitCode }: Rehearsal, style: Style): string {
  if (findings.length === 0) return `${style.paint('good', 'ready')}   ${route.name} could move now`;
  const isRefused = exitCode !== 0 && exitCode !== 2;
  const word = isRefused ? style.paint('bad', 'NOT ready') : style.paint('warn', 'look');
  return `${word}   ${route.name}: ${findings.length} found`;
}

const compareAndSet = {
  full: 'values and TTL compared',
  values: 'values compared, not the TTL',
  weak: 'compared as well as it can',
  none: 'read, compared, written',
} as const;

/** What an adapter can tell without writing, and what it cannot. */
function providerLines(provider: RehearsedProvider, now: number, style: Style): string[] {
  const { name, label, zones, fault, capabilities, provenAt } = provider;
  const lead = pad('  Provider', labelWidth);
  if (fault !== null) {
    const text = `${style.paint('bad', 'NO')}    ${sanitise(`${name}: ${fault.message}`, 600)}`;
    return hang(lead, text, style.width);
  }
  const read = `${label ?? name} lets us read ${zones.map(displayName).join(', ')}`;
  const how = capabilities === null ? '' : `; a write there is ${compareAndSet[capabilities.compareAndSet]}`;
  const write =
    provenAt === null
      ? 'that it takes a write from us is not known: a canary drill shows it'
      : `its last write for us was ${formatRelative(provenAt, now)}`;
  return [
    ...hang(lead, `${style.paint('good', 'ok')}    ${read}${how}`, style.width),
    ...hang(
      ' '.repeat(labelWidth),
      `${provenAt === null ? '?' : 'ok'}${provenAt === null ? '     ' : '    '}${write}`,
      style.width,
    ),
  ];
}

function candidateLines({ path, guards, prepared }: RehearsedCandidate, now: number, style: Style): string[] {
  const trueBy =
    prepared === null
      ? 'no plan, for a provider cannot be read'
      : `${prepared.plan.changes.length} RRsets, true by ${formatTime(prepared.trueByAt)} UTC ` +
        `(${formatRelative(prepared.trueByAt, now)}; write ~${prepared.publish.seconds}s` +
        `${prepared.publish.measured > 0 ? ' measured' : ''})`;
  return [...hang(pad('  To', labelWidth), `${path}: ${trueBy}`, style.width), ...guardLines(guards, style)];
}

export function rehearsalDocument(rehearsal: Rehearsal): Record<string, unknown> {
  const { route, now, active, providers, candidates, budget, unsettled, findings } = rehearsal;
  return {
    depth: 'rehearse',
    route: route.name,
    at: iso(now),
    active,
    is_ready: findings.length === 0,
    findings,
    providers: providers.map((one) => ({
      name: one.name,
      label: one.label,
      zones: one.zones.map(displayName),
      can_read: one.fault === null,
      error: one.fault === null ? null : { code: one.fault.code, message: one.fault.message },
      write_proven_at: iso(one.provenAt),
      compare_and_set: one.capabilities?.compareAndSet ?? null,
    })),
    candidates: candidates.map(({ path, health, guards, prepared }) => ({
      path,
      health: health?.status ?? 'unknown',
      guards,
      plan: prepared === null ? null : planDocument(prepared),
    })),
    recovery: {
      detect_seconds: budget.detectSeconds,
      write_seconds: budget.writeSeconds,
      ttl_seconds: budget.ttlSeconds,
      total_seconds: budget.totalSeconds,
      knob: budget.knob,
    },
    unsettled: unsettled.map((one) => one.plan.id),
  };
}

export function renderCanaryDrill({ zones, leftovers, error }: CanaryDrill, style: Style): string[] {
  const header = ['ZONE', 'PROVIDER', 'ACCEPTED', 'FIRST', 'EVERY', 'REMOVED', 'A PLAN SAYS'];
  return [
    ...leftovers.map((owner) => `what a killed drill had left at ${displayName(owner)} is removed`),
    ...renderTable(
      header.map((text, at) => ({ header: text, align: at > 1 ? ('right' as const) : ('left' as const) })),
      zones.map(rowOf),
      style,
    ),
    ...wrap(
      'From the call until the provider had taken it, the first authority answered it, and every one did; and the same ' +
        'for taking it away. A plan goes by the last 20 writes of a zone once there are 5.',
      style.width,
    ),
    error === null
      ? `${style.paint('good', 'done')}   written, seen at every authority, and removed; mail was not touched`
      : style.paint('bad', 'NOT well'),
  ];
}

function rowOf({ zone, provider, written, removed, promise }: DrilledZone): string[] {
  return [
    displayName(zone),
    provider,
    took(written, 'acceptedMs'),
    took(written, 'firstMs'),
    took(written, 'allMs'),
    took(removed, 'allMs'),
    `${promise.seconds}s${promise.measured > 0 ? '' : ' assumed'}`,
  ];
}

function took(time: PublishTime | null, what: 'acceptedMs' | 'firstMs' | 'allMs'): string {
  if (time === null) return '-';
  const ms = time[what];
  return ms === null ? 'never' : formatDuration(ms);
}

export function canaryDrillDocument(
  route: string,
  { zones, leftovers }: CanaryDrill,
): Record<string, unknown> {
  const document = (time: PublishTime | null) =>
    time === null
      ? null
      : { at: iso(time.at), accepted_ms: time.acceptedMs, first_ms: time.firstMs, all_ms: time.allMs };
  return {
    depth: 'canary',
    route,
    zones: zones.map(({ provider, zone, owner, written, removed, promise }) => ({
      provider,
      zone: displayName(zone),
      owner: displayName(owner),
      written: document(written),
      removed: document(removed),
      write_seconds: promise.seconds,
      write_measured: promise.measured,
    })),
    leftovers: leftovers.map(displayName),
  };
}
