// What an audit writes is what the next one, and a merge, read.

import { describe, expect, it } from 'vitest';
import { readAuditRecord } from '../../../src/app/audit-records.ts';
import type { AuditSummary, BadRow } from '../../../src/model/audit.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { ComparedResult, FixedFinding } from '../../../src/render/audit/output.ts';
import {
  badRowRecord,
  domainRecord,
  fixedRecord,
  runRecord,
  summaryRecord,
} from '../../../src/render/audit/record.ts';
import { plainStyle } from '../../../src/render/terminal.ts';

const domain = domainNameOf('acme.example');
const source = { file: 'customers.csv', line: 7 };
const finding: FixedFinding = {
  rule: 'mx-mismatch',
  severity: 'error',
  domain,
  audit: 'customers',
  source,
  about: 'mx.old.example.',
  reason: 'mx.old.example is not expected',
  instruction: 'publish: acme.example. MX 10 mx1.saas-mail.example.',
  fingerprint: 'a1b2c3d4e5f60718',
  firstSeenAt: Date.parse('2026-11-20T03:00:00Z'),
};
const result: ComparedResult = {
  subject: { domain, source, audit: 'customers', expectation: null },
  outcome: 'found',
  mx: ['10 mx.old.example.'],
  findings: [{ ...finding, isNew: true }],
  unknowns: ['_mta-sts.acme.example: no answer from 192.0.2.53 in 3 s'],
  held: [{ ...finding, rule: 'sts-missing', fingerprint: 'ffffffffffffffff' }],
  sts: { stsId: '20261120', patterns: ['mx1.saas-mail.example', '*.saas-mail.example'] },
};
const row: BadRow = { source, text: 'info@acme.example', reason: 'is a mail address, not a domain' };
const summary: AuditSummary = {
  startedAt: Date.parse('2026-11-22T03:00:00Z'),
  finishedAt: Date.parse('2026-11-22T03:01:00Z'),
  rows: 12,
  badRows: 1,
  duplicates: 2,
  good: 5,
  found: 1,
  unknown: 2,
  ignored: 1,
  bySeverity: { error: 1, warn: 0, note: 0 },
  byRule: { 'mx-mismatch': 1 },
  newFindings: 1,
  fixed: 3,
  held: 1,
  lookups: 99,
  shard: '3/16',
};

const throughText = (record: object) => readAuditRecord(JSON.parse(JSON.stringify(record)));

describe('a record of an audit', () => {
  it('of a domain is read back whole, but for what was expected of it', () => {
    expect(throughText(domainRecord(result))).toEqual({ type: 'domain', result });
  });

  it('of a bad row, a fixed finding and the summary is read back whole', () => {
    expect(throughText(badRowRecord(row))).toEqual({ type: 'bad-row', row });
    expect(throughText(fixedRecord(finding))).toEqual({ type: 'fixed', finding });
    expect(throughText(summaryRecord(summary))).toEqual({ type: 'summary', summary });
  });

  it('of a run says when it began and what of the list it had', () => {
    const run = {
      startedAt: summary.startedAt,
      version: '1.2.3',
      audits: ['customers'],
      rules: [],
      baseline: 'last.ndjson',
      isNewOnly: false,
      shard: '3/16',
      style: plainStyle,
    };
    expect(throughText(runRecord(run))).toEqual({
      type: 'run',
      startedAt: summary.startedAt,
      audits: ['customers'],
      baseline: 'last.ndjson',
      shard: '3/16',
    });
  });

  it.each([
    ['nothing', null],
    ['a list', [domainRecord(result)]],
    ['another kind', { type: 'weather' }],
    ['no domain', { ...domainRecord(result), domain: 'a..example' }],
    ['a domain that is a number', { ...domainRecord(result), domain: 7 }],
    ['an outcome of tomorrow', { ...domainRecord(result), outcome: 'sublime' }],
    ['a fixed finding without a fingerprint', { ...fixedRecord(finding), fingerprint: '../../etc' }],
    ['a run that began never', { type: 'run', started_at: 'yesterday' }],
  ])('is none where there is %s', (_what, value) => {
    expect(readAuditRecord(value)).toBeNull();
  });

  it('loses the findings that are none, and control characters of the others', () => {
    const [good] = domainRecord(result)['findings'] as object[];
    const read = throughText({
      ...domainRecord(result),
      findings: [null, { ...good, severity: 'fatal' }, { ...good, reason: 'a\u001b[2Jb' }],
    });
    expect(read).toMatchObject({ result: { findings: [{ reason: 'a\\u001b[2Jb' }] } });
  });
});
