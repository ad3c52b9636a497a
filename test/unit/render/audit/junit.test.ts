import { describe, expect, it } from 'vitest';
import { auditRun, findingOf, manyResults, renderReport, resultOf } from '../../../support/audit-report.ts';
import { readJunit } from '../../../support/junit-check.ts';

const casesOf = (xml: string) => readJunit(xml).flatMap(({ cases }) => cases);

describe('junit', () => {
  it('has a case for each domain: found is a failure, not known an error, ignored is skipped', () => {
    const verdicts = casesOf(renderReport('junit')).map(({ name, failure, error, isSkipped }) => [
      name,
      failure?.type ?? error?.message ?? (isSkipped ? 'skipped' : 'passed'),
    ]);
    expect(verdicts).toEqual([
      ['mill.example', 'passed'],
      ['bread.example', 'ttl-too-long'],
      ['dark.example', 'could not be checked: MX: no answer from 192.0.2.53 in 5 s'],
      ['acme.example', 'mx-mismatch'],
      ['legacy.example', 'skipped'],
    ]);
  });

  it('says in a failure everything that was found, and what to publish', () => {
    const findings = [
      findingOf('acme.example'),
      findingOf('acme.example', { severity: 'warn', reason: 'no backup', instruction: 'add one' }),
      findingOf('acme.example', { severity: 'note', reason: 'by the way', instruction: 'nothing' }),
    ];
    const results = [resultOf('acme.example', findings, { unknowns: ['TXT: timeout'] })];
    const [only] = casesOf(renderReport('junit', { results }));
    expect(only?.failure?.text).toBe(
      '- error: mx.old.example is not expected\n- publish: acme.example. MX 10 mx1.saas-mail.example.\n- warning: no backup\n- add one',
    );
    expect(only?.error).toBeNull();
    expect(only?.out).toBe('- note: by the way\n- nothing\n- could not be checked: TXT: timeout');
  });

  it('lets a domain pass of which there are only notes', () => {
    const results = [resultOf('acme.example', [findingOf('acme.example', { severity: 'note' })])];
    const [only] = casesOf(renderReport('junit', { results }));
    expect([only?.failure, only?.error, only?.isSkipped]).toEqual([null, null, false]);
  });

  it('has a suite for each audit, those without a domain too', () => {
    const named = findingOf('b.example', { audit: null });
    const xml = renderReport('junit', {
      run: { ...auditRun, audits: ['customers', 'partners'] },
      results: [resultOf('a.example'), resultOf('b.example', [named])],
    });
    expect(readJunit(xml).map(({ name, cases }) => [name, cases.length])).toEqual([
      ['customers', 1],
      ['partners', 0],
      ['domains', 1],
    ]);
  });

  it('keeps room for failures though a long list of good domains came before, and says what it left out', () => {
    function* list() {
      for (let at = 0; at < 30_000; at++) yield resultOf(`good${at}.example`);
      yield* manyResults(15_000);
    }
    const xml = renderReport('junit', { results: list() });
    const [suite] = readJunit(xml);
    expect(suite?.cases).toHaveLength(20_000);
    expect(suite?.cases.filter(({ failure }) => failure !== null)).toHaveLength(10_000);
    expect(suite?.out).toBe('25,000 more domains have no room in this file; -o ndjson=FILE has them all');
    // GitLab's bound of a file.
    expect(xml.length).toBeLessThan(30_000_000);
  });
});
