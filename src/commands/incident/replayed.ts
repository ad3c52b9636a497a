import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { noteReplayed } from '../../app/incident.ts';
import { openProgram } from '../../compose.ts';
import { canaryDocument } from '../../render/canary.ts';

export default class IncidentReplayed extends BaseCommand<typeof IncidentReplayed> {
  static override summary = 'Say that what a path swallowed was replayed, so that it may be trusted again.';
  static override description =
    'A path whose canaries never arrived is not returned to by itself: mail of others went the same way. Replay it\n' +
    '(mxctl status --json lists the canaries with queue ids and times), then say so here.';
  static override examples = [
    '<%= config.bin %> incident replayed support --reason "OPS-1190, 19:00-21:00 replayed"',
  ];
  static override args = { route: Args.string({ description: 'the route', required: true }) };
  static override flags = {
    path: Flags.string({ summary: 'the path, where several owe canaries', helpValue: 'PATH' }),
    reason: Flags.string({ summary: 'what was done, for the history', helpValue: 'TEXT', required: true }),
  };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof IncidentReplayed>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const { route, path, canaries } = await noteReplayed(
      { route: args.route, path: flags.path ?? null, by: program.person, reason: flags.reason },
      program,
    );
    const count = `${canaries.length} canar${canaries.length === 1 ? 'y' : 'ies'}`;
    return {
      data: { route, path, canaries: canaries.map(canaryDocument) },
      text: () => [`${route}: ${count} by ${path} are no longer waited for`],
      next: [{ command: `mxctl status ${route}`, effect: 'shows what canaries say of it now' }],
    };
  }
}
