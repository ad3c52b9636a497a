// JUnit XML: a suite for each audit, a case for each domain, so that a service that compares runs sees a domain fail
// and be fixed. failure = something was found that loses mail or will; error = it could not be checked. There is no
// official schema; this is what Jenkins and GitLab both read.

import type { Severity } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { iso } from '../duration.ts';
import { markupText } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult } from './output.ts';
import { formatCount, severityNames, shownFindings } from './words.ts';

/** GitLab reads no file from 30 MB on and no XML of more than 250,000 nodes, and the counts of a suite stand before its
 *  cases, so they are kept: 20,000 cases of some hundred characters. Half of that is kept free for domains that are
 *  not good. */
const mostCases = 20_000;
const mostCharacters = 20_000_000;
const shareOfGood = 0.5;

interface Suite {
  readonly cases: string[];
  failures: number;
  errors: number;
  skipped: number;
  /** Domains that had no room. */
  left: number;
}

export function openJunit(run: AuditRun): AuditOutput {
  const suites = new Map<string, Suite>(run.audits.map((name) => [name, emptySuite()]));
  let cases = 0;
  let characters = 0;
  return {
    begin: () => '',
    domain: (result) => {
      const name = result.subject.audit ?? 'domains';
      const suite = suites.get(name) ?? emptySuite();
      suites.set(name, suite);
      const kind = kindOf(result, run);
      const share = kind === 'good' ? shareOfGood : 1;
      const hasRoom = cases < mostCases * share && characters < mostCharacters * share;
      const text = hasRoom ? renderCase(result, name, kind, run) : '';
      if (!hasRoom || characters + text.length > mostCharacters * share) {
        suite.left += 1;
        return '';
      }
      cases += 1;
      characters += text.length;
      suite.cases.push(text);
      if (kind !== 'good') suite[kind] += 1;
      return '';
    },
    badRow: () => '',
    end: (summary) => {
      const seconds = ((summary.finishedAt - summary.startedAt) / 1000).toFixed(3);
      const all = [...suites.values()];
      const counts = attributes({
        tests: sum(all, ({ cases: { length } }) => length),
        failures: sum(all, ({ failures }) => failures),
        errors: sum(all, ({ errors }) => errors),
        skipped: sum(all, ({ skipped }) => skipped),
        time: seconds,
      });
      return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        `<testsuites name="mxctl audit" ${counts}>`,
        ...[...suites].map(([name, suite]) => renderSuite(name, suite, run, seconds)),
        '</testsuites>\n',
      ].join('\n');
    },
  };
}

function emptySuite(): Suite {
  return { cases: [], failures: 0, errors: 0, skipped: 0, left: 0 };
}

function sum(suites: readonly Suite[], of: (suite: Suite) => number): number {
  return suites.reduce((total, suite) => total + of(suite), 0);
}

function renderSuite(name: string, suite: Suite, run: AuditRun, seconds: string): string {
  const head = attributes({
    name,
    tests: suite.cases.length,
    failures: suite.failures,
    errors: suite.errors,
    skipped: suite.skipped,
    timestamp: (iso(run.startedAt) ?? '').slice(0, 19),
    time: seconds,
  });
  const left = `${formatCount(suite.left)} more domains have no room in this file; -o ndjson=FILE has them all`;
  return [
    `<testsuite ${head}>`,
    ...suite.cases,
    ...(suite.left === 0 ? [] : [`<system-out>${left}</system-out>`]),
    '</testsuite>',
  ].join('\n');
}

const failing: readonly Severity[] = ['error', 'warn'];

type Kind = 'good' | 'failures' | 'errors' | 'skipped';

const isFailing = ({ severity }: { readonly severity: Severity }) => failing.includes(severity);

function kindOf(result: ComparedResult, run: AuditRun): Kind {
  if (result.outcome === 'ignored') return 'skipped';
  if (shownFindings(result, run).some(isFailing)) return 'failures';
  return result.unknowns.length > 0 ? 'errors' : 'good';
}

function renderCase(result: ComparedResult, suite: string, kind: Kind, run: AuditRun): string {
  const { file, line } = result.subject.source;
  const head = `<testcase ${attributes({
    classname: `mxctl.${suite}`,
    name: displayName(result.subject.domain),
    ...(file === null ? {} : { file }),
    ...(line === null ? {} : { line }),
    time: '0',
  })}`;
  const content = kind === 'skipped' ? '<skipped/>' : verdict(result, run);
  return content === '' ? `${head}/>` : `${head}>${content}</testcase>`;
}

function verdict(result: ComparedResult, run: AuditRun): string {
  const { unknowns } = result;
  const findings = shownFindings(result, run);
  const failures = findings.filter(isFailing);
  const worst = failures.find(({ severity }) => severity === 'error') ?? failures[0];
  const notes = findings
    .filter((one) => !isFailing(one))
    .map((one) => `note: ${one.reason}\n${one.instruction}`);
  if (worst === undefined) {
    const [first] = unknowns;
    const message = `could not be checked: ${first ?? ''}`;
    const error =
      first === undefined
        ? ''
        : `<error ${attributes({ message, type: 'unknown' })}>${body(unknowns)}</error>`;
    return error + systemOut(notes);
  }
  const texts = failures.map((one) => `${severityNames[one.severity]}: ${one.reason}\n${one.instruction}`);
  return [
    `<failure ${attributes({ message: worst.reason, type: worst.rule })}>${body(texts)}</failure>`,
    systemOut([...notes, ...unknowns.map((one) => `could not be checked: ${one}`)]),
  ].join('');
}

function systemOut(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `<system-out>${body(texts)}</system-out>`;
}

/** Lines of ours, each escaped by itself. */
function body(texts: readonly string[]): string {
  return texts
    .flatMap((text) => text.split('\n'))
    .map((line) => `- ${markupText(line)}`)
    .join('\n');
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${markupText(String(value))}"`)
    .join(' ');
}
