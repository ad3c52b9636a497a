// A plan as a person reads it before saying yes: what changes where, what it touches, when it is true for the world,
// what each guard says, and how to undo it. And its JSON document.

import type { PreparedPlan } from '../app/prepare.ts';
import { declaredTtl } from '../change/plan.ts';
import { displayName } from '../model/domain-name.ts';
import type { GuardResult, GuardVerdict, Plan, RrsetChange } from '../model/change.ts';
import type { Rrset } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import { formatDuration, formatRelative, formatTime, iso } from './duration.ts';
import { displayWidth, hang, justify, pad, type Style, type Tone, wrap } from './terminal.ts';

const labelWidth = 12;
/** RRsets shown in full; a plan over hundreds of domains says the rest in a line. */
const mostShown = 12;

export function renderPlan(prepared: PreparedPlan, now: number, style: Style): string[] {
  const { plan } = prepared;
  const move =
    plan.kind === 'raise-ttl' ? 'raise the TTL' : `${plan.from ?? 'drift'} -> ${plan.to ?? 'as before'}`;
  const title = `Plan ${plan.id}   ${plan.route}: ${move}`;
  return [
    ...justify(title, `${formatTime(now)} UTC`, style.width),
    ...changeLines(prepared, style),
    ...labelled('Touches', touches(plan), style),
    ...labelled('True by', trueBy(prepared, now), style),
    ...labelled(
      'Note',
      prepared.notes.map((one) => sanitise(one, 600)),
      style,
    ),
    ...guardLines(prepared.guards, style),
    ...labelled('Undo', [`mxctl rollback ${plan.id}   puts these exact records back`], style),
  ];
}

function labelled(label: string, texts: readonly string[], style: Style): string[] {
  return texts.flatMap((text, at) => hang(pad(at === 0 ? `  ${label}` : '', labelWidth), text, style.width));
}

/** RRsets that change alike are shown once, the others named. */
function changeLines({ plan, providers, context }: PreparedPlan, style: Style): string[] {
  if (plan.changes.length === 0) return ['  nothing to change: DNS holds these records already'];
  const groups = [...Map.groupBy(plan.changes, shapeOf).values()];
  const lines = groups.slice(0, mostShown).flatMap((group) => {
    const [first, ...rest] = group;
    if (first === undefined) return [];
    return [
      ...placeLines(first, providers, style),
      ...diffLines(first, style),
      ...ttlLines(declaredTtl(context.route, plan.kind, first), first, style),
      ...sameLines(first, rest, providers, style),
    ];
  });
  const hidden = groups.length - mostShown;
  return hidden > 0
    ? [...lines, `  and ${hidden} more RRsets; all of them: mxctl plan ${plan.route} --json`]
    : lines;
}

/** The account and the zone are what tells one shop.example from another. */
function placeLines(change: RrsetChange, providers: PreparedPlan['providers'], style: Style): string[] {
  const head = `  ${change.owner}  ${change.type}   `;
  const place = placeOf(change, providers);
  if (displayWidth(head + place) <= style.width) return [head + place];
  return [head.trimEnd(), ...hang('    ', place, style.width)];
}

function placeOf({ provider, zone }: RrsetChange, providers: PreparedPlan['providers']): string {
  const { label = provider, zoneIds } = providers.get(provider) ?? {};
  const id = zoneIds?.get(zone);
  return `${label}, zone ${displayName(zone)}${id === undefined ? '' : ` ${id}`}`;
}

/** Zones of an equal change that are named; a plan over hundreds of zones says the rest in a line. */
const mostPlaces = 8;

/** Who else gets the same change, and where. */
function sameLines(
  first: RrsetChange,
  rest: readonly RrsetChange[],
  providers: PreparedPlan['providers'],
  style: Style,
): string[] {
  const places = [...Map.groupBy(rest, (one) => `${one.provider} ${one.zone}`).values()];
  const shown = places.slice(0, mostPlaces).flatMap((own) => {
    const [one] = own;
    if (one === undefined) return [];
    const isElsewhere = one.zone !== first.zone || one.provider !== first.provider;
    const where = isElsewhere ? `, at ${placeOf(one, providers)}` : '';
    return wrap(`  ${listed(own.map(({ owner }) => owner))}: same change${where}`, style.width, '    ');
  });
  const hidden = places.length - mostPlaces;
  return hidden > 0 ? [...shown, `  and the same change in ${hidden} more zones`] : shown;
}

function ttlLines(declared: number | null, { provider, desired }: RrsetChange, style: Style): string[] {
  if (declared === null || desired === null) return [];
  return hang('    ', `TTL ${desired.ttl}: ${provider} does not take the declared ${declared}`, style.width);
}

