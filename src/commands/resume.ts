import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { resume } from '../app/pause.ts';
import { routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';

export default class Resume extends BaseCommand<typeof Resume> {
  static override summary = 'End a pause before its time.';
  static override examples = ['<%= config.bin %> resume support', '<%= config.bin %> resume'];
  static override args = {
    route: Args.string({ description: 'route to resume; else the pause of every route' }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Resume>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const route = args.route === undefined ? null : routeNamed(args.route, program).name;
    const wasPaused = await resume({ route, by: program.person }, program);
    const pauses = await program.store.readPauses(program.clock.now());
    const left = pauses.find((one) => one.route === null || one.route === route);
    const name = route ?? 'every route';
    const first = wasPaused ? `${name}: the pause is over` : `${name} was not paused`;
    const rest =
      left === undefined
        ? []
        : [`still paused: ${left.route ?? 'every route'}, by ${left.by}: ${left.reason}`];
    return {
      data: { route, resumed: wasPaused, still_paused: left !== undefined },
      text: () => [first, ...rest],
    };
  }
}
