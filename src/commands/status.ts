import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { routeNamed } from '../app/routes.ts';
import { readStatus, type StatusReport } from '../app/status.ts';
import { openProgram } from '../compose.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import { storeWarnings } from '../front/store-fault.ts';
import { statusDocument } from '../render/status-document.ts';
import { activeHealth } from '../render/status-route.ts';
import { renderStatus, statusNext } from '../render/status.ts';

export default class Status extends BaseCommand<typeof Status> {
  static override summary = 'Show which path each route is on, and how well.';
  static override description =
    'DNS is asked now; health is what the last rounds of auto found. To measure now: mxctl probe.\n' +
    'Exit 2 where an active path is down, DNS is not as declared or a brake holds auto, 8 where health is not known.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status support --json'];
  static override args = { route: Args.string({ description: 'only this route' }) };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Status>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config, mayLackStore: true });
    const routes =
      args.route === undefined ? [...program.config.routes.values()] : [routeNamed(args.route, program)];
    const report = await readStatus(routes, program, runtime.signal);
    return {
      exitCode: exitCodeOf(report),
      warnings: storeWarnings(program),
      data: statusDocument(report),
      text: (style) => renderStatus(report, flags.verbose, style),
      next: statusNext(report),
    };
  }
}

function exitCodeOf({ routes, brakes, unwatched }: StatusReport): ExitCode {
  if (brakes.length > 0 || unwatched.length > 0) return exitCodes.found;
  const isBad = routes.some(
    (one) => one.match.kind === 'drift' || one.match.kind === 'mixed' || activeHealth(one)?.status === 'down',
  );
  if (isBad) return exitCodes.found;
  const isUnknown = routes.some((one) => (activeHealth(one)?.status ?? 'unknown') === 'unknown');
  return isUnknown ? exitCodes.undecided : exitCodes.ok;
}
