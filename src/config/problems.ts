// Everything that is wrong with a configuration, at once. Never holds a value from the file where that may be a
// secret: messages say what to type, not what was typed.

import { ConfigError } from '../errors.ts';
import { sanitise } from '../model/text.ts';

/** Keys and indices from the top of the file. */
export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count. */
  readonly column: number;
  /** `routes.support.paths.proxy.mx[0].exchange`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant; null where nothing is near. */
  readonly suggestion: string | null;
}

/** More than a screen of problems helps nobody; the rest is counted. */
const maxShown = 50;

export class ConfigProblemsError extends ConfigError {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    const shown = sorted.slice(0, maxShown).map((one) => formatProblem(file, one));
    const rest = sorted.length - shown.length;
    const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
    super(
      'config-invalid',
      [`${sanitise(file)} has ${count}`, ...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'),
      { hint: 'correct the file, then: mxctl validate' },
    );
    this.problems = sorted;
  }
}

/** `file:line:column: where: what is wrong (did you mean X?)`, on one line. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const where = problem.path === '' ? '' : `${problem.path}: `;
  const meant = problem.suggestion === null ? '' : ` (did you mean ${problem.suggestion}?)`;
  return sanitise(`${file}:${problem.line}:${problem.column}: ${where}${problem.message}${meant}`, 600);
}

export function formatConfigPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const safe = /^[A-Za-z0-9_@-]+$/.test(part) ? part : JSON.stringify(part.slice(0, 80));
    return text === '' ? safe : `${text}.${safe}`;
  }, '');
}
