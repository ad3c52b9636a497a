// What zod found, in words that say what to type. Never shows a given value, except a key that is not known.

import type { z } from 'zod';
import { parseDuration, secretForms } from '../providers/config-parts.ts';
import { knownKeysAt } from './json-schema.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import { nearest } from './suggest.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const typeText: Readonly<Record<string, string>> = {
  string: 'is text; put it in quotes',
  number: 'is a number',
  int: 'is a whole number',
  boolean: 'is true or false',
  object: 'is a map of keys and values',
  record: 'is a map of names and what they hold',
  array: 'is a list, such as [a, b]',
};

/** Messages for what the schema itself has no words for. */
export function shapeMessage(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeText[issue.expected] ?? `is a ${issue.expected}`;
    case 'invalid_value':
      return `is ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return Number(issue.minimum) === 1 ? 'is empty' : 'is too short';
      return issue.origin === 'array'
        ? `needs at least ${issue.minimum} ${Number(issue.minimum) === 1 ? 'entry' : 'entries'}`
        : `is at least ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return 'is too long';
      return issue.origin === 'array'
        ? `has more than ${issue.maximum} entries`
        : `is at most ${issue.maximum}`;
    case 'invalid_union':
      return 'is not one of the forms it can take';
    default:
      return 'is not what is wanted here; see mxctl schema config';
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
        reportPlain(report, path, given, `is one of ${options.join(', ')}`, options);
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
    report.problem(path, message.startsWith('is ') ? `is missing; it ${message}` : `is missing: ${message}`);
    return;
  }
  const suggestion = typeof given === 'string' ? nearest(given, options) : null;
  report.problem(path, message, { suggestion: suggestion ?? secondsMeant(path, given) });
}

function reportUnknownKey(report: Report, path: ConfigPath, key: string, value: unknown): void {
  const keys = knownKeysAt(value, path);
  const suggestion = nearest(key, keys);
  const known = suggestion === null && keys.length > 0 ? `; the keys here are ${keys.join(', ')}` : '';
  report.problem([...path, key], `unknown key${known}`, { suggestion, atKey: true });
}

/** `ttl: 1h` is a common slip: TTLs are plain seconds, as in zone files. */
function secondsMeant(path: ConfigPath, given: unknown): string | null {
  const ms = typeof given === 'string' && /ttl$/.test(String(path.at(-1))) ? parseDuration(given) : null;
  return ms === null ? null : String(ms / 1000);
}

/** The branch of a union that was tried: the right type, and strictly the fewest faults. Null where none stands out. */
function meantBranch(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | null {
  const branches = issue.errors.filter((one) => !isOtherType(one)).sort((a, b) => a.length - b.length);
  const [best, second] = branches;
  if (best === undefined || best.length === second?.length) return null;
  // A secret written in braces is an unknown key to YAML: it must not be shown.
  if (issue.message === secretForms && best.some((one) => one.code === 'unrecognized_keys')) return null;
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
