import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { pause } from '../app/pause.ts';
import { routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { durationFlag } from '../front/flags.ts';
import { formatInstant, iso } from '../render/duration.ts';

export default class Pause extends BaseCommand<typeof Pause> {
  static override summary = 'Keep auto from moving a route, or any route, for a while.';
  static override description = 'A pause always ends by itself. Routes are still measured and reported.';
  static override examples = ['<%= config.bin %> pause support --for 2h --reason "OPS-1182, disk upgrade"'];
  static override args = { route: Args.string({ description: 'route to pause; else every route' }) };
  static override flags = {
    for: durationFlag({ summary: 'how long, at most 30d; default 1h', default: 3_600_000 }),
    reason: Flags.string({ summary: 'why, for whoever finds it', helpValue: 'TEXT', required: true }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Pause>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const route = args.route === undefined ? null : routeNamed(args.route, program).name;
    const made = await pause({ route, forMs: flags.for, by: program.person, reason: flags.reason }, program);
    const resume = route === null ? 'mxctl resume' : `mxctl resume ${route}`;
    return {
      data: { ...made, at: iso(made.at), until: iso(made.until) },
      text: () => [`${route ?? 'every route'} is paused until ${formatInstant(made.until)}`],
      next: [{ command: resume, effect: 'ends it sooner' }],
    };
  }
}
