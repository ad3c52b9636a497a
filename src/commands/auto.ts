import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { runUnattended, unattendedFlags } from '../front/unattended.ts';

export default class Auto extends BaseCommand<typeof Auto> {
  static override summary = 'Watch every route and move those that may move by themselves.';
  static override description =
    '--once is for cron and timers: one round, and no output where nothing changed.\n' +
    '--interval stays and makes a round each time; Ctrl-C or SIGTERM ends it in good order,\n' +
    'SIGHUP reads the configuration again between two rounds.\n' +
    'Only routes with failover: {mode: auto} are moved; the others are watched and reported.';
  static override examples = [
    '<%= config.bin %> auto --once',
    '<%= config.bin %> auto --interval 30s --json',
    '<%= config.bin %> auto --interval 30s --health-listen 127.0.0.1:8025',
  ];
  static override flags = unattendedFlags;

  protected override execute(context: CommandContext<typeof Auto>): Promise<CommandResult> {
    return runUnattended(context, 'auto');
  }
}
