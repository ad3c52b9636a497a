import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { guardNames } from '../app/execute.ts';
import { proposeMove } from '../app/propose.ts';
import { pathNamed, routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { carryOutWithConsent } from '../front/consent.ts';
import { consentFlags, offlineFlag } from '../front/flags.ts';
import { orTellOffline } from '../front/store-fault.ts';

export default class Failover extends BaseCommand<typeof Failover> {
  static override summary = 'Move a route to another path: shows the plan, then asks.';
  static override description =
    'Without --to the target is the best path that is not active, so going back is the same verb.\n' +
    'Nothing is written before every guard has been asked and you have agreed.\n' +
    `Guards: ${guardNames.join(' ')}.`;
  static override examples = [
    '<%= config.bin %> failover support',
    '<%= config.bin %> failover support --to direct --yes --reason "OPS-1182"',
  ];
  static override args = { route: Args.string({ description: 'route to move', required: true }) };
  static override flags = {
    to: Flags.string({ summary: 'path to move to', helpValue: 'PATH' }),
    ...consentFlags,
    ...offlineFlag,
  };

  protected override execute(context: CommandContext<typeof Failover>): Promise<CommandResult> {
    return orTellOffline(this.#move(context));
  }

  async #move(context: CommandContext<typeof Failover>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const program = await openProgram(runtime, {
      configFile: flags.config,
      isOffline: flags['offline-state'],
    });
    const route = routeNamed(args.route, program);
    const to = flags.to === undefined ? null : pathNamed(flags.to, route).name;
    const proposal = await proposeMove(route, to, program, runtime.signal);
    const { plan } = proposal.prepared;
    const question = `Move ${route.name} from ${plan.from ?? 'what DNS holds'} to ${plan.to ?? ''}?`;
    const options = {
      flags: { ...flags, confirm: flags.confirm, reason: flags.reason },
      question,
      rollbackOf: null,
    };
    return carryOutWithConsent(proposal, options, program, { ...context, signal: runtime.signal });
  }
}
