// Gathers what is wrong or doubtful in one file, each with its position. The same fault met twice (a default that
// every route inherits) is reported once.

import type { ConfigWarning } from './config.ts';
import type { ConfigDocument } from './document.ts';
import { type ConfigPath, type ConfigProblem, formatConfigPath, formatProblem } from './problems.ts';

export interface ProblemOptions {
  readonly suggestion?: string | null;
  /** Point at the key that ends the path rather than at its value. */
  readonly atKey?: boolean;
}

export interface Report {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
  problem(path: ConfigPath, message: string, options?: ProblemOptions): void;
  warning(code: ConfigWarning['code'], path: ConfigPath, message: string): void;
}

export function createReport(file: string, document: ConfigDocument): Report {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigWarning[] = [];
  const seen = new Set<string>();
  const isNew = (text: string) => !seen.has(text) && seen.add(text).size > 0;
  return {
    problems,
    warnings,
    problem(path, message, { suggestion = null, atKey = false } = {}) {
      const { line, column } = atKey ? document.atKey(path) : document.at(path);
      if (isNew(`${line}:${column}:${message}`))
        problems.push({ line, column, path: formatConfigPath(path), message, suggestion });
    },
    warning(code, path, message) {
      const where = formatConfigPath(path);
      const subject = formatProblem(file, {
        ...document.at(path),
        path: '',
        message: where,
        suggestion: null,
      });
      if (isNew(`${subject}:${code}`)) warnings.push({ code, message: `${where} ${message}`, subject });
    },
  };
}
