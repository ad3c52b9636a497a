import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { runUnattended, unattendedFlags } from '../front/unattended.ts';

export default class Observe extends BaseCommand<typeof Observe> {
  static override summary =
    'Measure every route for the others, and say what auto would do. Changes nothing.';
  static override description =
    'A vantage: its counters go to the shared state store, where quorum: N counts them.\n' +
    'It opens no DNS provider and needs no rights at one; canaries are sent by auto alone.\n' +
    'Exit codes and flags are those of auto.';
  static override examples = ['<%= config.bin %> observe --once', '<%= config.bin %> observe --interval 30s'];
  static override flags = unattendedFlags;

  protected override execute(context: CommandContext<typeof Observe>): Promise<CommandResult> {
    return runUnattended(context, 'observe');
  }
}
