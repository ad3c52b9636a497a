// The body of `auto` and `observe`: one round for cron and timers, or a service with all that watches over it.

import { Flags } from '@oclif/core';
import { AppError, exitCodes, UsageError, type ExitCode } from '../errors.ts';
import type { CycleResult } from '../app/cycle.ts';
import { withDeadline } from '../app/deadline.ts';
import type { Deps } from '../app/deps.ts';
import { observing, type ObserverMemory } from '../app/observe.ts';
import { reloadConfig } from '../app/reload.ts';
import { exitCodeOf, type RoundCommand, runRound } from '../app/rounds.ts';
import { serve } from '../app/serve.ts';
import { tellUnwatched } from '../app/unwatched.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { openServing, openSupervision, pace, type Runtime, type Serving } from '../compose.ts';
import { formatInstant } from '../render/duration.ts';
import { renderRound, roundDocument } from '../render/round.ts';
import { durationFlag, type HealthAddress, healthListenFlag } from './flags.ts';

export const unattendedFlags = {
  once: Flags.boolean({ summary: 'one round, then end', exclusive: ['interval'] }),
  interval: durationFlag({ summary: 'a round each 30s, 1m …', exactlyOne: ['once', 'interval'] }),
  'max-runtime': durationFlag({ summary: 'end a round that takes longer; default 10m', default: 600_000 }),
  'health-listen': healthListenFlag({
    summary: 'answer /livez, /healthz and /readyz there; a port alone is loopback',
    dependsOn: ['interval'],
  }),
};

/** Timers hold no more than 24 days, and whoever waits longer than this for a round wants cron; ms. */
const longestMs = 86_400_000;

interface UnattendedFlags {
  readonly config: string | undefined;
  readonly interval: number | undefined;
  readonly 'max-runtime': number;
  readonly 'health-listen': HealthAddress | undefined;
}

type Context = Pick<CommandContext<never>, 'runtime' | 'print' | 'emit'> & {
  readonly flags: UnattendedFlags;
};

export async function runUnattended(context: Context, command: RoundCommand): Promise<CommandResult> {
  const { interval, 'max-runtime': maxRuntime } = context.flags;
  for (const [flag, ms] of [
    ['--interval', interval ?? 0],
    ['--max-runtime', maxRuntime],
  ] as const)
    if (ms > longestMs) throw new UsageError('usage', `${flag} is at most 1d`);
  return interval === undefined ? runOnce(context, command) : runService(context, command, interval);
}

async function runOnce({ flags, runtime }: Context, command: RoundCommand): Promise<CommandResult> {
  const heartbeat: { now: Serving['heartbeat'] } = { now: null };
  const end = (exitCode: ExitCode) => heartbeat.now?.end(exitCode);
  try {
    const { program } = await openServing(runtime, { configFile: flags.config }, (opened) => {
      heartbeat.now = opened;
      opened?.begin();
    });
    for (const line of await tellUnwatched(program, true)) runtime.logger.warn(line);
    const deps = depsOf(program, command, new Map());
    const options = { maxRuntimeMs: flags['max-runtime'], pace, signal: runtime.signal };
    const result = await withDeadline((signal) => runRound(deps, signal, command), options);
    end(exitCodeOf(result));
    return {
      exitCode: exitCodeOf(result),
      data: roundDocument(result),
      text: (style) => renderRound(result, style),
    };
  } catch (error) {
    end(codeOf(error));
    throw error;
  } finally {
    // After the round: who is told late may be told late, who acts may not act late.
    await heartbeat.now?.settle();
  }
}

async function runService(
  context: Context,
  command: RoundCommand,
  intervalMs: number,
): Promise<CommandResult> {
  const { flags, runtime } = context;
  const maxRuntimeMs = flags['max-runtime'];
  const supervision = await openSupervision(runtime, {
    maxRuntimeMs,
    listen: flags['health-listen'] ?? null,
  });
  const { liveness, manager, reloads } = supervision;
  const serving = await openServing(runtime, { configFile: flags.config }, () => {});
  for (const line of await tellUnwatched(serving.program, false)) runtime.logger.warn(line);
  const memory: ObserverMemory = new Map();
  const tellStatus = statusLine((text) => manager?.status(text));
  manager?.ready();
  try {
    await serve(
      {
        round: (signal) => runRound(depsOf(serving.program, command, memory), signal, command),
        onBegin: () => serving.heartbeat?.begin(),
        onRound: (result) => {
          context.print((style) => renderRound(result, style));
          context.emit({ exit_code: exitCodeOf(result), ...roundDocument(result) });
          serving.heartbeat?.end(exitCodeOf(result));
          tellStatus(describe(result));
        },
        onMissed: (error) => {
          runtime.logger.warn(`round missed: ${error.message}`);
          context.emit({ exit_code: error.exitCode, missed: { code: error.code, message: error.message } });
          serving.heartbeat?.end(error.exitCode);
          tellStatus(`round missed: ${error.code}`);
        },
        reload: async () => {
          manager?.reloading();
          tell(context, await reloadConfig(serving), runtime);
          manager?.ready();
        },
      },
      { intervalMs, maxRuntimeMs, pace: supervision.pace, signal: runtime.signal, liveness, reloads },
    );
  } catch (error) {
    serving.heartbeat?.end(codeOf(error));
    throw error;
  } finally {
    await serving.heartbeat?.settle();
  }
  return { exitCode: exitCodes.ok, data: { rounds: liveness.rounds }, text: () => [] };
}

function tell(
  context: Context,
  { error, text }: Awaited<ReturnType<typeof reloadConfig>>,
  runtime: Runtime,
): void {
  const at = runtime.clock.now();
  // What went wrong stands on stderr already.
  if (error === null) context.print(() => [`${formatInstant(at)}  ${text}`]);
  context.emit({
    reloaded: error === null,
    text,
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
  });
}

function depsOf(program: Deps, command: RoundCommand, memory: ObserverMemory): Deps {
  return command === 'observe' ? observing(program, memory) : program;
}

function codeOf(error: unknown): ExitCode {
  return error instanceof AppError ? error.exitCode : exitCodes.bug;
}

/** Only what differs is told: each message is a process. */
function statusLine(send: (text: string) => void): (text: string) => void {
  let told = '';
  return (text) => {
    if (text !== told) send(text);
    told = text;
  };
}

function describe(result: CycleResult): string {
  const code = exitCodeOf(result);
  const ill = result.routes.filter((one) => one.exitCode !== exitCodes.ok).length;
  return code === exitCodes.ok
    ? `${result.routes.length} routes, nothing to do`
    : `${ill} of ${result.routes.length} routes need attention (exit code ${code})`;
}
