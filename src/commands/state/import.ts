import { Args } from '@oclif/core';
import { importState, sum } from '../../app/state.ts';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { openStateAdmin } from '../../compose.ts';
import { readStateLines } from '../../front/state-lines.ts';
import { countsDocument } from '../../render/state.ts';

export default class StateImport extends BaseCommand<typeof StateImport> {
  static override summary = 'Read an exported state into an empty store.';
  static override description =
    'All of it or nothing, and only where nothing is yet. Leases come free, and their tokens never get smaller: a run\n' +
    'that still believes in one of the old store is refused by the new one.';
  static override examples = [
    '<%= config.bin %> state import state.ndjson',
    'gunzip -c state.ndjson.gz | <%= config.bin %> state import -',
  ];
  static override args = {
    file: Args.string({ description: 'file to read, or - for stdin', required: true }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof StateImport>): Promise<CommandResult> {
    const admin = await openStateAdmin(runtime, { configFile: flags.config }, true);
    await admin.migrate();
    const counts = await importState(admin, readStateLines(args.file));
    return {
      data: { file: args.file, ...countsDocument(counts) },
      text: () => [`${sum(counts)} rows of ${counts.size} tables were imported.`],
    };
  }
}
