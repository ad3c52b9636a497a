// Results of an audit read back: the baseline of the next run, the shards that `audit merge` joins. The other direction
// is render/audit/record.ts. A file is somebody's: what does not have the form is no record, and nothing of it is believed.

import type { AuditSummary, BadRow, DomainResult, Severity, Source } from '../model/audit.ts';
import { type DomainName, parseDomainName } from '../model/domain-name.ts';
import { sanitise } from '../model/text.ts';
import type { ComparedResult, FixedFinding } from '../render/audit/output.ts';

export type AuditRecord =
  | {
      readonly type: 'run';
      /** ms. */
      readonly startedAt: number;
      readonly audits: readonly string[];
      /** File that was compared with; null = none. */
      readonly baseline: string | null;
      readonly shard: string | null;
    }
  | { readonly type: 'domain'; readonly result: ComparedResult }
  | { readonly type: 'bad-row'; readonly row: BadRow }
  | { readonly type: 'fixed'; readonly finding: FixedFinding }
  | { readonly type: 'summary'; readonly summary: AuditSummary };

/** Longest line of ours in a record. */
const maxText = 2000;
/** More findings of one domain, or more of anything in one record, is not from us. */
const maxItems = 10_000;

/** Null where the value is no record of an audit. */
export function readAuditRecord(value: unknown): AuditRecord | null {
  if (!isMap(value)) return null;
  switch (value['type']) {
    case 'run':
      return readRun(value);
    case 'domain':
      return readDomain(value);
    case 'bad-row':
      return readBadRow(value);
    case 'fixed': {
      const place = readPlace(value);
      const finding = place === null ? null : readFinding(value, place);
      return finding === null ? null : { type: 'fixed', finding };
    }
    case 'summary':
      return readSummary(value);
    default:
      return null;
  }
}

type Fields = Readonly<Record<string, unknown>>;

interface Place {
  readonly domain: DomainName;
  readonly audit: string | null;
  readonly source: Source;
}

function readRun(value: Fields): AuditRecord | null {
  const startedAt = readInstant(value['started_at']);
  if (startedAt === null) return null;
  const [baseline, shard] = [textOrNull(value['baseline']), textOrNull(value['shard'])];
  return { type: 'run', startedAt, audits: textsIn(value['audits']), baseline, shard };
}

const outcomes: readonly DomainResult['outcome'][] = ['good', 'found', 'unknown', 'ignored'];

function readDomain(value: Fields): AuditRecord | null {
  const place = readPlace(value);
  const outcome = outcomes.find((one) => one === value['outcome']);
  if (place === null || outcome === undefined) return null;
  const { domain, audit, source } = place;
  const findings = itemsIn(value['findings']).map((one) => {
    const finding = readFinding(one, place);
    return finding === null ? null : { ...finding, isNew: isMap(one) && one['is_new'] === true };
  });
  const held = itemsIn(value['held']).map((one) => readFinding(one, place));
  return {
    type: 'domain',
    result: {
      subject: { domain, audit, source, expectation: null },
      outcome,
      mx: textsIn(value['mx']),
      findings: findings.filter((one) => one !== null),
      unknowns: textsIn(value['unknowns']),
      held: held.filter((one) => one !== null),
      sts: readSts(value['sts']),
    },
  };
}

function readSts(value: unknown): DomainResult['sts'] {
  const stsId = isMap(value) ? textOrNull(value['id']) : null;
  return stsId === null || !isMap(value) ? null : { stsId, patterns: textsIn(value['patterns']) };
}

const severities: readonly Severity[] = ['error', 'warn', 'note'];

function readFinding(value: unknown, place: Place): FixedFinding | null {
  if (!isMap(value)) return null;
  const severity = severities.find((one) => one === value['severity']);
  const [rule, fingerprint] = [value['rule'], value['fingerprint']];
  const firstSeenAt = readInstant(value['first_seen_at']);
  if (severity === undefined || firstSeenAt === null) return null;
  if (typeof rule !== 'string' || !/^[a-z0-9-]{1,64}$/.test(rule)) return null;
  if (typeof fingerprint !== 'string' || !/^[0-9a-f]{8,128}$/.test(fingerprint)) return null;
  return {
    ...place,
    rule,
    severity,
    fingerprint,
    firstSeenAt,
    about: textOrNull(value['about']),
    reason: textOrNull(value['reason']) ?? '',
    instruction: textOrNull(value['instruction']) ?? '',
  };
}

function readBadRow(value: Fields): AuditRecord | null {
  const [text, reason] = [textOrNull(value['text']), textOrNull(value['reason'])];
  if (text === null || reason === null) return null;
  return { type: 'bad-row', row: { source: readSource(value), text, reason } };
}

function readPlace(value: Fields): Place | null {
  const { domain } = value;
  const parsed = typeof domain === 'string' && domain.length < 1100 ? parseDomainName(domain) : null;
  if (parsed?.ok !== true) return null;
  return { domain: parsed.name, audit: textOrNull(value['audit']), source: readSource(value) };
}

function readSource(value: Fields): Source {
  const { line } = value;
  return { file: textOrNull(value['file']), line: Number.isSafeInteger(line) ? (line as number) : null };
}

function readSummary(value: Fields): AuditRecord | null {
  const [startedAt, finishedAt] = [readInstant(value['started_at']), readInstant(value['finished_at'])];
  if (startedAt === null || finishedAt === null) return null;
  const count = (key: string) => countIn(value, key);
  const bySeverity = isMap(value['by_severity']) ? value['by_severity'] : {};
  const byRule = isMap(value['by_rule']) ? value['by_rule'] : {};
  return {
    type: 'summary',
    summary: {
      startedAt,
      finishedAt,
      rows: count('rows'),
      badRows: count('bad_rows'),
      duplicates: count('duplicates'),
      good: count('good'),
      found: count('found'),
      unknown: count('unknown'),
      ignored: count('ignored'),
      bySeverity: {
        error: countIn(bySeverity, 'error'),
        warn: countIn(bySeverity, 'warn'),
        note: countIn(bySeverity, 'note'),
      },
      byRule: Object.fromEntries(Object.keys(byRule).map((rule) => [rule, countIn(byRule, rule)])),
      newFindings: count('new_findings'),
      fixed: count('fixed'),
      held: count('held'),
      lookups: count('lookups'),
      shard: textOrNull(value['shard']),
    },
  };
}

function countIn(map: Fields, key: string): number {
  const value = map[key];
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function itemsIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, maxItems) : [];
}

function textsIn(value: unknown): string[] {
  return itemsIn(value).flatMap((one) => textOrNull(one) ?? []);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? sanitise(value, maxText) : null;
}

function readInstant(value: unknown): number | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
