import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../../../src/render/terminal.ts';
import {
  auditRun,
  findingOf,
  manyResults,
  renderReport,
  resultOf,
  summary,
} from '../../../support/audit-report.ts';

const lines = (...args: Parameters<typeof renderReport>) => renderReport(...args).split('\n');

describe('the audit for a person', () => {
  it('has what is new and what is gone first, and the total last', () => {
    expect(renderReport('human')).toBe(
      `mxctl audit: customers                                   2026-11-22 03:12:09 UTC

New (1)
error  acme.example  mx-mismatch                                customers.csv:12
  - mx.old.example is not expected
  - publish: acme.example. MX 10 mx1.saas-mail.example.

Fixed (1)
fixed  oak.example  mx-mismatch                                        after 12d

Known (1)
warning  bread.example  ttl-too-long                 customers.csv:13, since 41d
  - TTL is 86400, longer than 3600
  - publish with a TTL of 3600

Could not be checked (1)
?  dark.example: MX: no answer from 192.0.2.53 in 5 s

Skipped rows (1)
-  customers.csv:15: is a mail address: info@x

1 good, 2 with findings, 1 could not be checked, 1 ignored, 1 row skipped
1 error, 1 warning in 5 domains; 1 new, 1 fixed; 1 could not be checked
`,
    );
  });

  it('calls nothing new where there is nothing to compare with', () => {
    const text = renderReport('human', { run: { ...auditRun, baseline: null }, fixed: [] });
    expect(text).toContain('\nFound (2)\n');
    expect(text).not.toMatch(/New|Known|since/);
  });

  it('leaves out what is known where only the new was asked for', () => {
    const text = renderReport('human', { run: { ...auditRun, isNewOnly: true } });
    expect(text).toContain('acme.example');
    expect(text).not.toContain('bread.example');
  });

  it('says in its last line that all is well, and nothing else', () => {
    const good = {
      ...summary,
      bySeverity: { error: 0, warn: 0, note: 0 },
      unknown: 0,
      newFindings: 0,
      fixed: 0,
    };
    const text = lines('human', {
      run: { ...auditRun, baseline: null },
      results: [resultOf('mill.example')],
      badRows: [],
      fixed: [],
      summary: { ...good, good: 4812, found: 0, ignored: 0, badRows: 0 },
    });
    expect(text.at(-2)).toBe('Nothing found in 4,812 domains');
  });

  it('does not call a run clean that could not check everything', () => {
    const text = lines('human', {
      results: [],
      summary: {
        ...summary,
        bySeverity: { error: 0, warn: 0, note: 0 },
        unknown: 7,
        newFindings: 0,
        fixed: 0,
      },
      fixed: [],
    });
    expect(text.at(-2)).toMatch(/7 could not be checked$/);
  });

  it('shows errors though a million notes came before, and says how many it left out', () => {
    const text = lines('human', {
      results: manyResults(5000, (at) => (at === 4999 ? 'error' : 'note')),
    });
    expect(text.findIndex((line) => line.startsWith('error  d4999.example'))).toBe(3);
    expect(text).toContain('  and 4,899 more: -o ndjson=FILE has them all');
    expect(text.length).toBeLessThan(400);
  });

  it('fits into 80 columns', () => {
    const long = findingOf('acme.example', {
      reason: 'word '.repeat(60).trim(),
      instruction: 'publish '.repeat(40).trim(),
    });
    const text = lines('human', { results: [resultOf('acme.example', [long])] });
    expect(text.filter((line) => displayWidth(line) > 80)).toEqual([]);
  });

  it('is ASCII where the terminal is', () => {
    const results = [
      resultOf('acme.example', [findingOf('acme.example', { reason: 'see RFC 5321 §5.1 → “x”' })]),
    ];
    const style = { ...auditRun.style, isUtf8: false };
    expect(renderReport('human', { run: { ...auditRun, style }, results })).toMatch(/^[\n -~]*$/);
    expect(renderReport('table', { run: { ...auditRun, style }, results })).toMatch(/^[\n -~]*$/);
  });
});

describe('the audit as a table', () => {
  it('has a line a finding, one for what is not known, and the total last', () => {
    expect(renderReport('table')).toBe(
      `LEVEL    SINCE  DOMAIN         RULE          ABOUT                                 WHERE
warning  41d    bread.example  ttl-too-long                                        customers.csv:13
unknown         dark.example                 MX: no answer from 192.0.2.53 in 5 s  customers.csv:14
error    new    acme.example   mx-mismatch   mx.old.example.                       customers.csv:12
skipped         info@x                                                             customers.csv:15
fixed           oak.example    mx-mismatch   mx.old.example.                       customers.csv:12
1 error, 1 warning in 5 domains; 1 new, 1 fixed; 1 could not be checked
`,
    );
  });

  it('leaves nothing out of a long list, and gives every page its head', () => {
    const text = lines('table', { results: manyResults(1200), badRows: [], fixed: [] });
    expect(text.filter((line) => line.startsWith('error'))).toHaveLength(1200);
    expect(text.filter((line) => line.startsWith('LEVEL'))).toHaveLength(3);
  });
});
