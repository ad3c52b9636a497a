import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { historyDocument, renderHistory } from '../render/history.ts';

export default class History extends BaseCommand<typeof History> {
  static override summary = 'Show what was changed and decided, newest last.';
  static override examples = [
    '<%= config.bin %> history',
    '<%= config.bin %> history support --limit 100 --json',
  ];
  static override args = { route: Args.string({ description: 'only this route' }) };
  static override flags = {
    limit: Flags.integer({ summary: 'at most so many changes and events', default: 30, min: 1, max: 10_000 }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof History>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const filter = {
      limit: flags.limit,
      ...(args.route === undefined ? {} : { route: routeNamed(args.route, program).name }),
    };
    const [actions, events] = await Promise.all([
      program.store.listActions(filter),
      program.store.listEvents(filter),
    ]);
    return {
      data: historyDocument(actions, events),
      text: (style) => renderHistory(actions, events, flags.limit, style),
    };
  }
}
