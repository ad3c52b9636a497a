// One audit from the outside: opens its outputs, shows how far it is, and makes a command's result of how it ended. What
// `audit` and `audit merge` have in common.

import { Flags } from '@oclif/core';
import type { AuditEnd, AuditProgress, AuditSink } from '../app/audit.ts';
import type { Verdicts } from '../app/audit-tally.ts';
import type { CommandResult } from '../base-command.ts';
import type { Runtime } from '../compose.ts';
import { UsageError } from '../errors.ts';
import type { AuditRun } from '../render/audit/output.ts';
import { auditFormats } from '../render/audit/formats.ts';
import { progressLine } from './audit-progress.ts';
import { AuditWriter, checkOutputChoices, type OutputChoice, parseOutputChoice } from './audit-writer.ts';
import { createSpool } from './text-targets.ts';

/** Flags that say where results go and what the exit code tells. */
export const auditOutcomeFlags = {
  output: Flags.custom<OutputChoice>({
    char: 'o',
    summary: `${auditFormats.join(' ')}; repeat for more`,
    helpValue: 'FORMAT[=FILE]',
    multiple: true,
    multipleNonGreedy: true,
    parse: (text) => Promise.resolve(parseOutputChoice(text)),
  })(),
  'new-only': Flags.boolean({ summary: 'only findings that the baseline does not have', default: false }),
  'fail-on': Flags.custom<Verdicts['failOn']>({
    summary: 'exit 2 for findings of this severity and above',
    options: ['error', 'warn', 'never'],
    default: 'error',
  })(),
  'max-unknown': Flags.custom<Verdicts['maxUnknown']>({
    summary: 'exit 8 where more domains had no answer; default 10%',
    helpValue: 'SHARE|COUNT',
    parse: (text) => Promise.resolve(parseMost(text)),
  })(),
};

function parseMost(text: string): Verdicts['maxUnknown'] {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(%?)$/.exec(text);
  const value = Number(match?.[1]);
  if (match?.[2] === '%' && value <= 100) return { kind: 'share', value: value / 100 };
  if (match?.[2] === '' && Number.isInteger(value)) return { kind: 'count', value };
  throw new UsageError('usage', `--max-unknown wants a share or a number, not ${JSON.stringify(text)}`, {
    hint: 'for example --max-unknown 5% or --max-unknown 20',
  });
}

/** A resolver that fails now and then is no reason to stop a release; one in ten is. */
const defaultMaxUnknown = { kind: 'share', value: 0.1 } as const;

export interface AuditFlags {
  readonly output: readonly OutputChoice[] | undefined;
  readonly 'new-only': boolean;
  readonly 'fail-on': Verdicts['failOn'];
  readonly 'max-unknown': Verdicts['maxUnknown'] | undefined;
}

export function verdictsOf(flags: AuditFlags): Verdicts {
  return {
    failOn: flags['fail-on'],
    isNewOnly: flags['new-only'],
    maxUnknown: flags['max-unknown'] ?? defaultMaxUnknown,
  };
}

type End = Pick<AuditEnd, 'summary' | 'fixed' | 'exitCode'>;

/** Runs `work` with the outputs as its sink. Whatever goes wrong, no half file stays. */
export async function carryOutAudit(
  choices: readonly OutputChoice[] | undefined,
  run: AuditRun,
  { isJson, runtime }: { readonly isJson: boolean; readonly runtime: Runtime },
  work: (sink: AuditSink, onProgress: (progress: AuditProgress) => void) => Promise<End>,
): Promise<CommandResult> {
  const chosen = choices ?? (isJson ? [] : [{ format: 'human', file: null } as const]);
  checkOutputChoices(chosen, isJson);
  const spool = isJson ? createSpool() : null;
  const writer = await AuditWriter.open(chosen, run, spool);
  const progress = progressLine(process.stderr, run.startedAt, () => runtime.clock.now());
  try {
    const end = await work(writer, (at) => progress.show(at));
    progress.clear();
    await writer.end(end);
    const error = emptyListError(end);
    return {
      exitCode: error?.exitCode ?? end.exitCode,
      error,
      data: null,
      ...(spool === null ? {} : { dataText: spool.pieces() }),
      text: () => [],
    };
  } catch (error) {
    progress.clear();
    await writer.discard();
    throw error;
  }
}

/** Nothing was judged and nothing was to be left out: the list is empty, or not what it was taken for. */
function emptyListError({ summary }: Pick<End, 'summary'>): UsageError | null {
  const { rows, badRows, shard } = summary;
  if (shard !== null || rows > badRows) return null;
  const what = badRows === 0 ? 'the list is empty' : `none of ${badRows} rows holds a domain`;
  return new UsageError('usage', `no domain was audited: ${what}`, {
    hint: 'check the file, and for CSV and NDJSON the --column',
  });
}
