import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { openStateAdmin } from '../../compose.ts';

export default class StateMigrate extends BaseCommand<typeof StateMigrate> {
  static override summary = 'Bring the schema of the state store up to date.';
  static override description =
    'Every command that writes does so by itself; this is for whoever wants it done before, and apart. It waits for\n' +
    'another process that is at it. There is no way back: an older mxctl refuses a newer schema.';
  static override examples = ['<%= config.bin %> state migrate'];

  protected override async execute({
    flags,
    runtime,
  }: CommandContext<typeof StateMigrate>): Promise<CommandResult> {
    const admin = await openStateAdmin(runtime, { configFile: flags.config }, true);
    const { from, to } = await admin.migrate();
    const what = from === 0 ? `made: ${to}` : `brought from ${from} to ${to}`;
    return {
      data: { from, to },
      text: () => [from === to ? `The schema is up to date: ${to}.` : `The schema was ${what}.`],
    };
  }
}
