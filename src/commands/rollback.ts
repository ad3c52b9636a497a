import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { findRollback, proposeRollback } from '../app/rollback.ts';
import { openProgram } from '../compose.ts';
import { carryOutWithConsent } from '../front/consent.ts';
import { consentFlags } from '../front/flags.ts';

export default class Rollback extends BaseCommand<typeof Rollback> {
  static override summary = 'Put back exactly the records that a change replaced.';
  static override description =
    'Values and TTL as they were, whatever the config says today. Without CHANGE it is the last one in force.';
  static override examples = ['<%= config.bin %> rollback', '<%= config.bin %> rollback a3f9c1 --yes'];
  static override args = { change: Args.string({ description: 'id of the change, as history shows it' }) };
  static override flags = consentFlags;

  protected override async execute(context: CommandContext<typeof Rollback>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const program = await openProgram(runtime, { configFile: flags.config });
    const action = await findRollback(args.change ?? null, program);
    const proposal = await proposeRollback(action, program, runtime.signal);
    const question = `Put back what change ${action.plan.id} of ${action.plan.route} replaced?`;
    const options = { flags, question, rollbackOf: action.id };
    return carryOutWithConsent(proposal, options, program, { ...context, signal: runtime.signal });
  }
}
