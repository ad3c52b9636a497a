// The table of exit codes as `mxctl help exit-codes` prints it. The numbers are in errors.ts; the compiler sees to
// it that each has its line here.

import { exitCodes } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { renderTable } from './table.ts';
import type { Style } from './terminal.ts';

export interface ExitCodeRow {
  readonly code: ExitCode;
  readonly name: string;
  readonly means: string;
}

const meanings: Record<keyof typeof exitCodes, string> = {
  ok: 'done; nothing to do; healthy. An auto that flipped successfully is 0',
  bug: 'a bug',
  found: 'ran fine and found something: see below',
  refused: 'refused by a guard or for want of an answer; nothing changed',
  credentials: 'provider or store rejected our credentials or rights',
  unconfirmed: 'changed, propagation not confirmed by the deadline',
  partial: 'partly applied; a person must look',
  locked: 'locked by another live run',
  undecided: 'undecided: too many look-ups had no answer',
  usage: 'usage: the command line was not understood',
  config: 'configuration',
  interrupted: 'interrupted by Ctrl-C or SIGTERM; the journal has what was done',
};

/** In the order of the codes. */
export const exitCodeRows: readonly ExitCodeRow[] = (Object.keys(meanings) as (keyof typeof exitCodes)[])
  .map((name) => ({ code: exitCodes[name], name, means: meanings[name] }))
  .sort((a, b) => a.code - b.code);

export function renderExitCodes(style: Style): string[] {
  return [
    ...renderTable(
      [{ header: 'CODE', align: 'right' }, { header: 'MEANS' }],
      exitCodeRows.map(({ code, means }) => [String(code), means]),
      style,
    ),
    '',
    'Code 2: unhealthy in status and probe, changes in plan --detailed-exitcode,',
    'findings at --fail-on in audit.',
    'One table for every command, with --json too.',
  ];
}
