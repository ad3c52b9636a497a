// The outputs of an audit, each with the place its text goes to, as the one sink that the use cases write to.

import { resolve } from 'node:path';
import type { AuditEnd, AuditSink } from '../app/audit.ts';
import { UsageError } from '../errors.ts';
import { type AuditFormat, auditFormats, openAuditOutput } from '../render/audit/formats.ts';
import type { AuditOutput, AuditRun } from '../render/audit/output.ts';
import { plainStyle } from '../render/terminal.ts';
import { appendTarget, fileTarget, standardTarget, stdoutTarget, type TextTarget } from './text-targets.ts';

export interface OutputChoice {
  readonly format: AuditFormat;
  /** Null = standard output. */
  readonly file: string | null;
}

/** By whichever name. */
const standardOutput = ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'];
const standardError = ['/dev/stderr', '/dev/fd/2', '/proc/self/fd/2'];

/** `FORMAT[=FILE]`. Throws UsageError. */
export function parseOutputChoice(text: string): OutputChoice {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  const file = at === -1 ? null : text.slice(at + 1);
  const format = auditFormats.find((one) => one === name);
  if (format === undefined || file === '') {
    throw new UsageError('usage', `--output wants FORMAT or FORMAT=FILE, not ${JSON.stringify(text)}`, {
      hint: `formats: ${auditFormats.join(' ')}`,
    });
  }
  return { format, file: file !== null && standardOutput.includes(file) ? null : file };
}

/** Throws UsageError where two would write to the same place. */
export function checkOutputChoices(choices: readonly OutputChoice[], isJson: boolean): void {
  const places = choices.map(({ file }) => file ?? 'standard output');
  const twice = places.find((one, at) => places.indexOf(one) !== at);
  if (twice !== undefined)
    throw new UsageError('usage', `two outputs would go to ${twice}`, {
      hint: 'give each its own: -o human -o sarif=audit.sarif',
    });
  if (isJson && choices.some(({ file }) => file === null))
    throw new UsageError('usage', 'with --json standard output holds the one JSON object', {
      hint: 'send other formats to files: -o sarif=audit.sarif',
    });
}

/** What GitHub gives a step for its summary is added to: the command may not be the only one of the step that writes. */
function openFile(file: string): Promise<TextTarget> {
  if (standardError.includes(file)) return Promise.resolve(standardTarget('stderr'));
  const summary = process.env['GITHUB_STEP_SUMMARY'] ?? '';
  return summary !== '' && resolve(summary) === resolve(file) ? appendTarget(file) : fileTarget(file);
}

export class AuditWriter implements AuditSink {
  readonly #outputs: { readonly output: AuditOutput; readonly target: TextTarget }[] = [];

  /** Opens files and writes what comes before the first domain. `spool`: where `--json` gathers its data. */
  static async open(
    choices: readonly OutputChoice[],
    run: AuditRun,
    spool: TextTarget | null,
  ): Promise<AuditWriter> {
    const writer = new AuditWriter();
    try {
      for (const { format, file } of choices) {
        const style = file === null ? run.style : { ...plainStyle, isUtf8: true };
        const target = file === null ? stdoutTarget() : await openFile(file);
        writer.#add(openAuditOutput(format, { ...run, style }), target);
      }
      if (spool !== null) writer.#add(openAuditOutput('json', run), spool);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    return writer;
  }

  domain(result: Parameters<AuditOutput['domain']>[0]): void {
    for (const { output, target } of this.#outputs) target.write(output.domain(result));
  }

  badRow(row: Parameters<AuditOutput['badRow']>[0]): void {
    for (const { output, target } of this.#outputs) target.write(output.badRow(row));
  }

  room(): Promise<void> | null {
    // Asked for every domain.
    let waits: Promise<void>[] | null = null;
    for (const { target } of this.#outputs) {
      const room = target.room();
      if (room !== null) (waits ??= []).push(room);
    }
    return waits === null ? null : Promise.all(waits).then(() => {});
  }

  isClosed(): boolean {
    return this.#outputs.length > 0 && this.#outputs.every(({ target }) => target.isClosed());
  }

  /** Writes what comes after the last domain; files get their names. */
  async end({ summary, fixed }: Pick<AuditEnd, 'summary' | 'fixed'>): Promise<void> {
    for (const { output, target } of this.#outputs) target.write(output.end(summary, fixed));
    for (const { target } of this.#outputs) await target.finish();
  }

  /** After a failure: no half file stays. */
  async discard(): Promise<void> {
    for (const { target } of this.#outputs) await target.discard();
  }

  #add(output: AuditOutput, target: TextTarget): void {
    this.#outputs.push({ output, target });
    target.write(output.begin());
  }
}
