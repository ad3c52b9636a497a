// A row for every finding, and one for every domain without: a spreadsheet filters by the first column. RFC 4180.

import { displayName } from '../../model/domain-name.ts';
import { iso } from '../duration.ts';
import { csvCell } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult, FixedFinding } from './output.ts';
import { shownFindings } from './words.ts';

const columns = [
  'outcome',
  'domain',
  'audit',
  'severity',
  'rule',
  'about',
  'reason',
  'instruction',
  'new',
  'first_seen_at',
  'mx',
  'file',
  'line',
  'fingerprint',
] as const;

type Row = Readonly<Partial<Record<(typeof columns)[number], string | number | null>>>;

export function openCsv(run: AuditRun): AuditOutput {
  return {
    begin: () => formatRow(Object.fromEntries(columns.map((column) => [column, column]))),
    domain: (result) => rowsOf(result, run).map(formatRow).join(''),
    badRow: ({ source, text, reason }) =>
      formatRow({ outcome: 'bad-row', about: text, reason, file: source.file, line: source.line }),
    end: (_summary, fixed) =>
      fixed.map((one) => formatRow({ outcome: 'fixed', ...placeOf(one), ...findingRow(one) })).join(''),
  };
}

function rowsOf(result: ComparedResult, run: AuditRun): Row[] {
  const { outcome, subject, unknowns } = result;
  const shared = { outcome, ...placeOf(subject), mx: result.mx.join(' ') };
  const findings = shownFindings(result, run);
  // What could not be found out of a domain that has findings is a row of its own, so that `unknown` finds it.
  const rest = unknowns.length === 0 ? null : { ...shared, outcome: 'unknown', reason: unknowns.join('; ') };
  if (findings.length === 0) return [rest ?? shared];
  return [
    ...findings.map((one) => ({
      ...shared,
      ...findingRow(one),
      new: run.baseline === null ? null : String(one.isNew),
    })),
    ...(rest === null ? [] : [rest]),
  ];
}

function placeOf({ domain, source, audit }: Pick<FixedFinding, 'domain' | 'source' | 'audit'>): Row {
  return { domain: displayName(domain), audit, file: source.file, line: source.line };
}

function findingRow(one: FixedFinding): Row {
  const { severity, rule, about, reason, instruction, fingerprint } = one;
  return { severity, rule, about, reason, instruction, fingerprint, first_seen_at: iso(one.firstSeenAt) };
}

function formatRow(row: Row): string {
  return `${columns.map((column) => csvCell(String(row[column] ?? ''))).join(',')}\r\n`;
}
