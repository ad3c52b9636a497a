import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { openStateAdmin } from '../../compose.ts';
import { isPending, renderState, stateDocument } from '../../render/state.ts';

export default class StateInfo extends BaseCommand<typeof StateInfo> {
  static override summary = 'Show where the state is, what is in it, and who holds a lease.';
  static override description = 'Changes nothing, not even a schema that is out of date.';
  static override examples = ['<%= config.bin %> state info', '<%= config.bin %> state info --json'];

  protected override async execute({
    flags,
    runtime,
  }: CommandContext<typeof StateInfo>): Promise<CommandResult> {
    const admin = await openStateAdmin(runtime, { configFile: flags.config }, false);
    const now = runtime.clock.now();
    const state = await admin.describe(now);
    return {
      data: stateDocument(state, now),
      text: (style) => renderState(state, now, style),
      next: isPending(state)
        ? [{ command: 'mxctl state migrate', effect: 'brings the schema up to date' }]
        : [],
    };
  }
}
