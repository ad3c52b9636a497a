// What every command stands on: shared flags, the run's beginning and end, the JSON envelope, text on the right
// stream, and the exit code of whatever happened. A command implements `execute` and returns a value; it never
// prints, never exits and never catches to print.

import { Command, Flags } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import { createRuntime } from './compose.ts';
import type { Runtime } from './compose.ts';
import { exitCodes } from './errors.ts';
import type { AppError, ExitCode } from './errors.ts';
import { detailsOf, toAppError } from './front/failure.ts';
import { printEnvelope, printJsonLine, printLines, printLongEnvelope } from './front/output.ts';
import { readStyle } from './front/style.ts';
import { renderEnvelope, renderFailure, renderWarnings, schemaName } from './render/envelope.ts';
import type { Outcome, Warning } from './render/envelope.ts';
import { renderNext } from './render/terminal.ts';
import type { NextStep, Style } from './render/terminal.ts';

/** What a command found or did. */
export interface CommandResult<T = unknown> {
  /** Left out: 0, or the code of `error`. */
  readonly exitCode?: ExitCode;
  /** The envelope's `data`. Within v1 only additions. */
  readonly data: T;
  /** Instead of `data`, as JSON text in pieces: for what is too long to be held. */
  readonly dataText?: AsyncIterable<string>;
  /** Lines for stdout; called only in text mode. */
  readonly text: (style: Style) => readonly string[];
  /** Shown under the text, only on a terminal. */
  readonly next?: readonly NextStep[];
  readonly warnings?: readonly Warning[];
  /** Where there is both something to show and something that failed, e.g. a plan and the guard that refused it. */
  readonly error?: AppError | null;
}

export interface CommandContext<C extends typeof Command> {
  readonly flags: Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & C['flags']>;
  readonly args: Interfaces.InferredArgs<C['args']>;
  readonly runtime: Runtime;
  /** True where a person can be asked: stdin and stderr are terminals and there is no --json. */
  readonly mayAsk: boolean;
  readonly isJson: boolean;
  /** What stdout can show. */
  readonly style: Style;
  /** A record of a command that streams: with --json one line of NDJSON before the envelope, else nothing. */
  readonly emit: (record: Readonly<Record<string, unknown>>) => void;
  /** Text of a command that streams: printed at once, in text mode only. */
  readonly print: (text: (style: Style) => readonly string[]) => void;
}

export abstract class BaseCommand<C extends typeof Command> extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    config: Flags.string({
      summary: 'config file; else MXCTL_CONFIG, ./mxctl.yaml, XDG',
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
    }),
    json: Flags.boolean({ summary: 'one JSON object on stdout, errors too', helpGroup: 'GLOBAL' }),
    'no-color': Flags.boolean({ summary: 'no colour; NO_COLOR does the same', helpGroup: 'GLOBAL' }),
    verbose: Flags.boolean({ summary: 'details on stderr', helpGroup: 'GLOBAL' }),
  };

  protected abstract execute(context: CommandContext<C>): Promise<CommandResult>;

  override async run(): Promise<void> {
    // Before parsing, so that a wrong flag is reported with the detail and the colours that were asked for.
    this.#isVerbose = this.#isTyped('--verbose') || isDebugging(process.env['DEBUG']);
    this.#mayColour = !this.#isTyped('--no-color');
    const runtime = await createRuntime({ isVerbose: this.#isVerbose });
    const startedAt = runtime.clock.now();
    const result = await this.#attempt(runtime);
    const error = result.error ?? null;
    const outcome: Outcome = {
      exitCode: result.exitCode ?? error?.exitCode ?? exitCodes.ok,
      data: result.data,
      warnings: result.warnings ?? [],
      error,
    };
    process.exitCode = outcome.exitCode;
    if (this.jsonEnabled()) {
      const run = {
        command: this.#typedId(),
        version: this.config.version,
        runId: runtime.runId,
        startedAt,
        finishedAt: runtime.clock.now(),
      };
      const envelope = renderEnvelope(run, outcome);
      if (result.dataText === undefined) printEnvelope(envelope, process.stdout.isTTY && !this.#hasStreamed);
      else await printLongEnvelope(envelope, result.dataText);
    } else {
      await this.#printText(result, outcome);
    }
  }

  // oclif would dump the error's internals under --json; bin/run.js reports what gets past `run` in our form.
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(error);
  }

  #hasStreamed = false;
  #isVerbose = false;
  #mayColour = true;

  async #attempt(runtime: Runtime): Promise<CommandResult> {
    let result: CommandResult;
    try {
      result = await this.execute(await this.#openContext(runtime));
    } catch (thrown) {
      result = this.#failed(thrown, runtime);
    }
    try {
      await runtime.close();
    } catch (thrown) {
      return result.error ? result : { ...result, ...this.#failed(thrown, runtime), data: result.data };
    }
    return result;
  }

  async #openContext(runtime: Runtime): Promise<CommandContext<C>> {
    const isJson = this.jsonEnabled();
    const { flags, args } = await this.parse();
    const style = await readStyle(process.stdout, this.#mayColour);
    const errorStyle = await readStyle(process.stderr, this.#mayColour);
    return {
      flags: flags as CommandContext<C>['flags'],
      args: args as CommandContext<C>['args'],
      runtime,
      mayAsk: !isJson && process.stdin.isTTY && errorStyle.isTerminal,
      isJson,
      style,
      emit: (record) => {
        if (!isJson) return;
        this.#hasStreamed = true;
        printJsonLine({ schema: schemaName(`${this.#typedId()} record`), ...record });
      },
      print: (text) => {
        if (!isJson) printLines(process.stdout, text(style), style);
      },
    };
  }

  async #printText(result: CommandResult, outcome: Outcome): Promise<void> {
    const style = await readStyle(process.stdout, this.#mayColour);
    const errorStyle = await readStyle(process.stderr, this.#mayColour);
    printLines(process.stderr, renderWarnings(outcome.warnings, errorStyle), errorStyle);
    printLines(process.stdout, [...result.text(style), ...renderNext(result.next ?? [], style)], style);
    if (outcome.error === null) return;
    const details = this.#isVerbose ? detailsOf(outcome.error) : '';
    printLines(process.stderr, renderFailure(outcome.error, errorStyle, details), errorStyle);
  }

  #failed(thrown: unknown, runtime: Runtime): CommandResult {
    const { signal } = runtime;
    // Whatever the abort looked like where it struck, its reason says what happened.
    const isAbort = signal.aborted && (thrown === signal.reason || isAbortError(thrown));
    const error = toAppError(isAbort ? signal.reason : thrown, `${this.config.bin} ${this.#typedId()}`);
    return { data: null, text: () => [], error };
  }

  #typedId(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  #isTyped(flag: string): boolean {
    const end = this.argv.indexOf('--');
    return (end === -1 ? this.argv : this.argv.slice(0, end)).includes(flag);
  }
}

function isAbortError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

function isDebugging(debug: string | undefined): boolean {
  return debug !== undefined && /(^|,)\s*(\*|mxctl)/.test(debug);
}
