// What was thrown, as an AppError with its exit code: ours stay as they are, oclif's are usage errors, the rest are
// bugs, which say how to report them. No stack trace unless somebody asked for it.

import { Errors } from '@oclif/core';
import { AppError, UsageError, exitCodes } from '../errors.ts';

/** `typed`: the command line up to where help is to be found, e.g. `mxctl status`. */
export function toAppError(thrown: unknown, typed: string): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Errors.CLIError && !(thrown instanceof Errors.ModuleLoadError)) {
    return new UsageError('usage', describeUsage(thrown), { cause: thrown, hint: `See ${typed} --help` });
  }
  return new AppError('bug', `a bug in mxctl: ${describe(thrown)}`, {
    cause: thrown,
    exitCode: exitCodes.bug,
    hint: 'Please report it: run the same command with --verbose and send its output with mxctl --version',
  });
}

/** What --verbose and DEBUG show besides: the stack of a bug, what lies under any other failure. */
export function detailsOf(error: AppError): string {
  const { cause } = error;
  if (!(cause instanceof Error) || error.code === 'usage') return '';
  return error.code === 'bug' ? (cause.stack ?? '') : `caused by ${describe(cause)}`;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `thrown: ${String(thrown)}`;
}

// oclif ends parse errors with its own hint, puts "occurred" headings over lists, and may colour parts of them.
function describeUsage(error: Error): string {
  return error.message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\n\s*/, '')
    .replace(/^Nonexistent flag/, 'unknown flag')
    .replace(/^([A-Z])(?=[a-z])/, (first) => first.toLowerCase())
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
