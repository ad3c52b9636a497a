import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { watchOnce, type WatchFrame } from '../app/watch.ts';
import { findChange, settleChange } from '../app/changes.ts';
import { openProgram } from '../compose.ts';
import { exitCodes } from '../errors.ts';
import { durationFlag } from '../front/flags.ts';
import { renderFrame, renderFrameLine, frameDocument } from '../render/watch.ts';

export default class Watch extends BaseCommand<typeof Watch> {
  static override summary = 'Follow a change out into the world until no cache holds the old records.';
  static override description =
    'Asks every authoritative server and every configured resolver, and counts the cache bound down.\n' +
    'Ends when the change is true for the world; exit 5 where an authority still answers otherwise.';
  static override examples = ['<%= config.bin %> watch', '<%= config.bin %> watch a3f9c1 --once'];
  static override args = { change: Args.string({ description: 'id of the change; else the last one' }) };
  static override flags = {
    once: Flags.boolean({ summary: 'one look, then end' }),
    interval: durationFlag({ summary: 'time between looks; default 5s', default: 5000 }),
  };

  protected override async execute(context: CommandContext<typeof Watch>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const program = await openProgram(runtime, { configFile: flags.config });
    let action = await findChange(args.change ?? null, program);
    for (;;) {
      action = await settleChange(action, program, runtime.signal);
      const frame = await watchOnce(action, program, runtime.signal);
      if (flags.once || frame.isClear || isOver(action)) return this.#ending(frame);
      context.print((style) => renderFrameLine(frame, style));
      context.emit({ ...frameDocument(frame) });
      await program.clock.sleep(flags.interval, runtime.signal);
    }
  }

  #ending(frame: WatchFrame): CommandResult {
    const isPublished = frame.changes.every((one) => one.isPublished);
    return {
      exitCode: isPublished ? exitCodes.ok : exitCodes.unconfirmed,
      data: frameDocument(frame),
      text: (style) => renderFrame(frame, style),
    };
  }
}

/** Nothing more will come of it: it was never published, or a person must look. */
function isOver({ state }: WatchFrame['action']): boolean {
  return state === 'failed' || state === 'conflict' || state === 'partial';
}