function listed(names: readonly string[]): string {
  return names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`;
}

function shapeOf({ expected, desired, type, provider, owner }: RrsetChange): string {
  const side = (rrset: Rrset | null) => (rrset === null ? null : [rrset.ttl, rrset.rdata]);
  // Addresses of different hosts are different changes; the MX of many domains is one.
  return JSON.stringify([type === 'MX' ? type : [type, owner, provider], side(expected), side(desired)]);
}

function diffLines({ expected, desired }: RrsetChange, style: Style): string[] {
  const ttlWidth = String(Math.max(expected?.ttl ?? 0, desired?.ttl ?? 0)).length;
  const left = sideLines('-', expected, null, ttlWidth);
  const right = sideLines('+', desired, expected, ttlWidth);
  const leftWidth = Math.max(...left.map(displayWidth));
  if (leftWidth + 6 + Math.max(...right.map(displayWidth)) > style.width - 4) {
    return [
      ...left.map((one) => paintSide('bad', one, style)),
      ...right.map((one) => paintSide('good', one, style)),
    ];
  }
  return Array.from({ length: Math.max(left.length, right.length) }, (_, at) => {
    const [before = '', after = ''] = [left[at], right[at]];
    return `    ${style.paint('bad', pad(before, leftWidth))}      ${style.paint('good', after)}`.trimEnd();
  });
}

function paintSide(tone: Tone, line: string, style: Style): string {
  return `    ${style.paint(tone, line)}`;
}

function sideLines(mark: '-' | '+', rrset: Rrset | null, before: Rrset | null, ttlWidth: number): string[] {
  if (rrset === null) return [`${mark} (none)`];
  return rrset.rdata.map((value) => {
    const ttl = String(rrset.ttl).padStart(ttlWidth);
    const kept = mark === '+' && before?.rdata.includes(value) === true ? '  kept' : '';
    return `${mark} ${ttl}  ${value}${kept}`;
  });
}

function touches({ changes }: Plan): string[] {
  const count = (of: (change: RrsetChange) => string, word: string) => {
    const number = new Set(changes.map(of)).size;
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  };
  return [
    [
      count((one) => `${one.owner} ${one.type}`, 'RRset'),
      count((one) => one.owner, 'domain'),
      count((one) => `${one.provider} ${one.zone}`, 'zone'),
      count((one) => one.provider, 'provider'),
    ].join(', '),
  ];
}

function trueBy({ plan, trueByAt, publish }: PreparedPlan, now: number): string[] {
  if (plan.changes.length === 0) return ['now'];
  const ttl = Math.max(0, ...plan.changes.map((one) => one.expected?.ttl ?? 0));
  return [
    `${formatTime(trueByAt)} UTC at the latest, ${formatRelative(trueByAt, now)} (write ~${publish.seconds}s${publish.measured > 0 ? ' measured' : ''} + old TTL ${ttl}s)`,
    "Queued mail then moves at each sender's own retry",
  ];
}

const verdictTones: Readonly<Record<GuardVerdict, Tone>> = {
  ok: 'good',
  warn: 'warn',
  forbid: 'bad',
  skipped: 'faint',
};
const verdictWords: Readonly<Record<GuardVerdict, string>> = {
  ok: 'ok',
  warn: 'warn',
  forbid: 'NO',
  skipped: '-',
};

/** Guards that say something about the target even when they are content; of the others only the names are shown. */
const telling: readonly string[] = ['target-unhealthy', 'target-rcpt', 'mta-sts', 'tls-name'];

/** What forbids comes last: the last lines are the ones that are read. */
export function guardLines(guards: readonly GuardResult[], style: Style): string[] {
  const quiet = guards.filter((one) => one.verdict === 'ok' && !telling.includes(one.name));
  const told = (verdict: GuardVerdict) =>
    guards.filter((one) => one.verdict === verdict && !quiet.includes(one));
  const lines: { verdict: GuardVerdict; text: string }[] = [
    ...told('ok').map(({ verdict, reason }) => ({ verdict, text: reason })),
    ...(quiet.length === 0
      ? []
      : [{ verdict: 'ok' as const, text: quiet.map((one) => one.name).join(', ') }]),
    ...[...told('skipped'), ...told('warn'), ...told('forbid')].map(({ name, verdict, reason }) => ({
      verdict,
      text: `${name}: ${reason}`,
    })),
  ];
  return lines.flatMap(({ verdict, text }, at) => {
    const label = pad(at === 0 ? '  Guards' : '', labelWidth);
    const word = style.paint(verdictTones[verdict], pad(verdictWords[verdict], 4));
    return hang(`${label}${word}  `, text, style.width);
  });
}

export function planDocument(prepared: PreparedPlan): Record<string, unknown> {
  const { plan, guards, trueByAt, publish, providers, context } = prepared;
  return {
    ...planDocumentOf(plan),
    changes: plan.changes.map((change) => ({
      ...changeDocument(change),
      /** What the config asks for, where the provider does not take it. */
      declared_ttl: declaredTtl(context.route, plan.kind, change),
    })),
    true_by: iso(trueByAt),
    write_seconds: publish.seconds,
    /** Writes that it was measured by; 0 = what the adapter assumes. */
    write_measured: publish.measured,
    guards,
    providers: Object.fromEntries(
      [...providers].map(([name, { label, capabilities, zoneIds }]) => [
        name,
        {
          label,
          compare_and_set: capabilities.compareAndSet,
          atomic_batch: capabilities.hasAtomicBatch,
          zone_ids: Object.fromEntries([...zoneIds].map(([zone, id]) => [displayName(zone), id])),
        },
      ]),
    ),
    notes: prepared.notes,
    undo: `mxctl rollback ${plan.id}`,
  };
}

export function planDocumentOf(plan: Plan): Record<string, unknown> {
  return {
    id: plan.id,
    digest: plan.digest,
    route: plan.route,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    made_at: iso(plan.madeAt),
    changes: plan.changes.map(changeDocument),
  };
}

export function changeDocument({
  provider,
  zone,
  owner,
  type,
  expected,
  desired,
}: RrsetChange): Record<string, unknown> {
  const side = (rrset: Rrset | null) => (rrset === null ? null : { ttl: rrset.ttl, rdata: rrset.rdata });
  return { provider, zone, owner, type, expected: side(expected), desired: side(desired) };
}

/** What is still to be known once a plan was carried out. */
export function waitText(clearAt: number | null, now: number): string {
  if (clearAt === null) return 'not every authority answers it yet';
  return clearAt <= now
    ? 'no conforming cache holds what was replaced'
    : `caches may hold what was replaced until ${formatTime(clearAt)} UTC (${formatDuration(clearAt - now)})`;
}
