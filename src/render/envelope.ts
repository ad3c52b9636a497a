// The one JSON object that every command prints with --json, and the same facts of a failure as lines of text.
// Within v1 there are only additions.

import { exitCodes } from '../errors.ts';
import type { AppError, ErrorCode, ExitCode } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import { wrap } from './terminal.ts';
import type { Style } from './terminal.ts';

/** Something a person should know though the command did its work. `code` is public, the message is not. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  /** The route, change or file it is about. */
  readonly subject: string | null;
}

export interface Envelope {
  readonly schema: string;
  /** True only for exit code 0. */
  readonly ok: boolean;
  readonly exit_code: ExitCode;
  readonly command: string;
  readonly version: string;
  /** ULID; the same as in the journal and the history. */
  readonly run_id: string;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  readonly finished_at: string;
  readonly data: unknown;
  readonly warnings: readonly Warning[];
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint: string | null;
    readonly retryable: boolean;
  } | null;
}

/** What a run is called and when it began. */
export interface RunFacts {
  /** As typed: `help exit-codes`. Null = no command was found. */
  readonly command: string | null;
  readonly version: string;
  readonly runId: string;
  /** Instants; ms. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface Outcome {
  readonly exitCode: ExitCode;
  readonly data: unknown;
  readonly warnings: readonly Warning[];
  readonly error: AppError | null;
}

/** `mxctl/help-exit-codes/v1`; `mxctl/error/v1` where no command was found. */
export function schemaName(command: string | null): string {
  return `mxctl/${command === null ? 'error' : command.replaceAll(' ', '-')}/v1`;
}

export function renderEnvelope(run: RunFacts, outcome: Outcome): Envelope {
  const { error } = outcome;
  return {
    schema: schemaName(run.command),
    ok: outcome.exitCode === exitCodes.ok,
    exit_code: outcome.exitCode,
    command: run.command ?? 'mxctl',
    version: run.version,
    run_id: run.runId,
    started_at: new Date(run.startedAt).toISOString(),
    finished_at: new Date(run.finishedAt).toISOString(),
    data: outcome.data ?? null,
    warnings: outcome.warnings.map(({ code, message, subject }) => ({
      code,
      message: sanitise(message, longestLine),
      subject: subject === null ? null : sanitise(subject),
    })),
    error:
      error === null
        ? null
        : {
            code: error.code,
            message: sanitiseLines(error.message).join('\n'),
            hint: error.hint === null ? null : sanitiseLines(error.hint).join('\n'),
            retryable: error.retryable,
          },
  };
}

// A config file that lists every mistake at once may have long lines; past this a line is noise.
const longestLine = 2000;

// The lines of a message are ours; what stands in them may have come from a file or the network.
function sanitiseLines(text: string): string[] {
  return text.split('\n').map((line) => sanitise(line, longestLine));
}

/** For stderr: details for who asked, what happened, what to do. Lists of several lines stay as they are. */
export function renderFailure(error: AppError, style: Style, details = ''): string[] {
  const [first = '', ...rest] = sanitiseLines(error.message);
  const head = rest.length === 0 ? wrap(`error: ${first}`, style.width, '       ') : [`error: ${first}`];
  const hint = error.hint === null ? [] : sanitiseLines(error.hint);
  return [
    ...(details === '' ? [] : sanitiseLines(details)),
    ...head.map((line, index) =>
      index === 0 ? line.replace(/^error:/, style.paint('bad', 'error:')) : line,
    ),
    ...rest,
    ...hint.flatMap((line) => wrap(line, style.width)),
  ];
}

export function renderWarnings(warnings: readonly Warning[], style: Style): string[] {
  return warnings.flatMap(({ message, subject }) => {
    const text = sanitise(subject === null ? message : `${subject}: ${message}`, longestLine);
    return wrap(`warning: ${text}`, style.width, '         ').map((line) =>
      line.replace(/^warning:/, style.paint('warn', 'warning:')),
    );
  });
}
