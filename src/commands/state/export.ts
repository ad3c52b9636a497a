import { Args } from '@oclif/core';
import { exportState, sum } from '../../app/state.ts';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { openStateAdmin } from '../../compose.ts';
import { UsageError } from '../../errors.ts';
import { fileTarget, stdoutTarget } from '../../front/text-targets.ts';
import { countsDocument } from '../../render/state.ts';

/** As the state file itself: the history names hosts, people and reasons. */
const forOwner = 0o600;

export default class StateExport extends BaseCommand<typeof StateExport> {
  static override summary = 'Write the whole state to a file, as lines of NDJSON.';
  static override description =
    'As it is at one instant, while others go on. The way from SQLite to PostgreSQL and back: stop auto, export,\n' +
    'name the other store in state.url, import, start auto.';
  static override examples = [
    '<%= config.bin %> state export state.ndjson',
    '<%= config.bin %> state export - | gzip > state.ndjson.gz',
  ];
  static override args = {
    file: Args.string({ description: 'file to write, or - for stdout', required: true }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
    isJson,
  }: CommandContext<typeof StateExport>): Promise<CommandResult> {
    const isStdout = args.file === '-';
    if (isStdout && isJson) {
      const hint = 'name a file, or leave --json out';
      throw new UsageError('usage', 'both the state and the JSON object would go to stdout', { hint });
    }
    const admin = await openStateAdmin(runtime, { configFile: flags.config }, false);
    const target = isStdout ? stdoutTarget() : await fileTarget(args.file, forOwner);
    try {
      const counts = await exportState(admin, runtime.clock.now(), async (text) => {
        runtime.signal.throwIfAborted();
        target.write(text);
        await target.room();
      });
      await target.finish();
      return {
        data: { file: args.file, ...countsDocument(counts) },
        text: () => (isStdout ? [] : [`${sum(counts)} rows of ${counts.size} tables are in ${args.file}.`]),
      };
    } catch (error) {
      await target.discard();
      throw error;
    }
  }
}
