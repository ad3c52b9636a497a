// json and ndjson: what other programs, the next run and `audit merge` read.

import { describe, expect, it } from 'vitest';
import { readAuditRecord } from '../../../../src/app/audit-records.ts';
import { auditRun, findingOf, manyResults, renderReport, resultOf } from '../../../support/audit-report.ts';

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;
const linesOf = (text: string) => text.trimEnd().split('\n').map(parse);

describe('ndjson', () => {
  it('is a line for the run, each domain, each bad row, each fixed finding and the totals', () => {
    expect(linesOf(renderReport('ndjson')).map(({ type, domain }) => domain ?? type)).toEqual([
      'run',
      'mill.example',
      'bread.example',
      'dark.example',
      'acme.example',
      'legacy.example',
      'bad-row',
      'oak.example',
      'summary',
    ]);
  });

  it('has stable names', () => {
    expect(linesOf(renderReport('ndjson'))[4]).toEqual({
      type: 'domain',
      outcome: 'found',
      domain: 'acme.example',
      file: 'customers.csv',
      line: 12,
      audit: 'customers',
      mx: ['10 mx1.saas-mail.example.'],
      findings: [
        {
          rule: 'mx-mismatch',
          severity: 'error',
          about: 'mx.old.example.',
          reason: 'mx.old.example is not expected',
          instruction: 'publish: acme.example. MX 10 mx1.saas-mail.example.',
          fingerprint: 'a1b2c3d4e5f60718',
          first_seen_at: '2026-11-22T03:12:09.000Z',
          is_new: true,
        },
      ],
      unknowns: [],
      held: [],
      sts: null,
    });
  });

  it('keeps what is known though only the new was asked for: the next run compares with it', () => {
    const text = renderReport('ndjson', { run: { ...auditRun, isNewOnly: true } });
    expect(text).toBe(renderReport('ndjson'));
    expect(text).toContain('bread.example');
  });

  it('is read back line for line by the next run', () => {
    const read = linesOf(renderReport('ndjson')).map(readAuditRecord);
    expect(read).not.toContain(null);
    expect(read.map((one) => one?.type)).toEqual([
      'run',
      ...Array<string>(5).fill('domain'),
      'bad-row',
      'fixed',
      'summary',
    ]);
  });

  it('escapes what a terminal or a log reader would act on, and parses to the same', () => {
    const reason = '\u001b[2J \u009b31m \u202e ##[add-mask]a ##vso[task.complete] ###';
    const text = renderReport('ndjson', {
      results: [resultOf('acme.example', [findingOf('acme.example', { reason })])],
    });
    expect(text).toMatch(/^[\n -~]*$/);
    expect(text).not.toContain('##');
    const domain = linesOf(text)[1] as { findings: { reason: string }[] };
    expect(domain.findings[0]?.reason).toBe(reason);
  });
});

describe('json', () => {
  it('is one object with the same parts', () => {
    const report = parse(renderReport('json'));
    const lines = linesOf(renderReport('ndjson'));
    expect(report).toMatchObject({ type: 'report', version: '1.2.3' });
    expect(report['domains']).toEqual(lines.slice(1, 6));
    expect(report['bad_rows']).toEqual([lines[6]]);
    expect(report['fixed']).toEqual([lines[7]]);
    expect(report['summary']).toEqual(lines[8]);
  });

  it('is one object where there is nothing to say', () => {
    const report = parse(renderReport('json', { results: [], badRows: [], fixed: [] }));
    expect(report).toMatchObject({ domains: [], bad_rows: [], fixed: [] });
  });

  it('has every domain of a long list', () => {
    const report = parse(renderReport('json', { results: manyResults(2000) }));
    expect(report['domains']).toHaveLength(2000);
  });
});
