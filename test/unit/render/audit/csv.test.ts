import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { auditRun, findingOf, renderReport, resultOf } from '../../../support/audit-report.ts';

const rowsOf = (text: string) =>
  parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });

describe('csv', () => {
  it('has a row for each finding, and one for each domain, row or finding that has none', () => {
    expect(
      rowsOf(renderReport('csv')).map(({ outcome, domain, rule }) => [outcome, domain, rule].join(' ')),
    ).toEqual([
      'good mill.example ',
      'found bread.example ttl-too-long',
      'unknown dark.example ',
      'found acme.example mx-mismatch',
      'ignored legacy.example ',
      'bad-row  ',
      'fixed oak.example mx-mismatch',
    ]);
  });

  it('carries every field of a finding', () => {
    expect(rowsOf(renderReport('csv'))[3]).toEqual({
      outcome: 'found',
      domain: 'acme.example',
      audit: 'customers',
      severity: 'error',
      rule: 'mx-mismatch',
      about: 'mx.old.example.',
      reason: 'mx.old.example is not expected',
      instruction: 'publish: acme.example. MX 10 mx1.saas-mail.example.',
      new: 'true',
      first_seen_at: '2026-11-22T03:12:09.000Z',
      mx: '10 mx1.saas-mail.example.',
      file: 'customers.csv',
      line: '12',
      fingerprint: 'a1b2c3d4e5f60718',
    });
  });

  it('gives what could not be checked a row of its own beside findings', () => {
    const result = resultOf('acme.example', [findingOf('acme.example')], { unknowns: ['TXT: timeout'] });
    const rows = rowsOf(renderReport('csv', { results: [result], badRows: [], fixed: [] }));
    expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['found', 'mx.old.example is not expected'],
      ['unknown', 'TXT: timeout'],
    ]);
  });

  it('says nothing of new or old without a baseline', () => {
    const rows = rowsOf(renderReport('csv', { run: { ...auditRun, baseline: null } }));
    expect(rows.map((row) => row['new'])).toEqual(['', '', '', '', '', '', '']);
  });

  it.each([
    ['=cmd()', "'=cmd()"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1+1', "  '=1+1"],
    ['\uff1dcmd()', "'\uff1dcmd()"],
    ['x;=cmd()', "x;'=cmd()"],
    ['a "quoted", word', 'a "quoted", word'],
    ['10 mx.example.', '10 mx.example.'],
  ])('has %j as %j', (reason, cell) => {
    const result = resultOf('acme.example', [findingOf('acme.example', { reason })]);
    expect(rowsOf(renderReport('csv', { results: [result] }))[0]?.['reason']).toBe(cell);
  });

  it('begins no line with a name: each begins with an outcome', () => {
    const lines = renderReport('csv').split('\r\n').slice(1, -1);
    expect(lines.filter((line) => !/^(good|found|unknown|ignored|bad-row|fixed),/.test(line))).toEqual([]);
  });
});
