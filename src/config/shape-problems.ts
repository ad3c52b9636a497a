// What zod found, in words that say what to type. Never shows a given value, except a key that is not known.

import type { z } from 'zod';
import { parseDuration, secretForms } from '../providers/config-parts.ts';
import { knownKeysAt } from './json-schema.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import { nearest } from '../model/nearest.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const typeText: Readonly<Record<string, string>> = {
  string: 'must be text; put it in quotes',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  object: 'must be a map of keys and values',
  record: 'must be a map of names and what they hold',
  array: 'must be a list, such as [a, b]',
};

/** Messages for what the schema itself has no words for. */
export function shapeMessage(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeText[issue.expected] ?? `must be a ${issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return Number(issue.minimum) === 1 ? 'is empty' : 'is too short';
      return issue.origin === 'array'
        ? `needs at least ${issue.minimum} ${Number(issue.minimum) === 1 ? 'entry' : 'entries'}`
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return 'is too long';
      return issue.origin === 'array'
        ? `has more than ${issue.maximum} entries`
        : `must be at most ${issue.maximum}`;
    case 'invalid_union':
      return 'must have one of the forms of mxctl schema config';
    default:
      return 'does not fit; see mxctl schema config';
  }
}

export function reportShape(report: Report, error: z.ZodError, value: unknown): void {
  for (const issue of error.issues) reportIssue(report, issue, [], value);
}

function reportIssue(report: Report, issue: Issue, above: ConfigPath, value: unknown): void {
  const path = [...above, ...(issue.path as ConfigPath)];
  const given = valueAt(value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) reportUnknownKey(report, path, key, value);
      return;
    case 'invalid_key':
      report.problem(path, issue.issues[0]?.message ?? issue.message, { atKey: true });
      return;
    case 'invalid_union': {
      const options = 'options' in issue ? (issue.options ?? []).map(String) : [];
      if (options.length > 0) {
        reportPlain(report, path, given, `must be one of ${options.join(', ')}`, options);
        return;
      }
      const branch = meantBranch(issue);
      if (branch === null) reportPlain(report, path, given, issue.message, []);
      else for (const inner of branch) reportIssue(report, inner, path, value);
      return;
    }
    case 'invalid_value':
      reportPlain(report, path, given, issue.message, issue.values.map(String));
      return;
    default:
      reportPlain(report, path, given, issue.message, []);
  }
}

function reportPlain(
  report: Report,
  path: ConfigPath,
  given: unknown,
  message: string,
  options: readonly string[],
): void {
  if (given === undefined) {
    report.problem(
      path,
      message.startsWith('must ') ? `is missing; it ${message}` : `is missing: ${message}`,
    );
    return;
  }
  const suggestion = typeof given === 'string' ? nearest(given, options) : null;
  report.problem(path, message, { suggestion: suggestion ?? slipMeant(path, given, message) });
}

function reportUnknownKey(report: Report, path: ConfigPath, key: string, value: unknown): void {
  const keys = knownKeysAt(value, path);
  // A secret written in braces is an unknown key to YAML: it must not be shown.
  if (keys.includes('credential')) {
    report.problem(path, secretForms);
    return;
  }
  const suggestion = nearest(key, keys);
  const known = suggestion === null && keys.length > 0 ? `; the keys here are ${keys.join(', ')}` : '';
  report.problem([...path, key], `unknown key${known}`, { suggestion, atKey: true });
}

/** Common slips: a TTL with a unit (zone files have plain seconds), a duration without one, a city misspelt. */
function slipMeant(path: ConfigPath, given: unknown, message: string): string | null {
  const key = String(path.at(-1));
  if (typeof given === 'number' && message.startsWith('must be a duration')) return `${given}s`;
  if (typeof given !== 'string') return null;
  const ms = key.endsWith('ttl') ? parseDuration(given) : null;
  if (ms !== null) return String(ms / 1000);
  return key === 'timezone' ? nearest(given, Intl.supportedValuesOf('timeZone')) : null;
}

/** The branch of a union that was tried: the right type, and strictly the fewest faults. Null where none stands out. */
function meantBranch(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | null {
  const branches = issue.errors.filter((one) => !isOtherType(one)).sort((a, b) => a.length - b.length);
  const [best, second] = branches;
  if (best === undefined || best.length === second?.length) return null;
  return best;
}

function isOtherType(branch: readonly Issue[]): boolean {
  return branch.some(
    (one) =>
      one.path.length === 0 &&
      (one.code === 'invalid_type' || (one.code === 'invalid_union' && one.errors.every(isOtherType))),
  );
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const part of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}
