// What all formats say alike: which findings are shown, where a domain was named, how old a finding is, the totals.

import type { AuditSummary, Severity, Source } from '../../model/audit.ts';
import { formatDuration } from '../duration.ts';
import type { AuditRun, ComparedResult } from './output.ts';

/** The worst first. */
export const severities: readonly Severity[] = ['error', 'warn', 'note'];

export const severityNames: Readonly<Record<Severity, string>> = {
  error: 'error',
  warn: 'warning',
  note: 'note',
};

/** What the run is to show of a domain. Ignored ones show nothing. */
export function shownFindings(result: ComparedResult, run: AuditRun): ComparedResult['findings'] {
  if (result.outcome === 'ignored') return [];
  return run.isNewOnly ? result.findings.filter(({ isNew }) => isNew) : result.findings;
}

/** `customers.csv:12`; '' where nothing is known of it. */
export function describeSource({ file, line }: Source): string {
  if (file === null) return line === null ? '' : `line ${line}`;
  return line === null ? file : `${file}:${line}`;
}

/** `new`, `41d`; '' where there is nothing to compare with. */
export function describeAge(
  finding: { readonly isNew: boolean; readonly firstSeenAt: number },
  run: AuditRun,
): string {
  if (run.baseline === null) return '';
  return finding.isNew ? 'new' : formatDuration(run.startedAt - finding.firstSeenAt);
}

/** `1 error`, `4,812 domains`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${formatCount(number)} ${number === 1 ? one : many}`;
}

/** `4,812`: lists are long, and a count is read, not copied. */
export function formatCount(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Domains that were judged or could not be. */
function domainsOf(summary: AuditSummary): number {
  return summary.good + summary.found + summary.unknown + summary.ignored;
}

/** The one line that must be read: what was found, and what is not known. */
export function totalLine(summary: AuditSummary, run: AuditRun): string {
  const domains = count(domainsOf(summary), 'domain');
  const found = severities
    .filter((severity) => summary.bySeverity[severity] > 0)
    .map((severity) => count(summary.bySeverity[severity], severityNames[severity]));
  const changes = [
    ...(summary.newFindings > 0 ? [`${formatCount(summary.newFindings)} new`] : []),
    ...(summary.fixed > 0 ? [`${formatCount(summary.fixed)} fixed`] : []),
  ];
  return [
    found.length === 0 ? `Nothing found in ${domains}` : `${found.join(', ')} in ${domains}`,
    ...(run.baseline === null
      ? []
      : [changes.length === 0 ? 'the same as in the baseline' : changes.join(', ')]),
    ...(summary.unknown === 0 ? [] : [`${formatCount(summary.unknown)} could not be checked`]),
  ].join('; ');
}

/** What became of the rows. */
export function coverageLine(summary: AuditSummary): string {
  return [
    `${formatCount(summary.good)} good`,
    `${formatCount(summary.found)} with findings`,
    `${formatCount(summary.unknown)} could not be checked`,
    `${formatCount(summary.ignored)} ignored`,
    ...(summary.duplicates === 0 ? [] : [count(summary.duplicates, 'duplicate')]),
    ...(summary.badRows === 0 ? [] : [`${count(summary.badRows, 'row')} skipped`]),
  ].join(', ');
}

/** `mxctl audit: customers, partners (shard 3/16)`. */
export function runTitle(run: AuditRun): string {
  const audits = run.audits.length === 0 ? '' : `: ${run.audits.join(', ')}`;
  return `mxctl audit${audits}${run.shard === null ? '' : ` (shard ${run.shard})`}`;
}

/** The rule's page as this version of the package has it. */
export function ruleUri(rule: string, run: AuditRun): string {
  return `https://unpkg.com/mxctl@${encodeURIComponent(run.version)}/docs/rules.md#${encodeURIComponent(rule)}`;
}
