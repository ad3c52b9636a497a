import { writeFile } from 'node:fs/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { formatPlanFile } from '../app/apply.ts';
import { proposeMove } from '../app/propose.ts';
import { pathNamed, routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { exitCodes } from '../errors.ts';
import { storeWarnings } from '../front/store-fault.ts';
import { planDocument, renderPlan } from '../render/plan.ts';

export default class Plan extends BaseCommand<typeof Plan> {
  static override summary = 'Show what a move would change, and what the guards say. Changes nothing.';
  static override examples = [
    '<%= config.bin %> plan support',
    '<%= config.bin %> plan support --to direct --out support.plan.json',
  ];
  static override args = { route: Args.string({ description: 'route to plan for', required: true }) };
  static override flags = {
    to: Flags.string({ summary: 'path to move to', helpValue: 'PATH' }),
    out: Flags.string({ summary: 'save the plan for mxctl apply', helpValue: 'FILE' }),
    'detailed-exitcode': Flags.boolean({ summary: 'exit 2 where there is something to change' }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Plan>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config, mayLackStore: true });
    const route = routeNamed(args.route, program);
    const to = flags.to === undefined ? null : pathNamed(flags.to, route).name;
    const proposal = await proposeMove(route, to, program, runtime.signal, 'leave');
    const { prepared } = proposal;
    if (flags.out !== undefined) await writeFile(flags.out, formatPlanFile(proposal), { mode: 0o600 });
    const hasChanges = prepared.plan.changes.length > 0;
    return {
      exitCode: flags['detailed-exitcode'] && hasChanges ? exitCodes.found : exitCodes.ok,
      warnings: storeWarnings(program),
      data: { ...planDocument(prepared), file: flags.out ?? null },
      text: (style) => renderPlan(prepared, program.clock.now(), style),
      next: !hasChanges
        ? []
        : flags.out === undefined
          ? [
              {
                command: `mxctl failover ${route.name} --to ${prepared.plan.to ?? ''}`,
                effect: 'plans again, then asks',
              },
            ]
          : [{ command: `mxctl apply ${flags.out}`, effect: 'carries out exactly this plan' }],
    };
  }
}
