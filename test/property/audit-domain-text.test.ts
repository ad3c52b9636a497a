// The text of a domain's record is that of JSON, octet for octet, however it is put together.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ComparedResult } from '../../src/render/audit/output.ts';
import { createDomainText } from '../../src/render/audit/domain-text.ts';
import { jsonText } from '../../src/render/audit/escapes.ts';
import { domainRecord } from '../../src/render/audit/record.ts';
import { parseDomainName } from '../../src/model/domain-name.ts';
import { findingOf, resultOf } from '../support/audit-report.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

const text = fc.oneof(
  fc.constantFrom('list.csv', '##[error]x', '"\\', '\u2028', 'a\u009bb', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const name = fc
  .oneof(fc.constantFrom('a.example', '_x.b-c.example', '##.example', '\\"a.example', '\\200.example'), text)
  .map((one) => parseDomainName(one))
  .map((parsed) => (parsed.ok ? parsed.name : '.'));
/** Few, so that the same comes again, as the same object and as another. */
const mx = fc.constantFrom([], ['10 mx1.example.net.'], ['10 mx1.example.net.'], ['0 .'], ['10 ##".x.']);
const seldom = <T>(value: T, none: T) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(none) }, fc.constant(value));

const result = fc
  .record({
    name,
    mx,
    file: fc.option(text),
    line: fc.option(fc.nat()),
    audit: fc.option(text),
    outcome: fc.constantFrom('good', 'found', 'unknown', 'ignored' as const),
    findings: seldom([{ ...findingOf('a.example'), about: '##"' }], []),
    unknowns: seldom(['MX: ##'], []),
    held: seldom([findingOf('b.example')], []),
    sts: seldom<ComparedResult['sts']>({ stsId: '##', patterns: ['*.x'] }, null),
  })
  .map(({ name: domain, file, line, audit, ...rest }): ComparedResult => ({
    ...resultOf('a.example'),
    ...rest,
    subject: { domain, source: { file, line }, audit, expectation: null } as ComparedResult['subject'],
  }));

it('the record of a domain is written as JSON writes it', () => {
  fc.assert(
    fc.property(fc.array(result, { maxLength: 12 }), (results) => {
      const domainText = createDomainText();
      for (const one of results) expect(domainText(one)).toBe(jsonText(domainRecord(one)));
    }),
    { numRuns },
  );
});
