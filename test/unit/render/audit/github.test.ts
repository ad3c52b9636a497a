import { describe, expect, it } from 'vitest';
import { auditRun, findingOf, manyResults, renderReport, resultOf } from '../../../support/audit-report.ts';

const lines = (...args: Parameters<typeof renderReport>) =>
  renderReport(...args)
    .trimEnd()
    .split('\n');

describe('github', () => {
  it('annotates the line of the list that names the domain, and ends with the total', () => {
    expect(lines('github')).toEqual([
      '::error file=customers.csv,line=12,title=acme.example%3A mx-mismatch::mx.old.example is not expected%0Apublish: acme.example. MX 10 mx1.saas-mail.example.',
      '::warning file=customers.csv,line=13,title=bread.example%3A ttl-too-long for 41d::TTL is 86400, longer than 3600%0Apublish with a TTL of 3600',
      '1 error, 1 warning in 5 domains; 1 new, 1 fixed; 1 could not be checked',
    ]);
  });

  it('escapes messages and properties as the runner reads them', () => {
    const finding = findingOf('acme.example', {
      source: { file: '100%,a:b.csv', line: 1 },
      reason: '5% of\r\n::error::forged',
      instruction: '',
    });
    const [first] = lines('github', { results: [resultOf('acme.example', [finding])] });
    expect(first).toBe(
      '::error file=100%25%2Ca%3Ab.csv,line=1,title=acme.example%3A mx-mismatch::5%25 of\\r\\n::error::forged',
    );
  });

  it('has at most ten of each level, the new ones first, and says how many it left out', () => {
    const known = Array.from({ length: 30 }, (_, at) =>
      resultOf(`k${at}.example`, [findingOf(`k${at}.example`, { isNew: false })]),
    );
    const text = lines('github', {
      results: [...known, ...manyResults(3), ...manyResults(40, () => 'note')],
    });
    expect(text.filter((line) => line.startsWith('::error'))).toHaveLength(10);
    expect(text.filter((line) => line.startsWith('::notice'))).toHaveLength(10);
    expect(text[0]).toContain('d0.example');
    expect(text).toContain('and 53 more, which GitHub would not show');
    expect(text.at(-1)).toMatch(/^1 error/);
  });

  it('annotates no file for domains named by hand', () => {
    const finding = findingOf('acme.example', { source: { file: null, line: null } });
    const [first] = lines('github', { results: [resultOf('acme.example', [finding])], run: auditRun });
    expect(first).toMatch(/^::error title=acme\.example%3A mx-mismatch::/);
  });
});
