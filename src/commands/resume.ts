import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { resume } from '../app/pause.ts';
import { routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { brakeDocument, describeBrake, describeScope } from '../render/brakes.ts';

export default class Resume extends BaseCommand<typeof Resume> {
  static override summary = 'End a pause before its time, and let go what braked auto.';
  static override description =
    'A brake that tripped (flip limit, most domains, share of routes failing) holds auto until a person resumes:\n' +
    'those of one route with its name, the others without. Flips and domains are counted anew from there.';
  static override examples = ['<%= config.bin %> resume support', '<%= config.bin %> resume'];
  static override args = {
    route: Args.string({ description: 'route to resume; else the pause and the brakes of every route' }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Resume>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const route = args.route === undefined ? null : routeNamed(args.route, program).name;
    const { wasPaused, brakes } = await resume({ route, by: program.person }, program);
    const pauses = await program.store.readPauses(program.clock.now());
    const left = pauses.find((one) => one.route === null || one.route === route);
    const held = (await program.store.readBrakes()).filter((one) => one.releasedAt === null);
    const name = route ?? 'every route';
    const ended = [
      ...(wasPaused ? [`${name}: the pause is over`] : []),
      ...brakes.map((one) => `${describeScope(one)}: the brake ${one.kind} is let go (${one.reason})`),
    ];
    return {
      data: {
        route,
        resumed: wasPaused || brakes.length > 0,
        released: brakes.map(brakeDocument),
        still_paused: left !== undefined,
        still_braked: held.map(brakeDocument),
      },
      text: () => [
        ...(ended.length > 0 ? ended : [`${name} was neither paused nor braked`]),
        ...(left === undefined
          ? []
          : [`still paused: ${left.route ?? 'every route'}, by ${left.by}: ${left.reason}`]),
        ...held.map((one) => `still braked: ${describeBrake(one)}`),
      ],
    };
  }
}
