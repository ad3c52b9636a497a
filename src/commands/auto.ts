import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { exitCodeOf, runRound, runRounds } from '../app/rounds.ts';
import { openProgram } from '../compose.ts';
import { AppError, exitCodes } from '../errors.ts';
import { durationFlag } from '../front/flags.ts';
import { renderRound, roundDocument } from '../render/round.ts';

export default class Auto extends BaseCommand<typeof Auto> {
  static override summary = 'Watch every route and move those that may move by themselves.';
  static override description =
    '--once is for cron and timers: one round, and no output where nothing changed.\n' +
    '--interval stays and makes a round each time; Ctrl-C or SIGTERM ends it in good order.\n' +
    'Only routes with failover: {mode: auto} are moved; the others are watched and reported.';
  static override examples = [
    '<%= config.bin %> auto --once',
    '<%= config.bin %> auto --interval 30s --json',
  ];
  static override flags = {
    once: Flags.boolean({ summary: 'one round, then end', exclusive: ['interval'] }),
    interval: durationFlag({ summary: 'a round each 30s, 1m …', exactlyOne: ['once', 'interval'] }),
    'max-runtime': durationFlag({ summary: 'end a round that takes longer; default 10m', default: 600_000 }),
  };

  protected override async execute(context: CommandContext<typeof Auto>): Promise<CommandResult> {
    const { flags, runtime } = context;
    const program = await openProgram(runtime, { configFile: flags.config });
    if (flags.interval === undefined) {
      const result = await runRound(program, withDeadline(runtime.signal, flags['max-runtime']));
      return {
        exitCode: exitCodeOf(result),
        data: roundDocument(result),
        text: (style) => renderRound(result, style),
      };
    }
    let rounds = 0;
    await runRounds(
      flags.interval,
      program,
      runtime.signal,
      (result) => {
        rounds += 1;
        context.print((style) => renderRound(result, style));
        context.emit({ exit_code: exitCodeOf(result), ...roundDocument(result) });
      },
      (error) => {
        runtime.logger.warn(`round missed: ${error.message}`);
        context.emit({ exit_code: error.exitCode, missed: { code: error.code, message: error.message } });
      },
    );
    return { exitCode: exitCodes.ok, data: { rounds }, text: () => [] };
  }
}

/** Aborts with the caller's signal or when the round has taken too long: a run must not outlive its slot. */
function withDeadline(signal: AbortSignal, ms: number): AbortSignal {
  const late = new AbortController();
  const error = new AppError('undecided', `the round took longer than --max-runtime (${ms / 1000} s)`, {
    exitCode: exitCodes.undecided,
    hint: 'shorten probe.timeout or give it more time; what was under way is settled by the next round',
    retryable: true,
  });
  setTimeout(() => late.abort(error), ms).unref();
  return AbortSignal.any([signal, late.signal]);
}
