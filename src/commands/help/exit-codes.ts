import { BaseCommand } from '../../base-command.ts';
import type { CommandResult } from '../../base-command.ts';
import { exitCodeRows, renderExitCodes } from '../../render/exit-codes.ts';

export default class HelpExitCodes extends BaseCommand<typeof HelpExitCodes> {
  static override summary = 'Show what each exit code means.';

  protected override execute(): Promise<CommandResult> {
    return Promise.resolve({ data: exitCodeRows, text: renderExitCodes });
  }
}
