// Whatever stands in a name, a record, a reply or a row of somebody's list: each format stays what it is, and no log
// reader finds a command in it.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse as parseCsv } from 'csv-parse/sync';
import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { parse as parseHtml } from 'parse5';
import { describe, expect, it } from 'vitest';
import { parseDomainName, type DomainName } from '../../src/model/domain-name.ts';
import { auditFormats } from '../../src/render/audit/formats.ts';
import { auditRun, findingOf, renderReport, resultOf } from '../support/audit-report.ts';
import { readJunit } from '../support/junit-check.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

const hostile = fc.constantFrom(
  '\u0000',
  '\u001b[2J',
  '\u009b31m',
  '\r\n::error::forged',
  ' ::stop-commands::x',
  '::',
  '%0A::error::x',
  '##[error]x',
  '##vso[task.setvariable variable=x]y',
  ']]>',
  '<script>alert(1)</script>',
  '<img src=x onerror=y>',
  '</style><b>',
  '"><i>',
  '&#0;',
  '&lt;',
  '|',
  '\\|',
  '`',
  '*_~[x](y)![z]',
  'https://evil.example www.evil.example',
  '=cmd()',
  '\t=1+1',
  ';@SUM(A1)',
  '",=1',
  '\u2028',
  '\u202e',
  '\ud800',
  '\uffff',
  '\ufeff',
  '$(id)',
  'ä€😀',
  '-->',
);
const hostileText = fc
  .array(fc.oneof(hostile, hostile, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 8 })
  .map((parts) => parts.join(' '));
const hostileDomain = fc
  .oneof(
    fc.constantFrom(
      '::error::x.example',
      '\\=cmd\\(\\).example',
      '<b>.example',
      '##[x].example',
      '|a|.example',
    ),
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }),
  )
  .map((text) => parseDomainName(text))
  .filter((parsed): parsed is { ok: true; name: DomainName } => parsed.ok)
  .map(({ name }) => name);

const report = fc
  .record({
    domain: hostileDomain,
    about: fc.option(hostileText),
    reason: hostileText,
    instruction: hostileText,
    file: fc.option(hostileText),
    audit: fc.option(hostileText),
    row: hostileText,
    unknown: hostileText,
    isNew: fc.boolean(),
    severity: fc.constantFrom('error' as const, 'warn' as const, 'note' as const),
    baseline: fc.option(hostileText),
  })
  .map(({ domain, file, audit, row, unknown, baseline, ...rest }) => {
    const source = { file, line: 3 };
    const finding = { ...findingOf('acme.example', { ...rest, source, audit }), domain };
    const subject = { domain, source, audit, expectation: null };
    return {
      run: { ...auditRun, baseline, audits: audit === null ? [] : [audit] },
      results: [
        resultOf('acme.example', [finding], { subject, unknowns: [unknown] }),
        resultOf('other.example', [], { outcome: 'unknown', unknowns: [unknown] }),
      ],
      badRows: [{ source, text: row, reason: unknown }],
      fixed: [finding],
    };
  });

const ajv = new Ajv({ strict: false, unicodeRegExp: false });
addFormats.default(ajv);
const schemaFile = path.resolve(import.meta.dirname, '../support/schemas/sarif-schema-2.1.0.json');
const isSarif = ajv.compile(JSON.parse(readFileSync(schemaFile, 'utf8')) as object);

/** The elements that a page is made of; what came from outside adds none. */
function tagsOf(html: string): string[] {
  const errors: string[] = [];
  const tags = new Set<string>();
  const walk = (node: unknown): void => {
    const { tagName, childNodes } = node as { tagName?: string; childNodes?: unknown[] };
    if (tagName !== undefined) tags.add(tagName);
    childNodes?.forEach(walk);
  };
  walk(parseHtml(html, { onParseError: ({ code }) => errors.push(code) }));
  return [...tags, ...errors.filter((code) => code !== 'missing-doctype')];
}

describe('an output of the audit', () => {
  it.each(auditFormats)('as %s holds no control character, and no command to a CI service', (format) => {
    fc.assert(
      fc.property(report, (one) => {
        const text = renderReport(format, one);
        expect(text).not.toMatch(
          // eslint-disable-next-line no-control-regex -- the question is exactly which of them it holds
          /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n)/,
        );
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toContain('##vso');
        expect(text).not.toContain('##[');
        const commands = text.split('\n').filter((line) => line.trimStart().startsWith('::'));
        expect(commands).toHaveLength(format === 'github' ? 1 : 0);
        for (const line of commands) expect(line).toMatch(/^::(error|warning|notice) [^\r]*?::/);
      }),
      { numRuns },
    );
  });

  it('as ndjson and json parses, and says what went in', () => {
    fc.assert(
      fc.property(report, (one) => {
        const [, line = ''] = renderReport('ndjson', one).split('\n');
        const reason = one.results[0]?.findings[0]?.reason;
        expect(JSON.parse(line)).toMatchObject({ findings: [{ reason }] });
        expect(JSON.parse(renderReport('json', one))).toMatchObject({ domains: [JSON.parse(line), {}] });
      }),
      { numRuns },
    );
  });

  it('as csv keeps its columns, and has no cell that a spreadsheet calculates', () => {
    fc.assert(
      fc.property(report, (one) => {
        const rows = parseCsv(renderReport('csv', one), { record_delimiter: '\r\n' });
        expect(rows).toHaveLength(6);
        const cells = rows.flat().flatMap((cell) => cell.split(';'));
        expect(cells.filter((cell) => /^\s*[=+\-@]/.test(cell))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('as html has the elements of the page and no others', () => {
    const known = tagsOf(renderReport('html'));
    fc.assert(
      fc.property(report, (one) => {
        expect(tagsOf(renderReport('html', one)).filter((tag) => !known.includes(tag))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('as md has the elements of the summary and no others', () => {
    const options = { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true };
    const tags = (markdown: string) => tagsOf(micromark(markdown, options));
    const known = tags(renderReport('md'));
    fc.assert(
      fc.property(report, (one) => {
        expect(tags(renderReport('md', one)).filter((tag) => !known.includes(tag))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('as junit is what Jenkins and GitLab read', () => {
    fc.assert(
      fc.property(report, (one) => {
        expect(readJunit(renderReport('junit', one)).flatMap(({ cases }) => cases)).toHaveLength(2);
      }),
      { numRuns },
    );
  });

  it('as sarif is valid by the schema', () => {
    fc.assert(
      fc.property(report, (one) => {
        const isValid = isSarif(JSON.parse(renderReport('sarif', one)));
        expect(isValid ? [] : isSarif.errors).toEqual([]);
      }),
      { numRuns },
    );
  });
});
