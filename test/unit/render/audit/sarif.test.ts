// SARIF against the schema of OASIS, and against what GitHub code scanning makes of it.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import {
  auditRun,
  findingOf,
  manyResults,
  renderReport,
  resultOf,
  summary,
} from '../../../support/audit-report.ts';

// The pattern of `language` in the schema has a bracket too many, which only the old kind of expression takes.
const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false });
addFormats.default(ajv);
const schemaFile = path.resolve(import.meta.dirname, '../../../support/schemas/sarif-schema-2.1.0.json');
const validate = ajv.compile(JSON.parse(readFileSync(schemaFile, 'utf8')) as object);

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly baselineState?: string;
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly locations: readonly {
    readonly physicalLocation?: unknown;
    readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
  }[];
}

interface Run {
  readonly tool: { readonly driver: { readonly rules: readonly { id: string; helpUri: string }[] } };
  readonly results: readonly Result[];
  readonly automationDetails: { readonly id: string };
  readonly invocations: readonly {
    readonly executionSuccessful: boolean;
    readonly toolExecutionNotifications: readonly {
      readonly level: string;
      readonly descriptor: { readonly id: string };
      readonly message: { readonly text: string };
    }[];
  }[];
}

/** The run of a log that the schema accepts. */
function runOf(text: string): Run {
  const log = JSON.parse(text) as { runs: [Run] };
  expect(validate(log) ? [] : validate.errors).toEqual([]);
  return log.runs[0];
}

const notificationsOf = (run: Run) => run.invocations[0]?.toolExecutionNotifications ?? [];

describe('sarif', () => {
  it('is refused by the schema where it is wrong, so that passing says something', () => {
    expect(validate({ version: '2.1.0', runs: [{ tool: { driver: {} } }] })).toBe(false);
    expect(validate(JSON.parse(renderReport('sarif').replaceAll('"level":"error"', '"level":"fatal"')))).toBe(
      false,
    );
  });

  it('has the finding at the line of the list, and the domain as a logical location', () => {
    const result = runOf(renderReport('sarif')).results.find(({ level }) => level === 'error');
    expect(result).toMatchObject({
      ruleId: 'mx-mismatch',
      ruleIndex: 0,
      message: {
        text: 'acme.example: mx.old.example is not expected\npublish: acme.example. MX 10 mx1.saas-mail.example.',
      },
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'customers.csv' }, region: { startLine: 12 } },
          logicalLocations: [{ fullyQualifiedName: 'acme.example' }],
        },
      ],
      partialFingerprints: {
        primaryLocationLineHash: 'a1b2c3d4e5f60718:1',
        'mxctlFinding/v1': 'a1b2c3d4e5f60718',
      },
    });
  });

  it('has the rules with the page that explains them', () => {
    expect(runOf(renderReport('sarif')).tool.driver.rules.map(({ id, helpUri }) => [id, helpUri])).toEqual([
      ['mx-mismatch', 'https://unpkg.com/mxctl@1.2.3/docs/rules.md#mx-mismatch'],
      ['ttl-too-long', 'https://unpkg.com/mxctl@1.2.3/docs/rules.md#ttl-too-long'],
    ]);
  });

  it('tells new and unchanged by the baseline, nothing without one, and has no result that is gone', () => {
    const states = (text: string) =>
      runOf(text).results.map(({ locations, baselineState }) => [
        locations[0]?.logicalLocations?.[0]?.fullyQualifiedName,
        baselineState,
      ]);
    expect(states(renderReport('sarif'))).toEqual([
      ['bread.example', 'unchanged'],
      ['acme.example', 'new'],
    ]);
    expect(states(renderReport('sarif', { run: { ...auditRun, baseline: null } }))).toEqual([
      ['bread.example', undefined],
      ['acme.example', undefined],
    ]);
  });

  it('has what is not known as a notification, never as a result', () => {
    const run = runOf(renderReport('sarif'));
    expect(run.results.map(({ message }) => message.text).join()).not.toContain('dark.example');
    expect(
      notificationsOf(run).map(({ descriptor, message }) => `${descriptor.id}: ${message.text}`),
    ).toEqual([
      'unknown: dark.example could not be checked: MX: no answer from 192.0.2.53 in 5 s',
      'bad-row: row skipped: is a mail address: info@x',
    ]);
  });

  it('keeps the uploads of shards apart', () => {
    const id = (shard: string | null) =>
      runOf(renderReport('sarif', { run: { ...auditRun, shard } })).automationDetails.id;
    expect([id(null), id('3/16')]).toEqual(['mxctl-audit/', 'mxctl-audit/shard-3-of-16/']);
  });

  it.each([
    ['./lists/a b.csv', 'lists/a%20b.csv'],
    ['/srv/customers.csv', 'file:///srv/customers.csv'],
    ['C:\\lists\\customers.csv', 'file:///C:/lists/customers.csv'],
    ['a:b#c?.csv', 'a%3Ab%23c%3F.csv'],
    ['kunden-ä.csv', 'kunden-%C3%A4.csv'],
    ['lone\ud800.csv', 'lone%EF%BF%BD.csv'],
  ])('names the file %j by the URI %s', (file, uri) => {
    const finding = findingOf('acme.example', { source: { file, line: null } });
    const run = runOf(renderReport('sarif', { results: [resultOf('acme.example', [finding])], fixed: [] }));
    expect(run.results[0]?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri },
      region: { startLine: 1 },
    });
  });

  it('gives domains named by hand a place of their own, without which GitHub refuses the file', () => {
    const finding = findingOf('acme.example', { source: { file: null, line: null } });
    const run = runOf(renderReport('sarif', { results: [resultOf('acme.example', [finding])], fixed: [] }));
    expect(run.results[0]?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: 'acme.example' },
      region: { startLine: 1 },
    });
  });

  it('is whole where nothing was found', () => {
    const run = runOf(renderReport('sarif', { results: [], badRows: [], fixed: [] }));
    expect(run.results).toEqual([]);
    expect(run.invocations[0]?.executionSuccessful).toBe(true);
  });

  it('stays below the limits of the platform, keeps room for late errors, and says what it cut', () => {
    const text = renderReport('sarif', {
      results: manyResults(60_000, (at) => (at < 50_000 ? 'note' : 'error')),
      fixed: [],
      summary,
    });
    const run = runOf(text);
    expect(run.results.length).toBeLessThanOrEqual(25_000);
    expect(text.length).toBeLessThan(10_000_000);
    const errors = run.results.filter(({ level }) => level === 'error').length;
    expect(errors).toBeGreaterThan(5000);
    const left = (60_000 - run.results.length).toLocaleString('en');
    expect(notificationsOf(run)[0]?.message.text).toBe(
      `${left} more results have no room in this file; -o ndjson=FILE has them all`,
    );
  });
});
