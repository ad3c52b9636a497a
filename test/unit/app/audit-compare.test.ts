// What a run makes of the one before, and of what it counted.

import { describe, expect, it } from 'vitest';
import { Baseline } from '../../../src/app/audit-baseline.ts';
import { Tally, type Verdicts } from '../../../src/app/audit-tally.ts';
import type { DomainResult, Finding, Severity } from '../../../src/model/audit.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { ComparedResult, FixedFinding } from '../../../src/render/audit/output.ts';

const domain = domainNameOf('acme.example');
const source = { file: 'a.csv', line: 2 };
const before = Date.parse('2026-11-01T00:00:00Z');
const now = Date.parse('2026-11-22T03:12:09Z');

const finding = (rule: string, severity: Severity = 'error', audit: string | null = 'a'): Finding => ({
  rule,
  severity,
  domain,
  source,
  audit,
  about: null,
  reason: 'r',
  instruction: 'i',
  fingerprint: Buffer.from(rule).toString('hex'),
});
const result = (findings: readonly Finding[], over: Partial<DomainResult> = {}): DomainResult => ({
  subject: { domain, source, audit: 'a', expectation: null },
  outcome: findings.length > 0 ? 'found' : 'good',
  findings,
  unknowns: [],
  sts: null,
  mx: [],
  ...over,
});
const known = (...rules: string[]): FixedFinding[] =>
  rules.map((rule) => ({ ...finding(rule), firstSeenAt: before }));

function baselineOf(past: readonly FixedFinding[], over: Partial<ComparedResult> = {}): Baseline {
  const baseline = new Baseline();
  const findings = past.map((one) => ({ ...one, isNew: false }));
  baseline.add({ type: 'domain', result: { ...result([]), findings, held: [], ...over } });
  return baseline;
}

const rulesOf = (findings: readonly FixedFinding[]) => findings.map(({ rule }) => rule);

describe('a finding beside the run before', () => {
  it('keeps its age where it was known, and begins one where not', () => {
    const compared = baselineOf(known('old')).compare(result([finding('old'), finding('young')]), now);
    expect(compared.findings.map(({ rule, isNew, firstSeenAt }) => [rule, isNew, firstSeenAt])).toEqual([
      ['old', false, before],
      ['young', true, now],
    ]);
  });

  it('is fixed where its domain was judged and no longer has it', () => {
    const baseline = baselineOf(known('gone', 'stays'));
    const { held } = baseline.compare(result([finding('stays')]), now);
    expect([rulesOf(baseline.fixed), held]).toEqual([['gone'], []]);
  });

  it('is held, not fixed, where something of its domain is unknown, and was so before that', () => {
    const baseline = baselineOf(known('timed-out'), { held: known('held-before') });
    const compared = baseline.compare(result([], { outcome: 'unknown', unknowns: ['MX: no answer'] }), now);
    expect(rulesOf(compared.held)).toEqual(['timed-out', 'held-before']);
    expect(compared.held[0]?.firstSeenAt).toBe(before);
    expect(baseline.fixed).toEqual([]);
  });

  it('is neither where its domain is ignored now, or is judged by another audit', () => {
    for (const one of [
      result([], { outcome: 'ignored' }),
      result([], { subject: { ...result([]).subject, audit: 'b' } }),
    ]) {
      const baseline = baselineOf(known('gone'));
      expect([baseline.compare(one, now).held, baseline.fixed]).toEqual([[], []]);
    }
  });

  it('remembers the policies that were seen', () => {
    const sts = { stsId: '20261101', patterns: ['mx1.example.net'] };
    expect(baselineOf([], { sts }).before(domain)).toEqual(sts);
    expect(baselineOf([]).before(domain)).toBeNull();
  });
});

describe('the exit code of an audit', () => {
  const verdicts: Verdicts = { failOn: 'error', isNewOnly: false, maxUnknown: { kind: 'share', value: 0.1 } };
  const codeOf = (results: readonly DomainResult[], over: Partial<Verdicts> = {}, past = known()) => {
    const tally = new Tally();
    const baseline = baselineOf(past);
    for (const one of results) tally.add(baseline.compare(one, now));
    return tally.exitCode({ ...verdicts, ...over });
  };
  const good = result([]);
  const unknown = result([], { outcome: 'unknown', unknowns: ['no answer'] });
  const found = (severity: Severity) => result([finding('x', severity)]);
  const tenOf = (one: DomainResult, rest: DomainResult) => [one, ...Array.from({ length: 9 }, () => rest)];

  it.each([
    ['nothing found', [good], {}, 0],
    ['an error', [good, found('error')], {}, 2],
    ['a warning, by default', [found('warn')], {}, 0],
    ['a warning, where that fails', [found('warn')], { failOn: 'warn' }, 2],
    ['a note', [found('note')], { failOn: 'warn' }, 0],
    ['an error that was to fail nothing', [found('error')], { failOn: 'never' }, 0],
    ['one in ten unknown', tenOf(unknown, good), {}, 0],
    ['two in eleven unknown', [unknown, ...tenOf(unknown, good)], {}, 8],
    ['the only one unknown', [unknown], {}, 8],
    ['one unknown where none may be', tenOf(unknown, good), { maxUnknown: { kind: 'count', value: 0 } }, 8],
    ['an error among unknown ones', [unknown, unknown, found('error')], {}, 2],
    ['nobody judged', [result([], { outcome: 'ignored' })], {}, 0],
  ] as const)('of %s', (_what, results, over, code) => {
    expect(codeOf(results, over)).toBe(code);
  });

  it('is 0 with --new-only for an error that was known, and 2 for one that was not', () => {
    expect(codeOf([found('error')], { isNewOnly: true }, known('x'))).toBe(0);
    expect(codeOf([found('error')], { isNewOnly: true }, known('y'))).toBe(2);
  });
});
