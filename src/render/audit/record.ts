// The parts of an audit as JSON documents, the same in `json` and `ndjson`. Names are public: there are only additions.
// The other direction is app/audit-records.ts.

import type { AuditSummary, BadRow } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { iso } from '../duration.ts';
import type { AuditRun, ComparedResult, FixedFinding } from './output.ts';

export type AuditDocument = Readonly<Record<string, unknown>>;

/** What the names of a file of records mean. */
const recordSchema = 'mxctl/audit-records/v1';

export function runRecord(run: AuditRun): AuditDocument {
  return {
    type: 'run',
    schema: recordSchema,
    version: run.version,
    started_at: iso(run.startedAt),
    audits: run.audits,
    baseline: run.baseline,
    shard: run.shard,
  };
}

/** Everything that a later run needs of the domain: of an ignored one too, and whatever the run was told to show. */
export function domainRecord(result: ComparedResult): AuditDocument {
  const { subject, findings, held, sts } = result;
  return {
    type: 'domain',
    outcome: result.outcome,
    domain: displayName(subject.domain),
    file: subject.source.file,
    line: subject.source.line,
    audit: subject.audit,
    mx: result.mx,
    findings: findings.map((one) => ({ ...findingDocument(one), is_new: one.isNew })),
    unknowns: result.unknowns,
    held: held.map(findingDocument),
    sts: sts === null ? null : { id: sts.stsId, patterns: sts.patterns },
  };
}

function findingDocument(one: FixedFinding): AuditDocument {
  return {
    rule: one.rule,
    severity: one.severity,
    about: one.about,
    reason: one.reason,
    instruction: one.instruction,
    fingerprint: one.fingerprint,
    first_seen_at: iso(one.firstSeenAt),
  };
}

export function fixedRecord(one: FixedFinding): AuditDocument {
  return {
    type: 'fixed',
    domain: displayName(one.domain),
    file: one.source.file,
    line: one.source.line,
    audit: one.audit,
    ...findingDocument(one),
  };
}

export function badRowRecord({ source, text, reason }: BadRow): AuditDocument {
  return { type: 'bad-row', file: source.file, line: source.line, text, reason };
}

export function summaryRecord(summary: AuditSummary): AuditDocument {
  return {
    type: 'summary',
    started_at: iso(summary.startedAt),
    finished_at: iso(summary.finishedAt),
    shard: summary.shard,
    rows: summary.rows,
    bad_rows: summary.badRows,
    duplicates: summary.duplicates,
    good: summary.good,
    found: summary.found,
    unknown: summary.unknown,
    ignored: summary.ignored,
    by_severity: summary.bySeverity,
    by_rule: summary.byRule,
    new_findings: summary.newFindings,
    fixed: summary.fixed,
    held: summary.held,
    lookups: summary.lookups,
  };
}
