import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { probeByCanary, type SentCanaries } from '../app/canary-now.ts';
import { probeTarget, type ProbedHop } from '../app/probe.ts';
import { routeNamed } from '../app/routes.ts';
import { openProgram, type Program } from '../compose.ts';
import { exitCodes, UsageError, type ExitCode } from '../errors.ts';
import { durationFlag } from '../front/flags.ts';
import { storeWarnings } from '../front/store-fault.ts';
import { canaryDocument, canaryVerdictWord, renderSentCanaries, unsentPaths } from '../render/canary.ts';
import { probeDocument, renderProbes } from '../render/probe.ts';

export default class Probe extends BaseCommand<typeof Probe> {
  static override summary = 'Speak SMTP to every hop now and say what a sender would meet.';
  static override description =
    'Every address of every exchange of every path, standby and backup included. Sends no message, but with\n' +
    '--canary: one of our own by every path, looked for where it should arrive.\n' +
    'With --verbose each stage and its reply. Exit 2 where a hop fails or a canary comes late, back or not in, 8 where\n' +
    'none could be judged, or a canary is on its way when --wait is over.';
  static override examples = [
    '<%= config.bin %> probe support',
    '<%= config.bin %> probe mx1.filter.example.net --verbose',
    '<%= config.bin %> probe support --canary --wait 5m',
  ];
  static override flags = {
    canary: Flags.boolean({
      summary: 'send a message by every path, and wait for it in the mailbox',
      default: false,
    }),
    wait: durationFlag({ summary: 'how long to wait for canaries; default 2m', default: 120_000 }),
  };
  static override args = { target: Args.string({ description: 'a route or an exchange; else every route' }) };

  protected override async execute({
    args,
    flags,
    runtime,
  }: CommandContext<typeof Probe>): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config, mayLackStore: !flags.canary });
    if (flags.canary) return this.#canaries(args.target ?? null, flags.wait, program, runtime);
    const hops = await probeTarget(args.target ?? null, program, runtime.signal);
    return {
      exitCode: exitCodeOf(hops),
      warnings: storeWarnings(program),
      data: probeDocument(hops),
      text: (style) => renderProbes(hops, flags.verbose, style),
    };
  }

  async #canaries(
    target: string | null,
    waitMs: number,
    program: Program,
    runtime: CommandContext<typeof Probe>['runtime'],
  ): Promise<CommandResult> {
    const routes =
      target === null
        ? [...program.config.routes.values()].filter((one) => one.canary !== null)
        : [routeNamed(target, program)];
    if (routes.length === 0) {
      throw new UsageError('usage', 'no route has canaries', { hint: 'declare canary: under a route' });
    }
    const results = await Promise.all(
      routes.map((route) =>
        probeByCanary(
          route,
          { waitMs, tell: (text) => runtime.logger.info(`${route.name}/${text}`) },
          program,
          runtime.signal,
        ),
      ),
    );
    return {
      exitCode: canaryExitCode(results),
      data: {
        routes: results.map((one) => ({
          route: one.route,
          canaries: one.canaries.map(canaryDocument),
          not_sent: unsentPaths(one),
          findings: one.report.findings,
        })),
      },
      text: (style) => renderSentCanaries(results, style),
    };
  }
}

function canaryExitCode(results: readonly SentCanaries[]): ExitCode {
  const words = results.flatMap((one) =>
    one.canaries.map((canary) => canaryVerdictWord(canary, one.delayedAfterMs)),
  );
  const isBlamed = (one: SentCanaries) =>
    one.report.findings.some(({ kind }) => ['path', 'mailbox', 'unproven', 'policy'].includes(kind));
  if (words.includes('fail') || results.some(isBlamed)) return exitCodes.found;
  const isUnsent = results.some((one) => unsentPaths(one).length > 0 || one.report.look?.fault != null);
  return isUnsent || words.includes('open') ? exitCodes.undecided : exitCodes.ok;
}

function exitCodeOf(hops: readonly ProbedHop[]): ExitCode {
  const has = (verdict: string) => hops.some((one) => one.observation.verdict === verdict);
  if (has('fail')) return exitCodes.found;
  return has('inconclusive') && !has('pass') ? exitCodes.undecided : exitCodes.ok;
}
