import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { probeTarget, type ProbedHop } from '../app/probe.ts';
import { openProgram } from '../compose.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import { storeWarnings } from '../front/store-fault.ts';
import { probeDocument, renderProbes } from '../render/probe.ts';

export default class Probe extends BaseCommand<typeof Probe> {
  static override summary = 'Speak SMTP to every hop now and say what a sender would meet.';
  static override description =
    'Every address of every exchange of every path, standby and backup included. Never sends a message.\n' +
    'With --verbose each stage and its reply. Exit 2 where a hop fails, 8 where none could be judged.';
  static override examples = [
    '<%= config.bin %> probe support',
    '<%= config.bin %> probe mx1.filter.example.net --verbose',
  ];
  static override args = { target: Args.string({ description: 'a route or an exchange; else every route' }) };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Probe>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config, mayLackStore: true });
    const hops = await probeTarget(args.target ?? null, program, runtime.signal);
    return {
      exitCode: exitCodeOf(hops),
      warnings: storeWarnings(program),
      data: probeDocument(hops),
      text: (style) => renderProbes(hops, flags.verbose, style),
    };
  }
}

function exitCodeOf(hops: readonly ProbedHop[]): ExitCode {
  const has = (verdict: string) => hops.some((one) => one.observation.verdict === verdict);
  if (has('fail')) return exitCodes.found;
  return has('inconclusive') && !has('pass') ? exitCodes.undecided : exitCodes.ok;
}
