// A small audit to render: one new error, one known warning, a domain that could not be checked, one that is good, one
// that is ignored, a row that is none and a finding that is gone.

import type { AuditSummary, BadRow, Severity } from '../../src/model/audit.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { openAuditOutput, type AuditFormat } from '../../src/render/audit/formats.ts';
import type { AuditRun, ComparedResult, FixedFinding, RuleWords } from '../../src/render/audit/output.ts';
import { plainStyle } from '../../src/render/terminal.ts';

const startedAt = Date.parse('2026-11-22T03:12:09Z');
const day = 86_400_000;

const rules: readonly RuleWords[] = [
  {
    id: 'mx-mismatch',
    severity: 'error',
    title: 'MX records are not those expected',
    why: 'Mail goes where nobody expects it.',
    reference: 'RFC 5321 §5.1',
  },
  {
    id: 'ttl-too-long',
    severity: 'warn',
    title: 'TTL is longer than the recovery budget',
    why: 'A flip is true for the world only when the TTL is over.',
    reference: null,
  },
];

export const auditRun: AuditRun = {
  startedAt,
  version: '1.2.3',
  audits: ['customers'],
  rules,
  baseline: 'last.ndjson',
  isNewOnly: false,
  shard: null,
  style: plainStyle,
};

type Finding = ComparedResult['findings'][number];

export function findingOf(domain: string, over: Partial<Finding> = {}): Finding {
  return {
    rule: 'mx-mismatch',
    severity: 'error',
    domain: domainNameOf(domain),
    audit: 'customers',
    source: { file: 'customers.csv', line: 12 },
    about: 'mx.old.example.',
    reason: 'mx.old.example is not expected',
    instruction: `publish: ${domain}. MX 10 mx1.saas-mail.example.`,
    fingerprint: 'a1b2c3d4e5f60718',
    isNew: true,
    firstSeenAt: startedAt,
    ...over,
  };
}

export function resultOf(
  domain: string,
  findings: readonly Finding[] = [],
  over: Partial<ComparedResult> = {},
): ComparedResult {
  const source = findings[0]?.source ?? { file: 'customers.csv', line: 12 };
  const audit = findings[0] === undefined ? 'customers' : findings[0].audit;
  return {
    subject: { domain: domainNameOf(domain), source, audit, expectation: null },
    outcome: findings.length > 0 ? 'found' : 'good',
    findings,
    unknowns: [],
    held: [],
    sts: null,
    mx: ['10 mx1.saas-mail.example.'],
    ...over,
  };
}

const knownFinding = findingOf('bread.example', {
  rule: 'ttl-too-long',
  severity: 'warn',
  about: null,
  reason: 'TTL is 86400, longer than 3600',
  instruction: 'publish with a TTL of 3600',
  fingerprint: '00000000000000bb',
  source: { file: 'customers.csv', line: 13 },
  isNew: false,
  firstSeenAt: startedAt - 41 * day,
});

const results: readonly ComparedResult[] = [
  resultOf('mill.example'),
  resultOf('bread.example', [knownFinding]),
  resultOf('dark.example', [], {
    outcome: 'unknown',
    unknowns: ['MX: no answer from 192.0.2.53 in 5 s'],
    subject: {
      domain: domainNameOf('dark.example'),
      source: { file: 'customers.csv', line: 14 },
      audit: 'customers',
      expectation: null,
    },
    mx: [],
  }),
  resultOf('acme.example', [findingOf('acme.example')]),
  resultOf('legacy.example', [findingOf('legacy.example')], { outcome: 'ignored' }),
];

const badRows: readonly BadRow[] = [
  { source: { file: 'customers.csv', line: 15 }, text: 'info@x', reason: 'is a mail address' },
];

const fixed: readonly FixedFinding[] = [
  findingOf('oak.example', { firstSeenAt: startedAt - 12 * day, fingerprint: '00000000000000cc' }),
];

export const summary: AuditSummary = {
  startedAt,
  finishedAt: startedAt + 2500,
  rows: 6,
  badRows: 1,
  duplicates: 0,
  good: 1,
  found: 2,
  unknown: 1,
  ignored: 1,
  bySeverity: { error: 1, warn: 1, note: 0 },
  byRule: { 'mx-mismatch': 1, 'ttl-too-long': 1 },
  newFindings: 1,
  fixed: 1,
  held: 0,
  lookups: 17,
  shard: null,
};

interface Report {
  readonly run: AuditRun;
  readonly results: Iterable<ComparedResult>;
  readonly badRows: readonly BadRow[];
  readonly summary: AuditSummary;
  readonly fixed: readonly FixedFinding[];
}

/** The whole output of one format. */
export function renderReport(format: AuditFormat, over: Partial<Report> = {}): string {
  const report = { run: auditRun, results, badRows, summary, fixed, ...over };
  const output = openAuditOutput(format, report.run);
  const pieces = [output.begin()];
  for (const result of report.results) pieces.push(output.domain(result));
  for (const row of report.badRows) pieces.push(output.badRow(row));
  pieces.push(output.end(report.summary, report.fixed));
  return pieces.join('');
}

/** As many domains with a finding each as asked for, without ever holding them. */
export function* manyResults(
  number: number,
  severityOf: (at: number) => Severity = () => 'error',
): Generator<ComparedResult> {
  for (let at = 0; at < number; at++) {
    const name = `d${at}.example`;
    yield resultOf(name, [findingOf(name, { severity: severityOf(at) })]);
  }
}
