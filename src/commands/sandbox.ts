import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { hopFaults, playTour, setSandboxFault, startSandbox, tourNames } from '../compose.ts';
import { exitCodes, UsageError } from '../errors.ts';
import {
  renderBooks,
  renderHopAddresses,
  renderHopStates,
  replayDocument,
  tourDocument,
} from '../render/sandbox.ts';

/** Where a sandbox lives when nobody says otherwise: one at a time, found again from another terminal. */
const defaultDirectory = '.mxctl-sandbox';

export default class Sandbox extends BaseCommand<typeof Sandbox> {
  static override summary = 'A small mail world on loopback to try everything in, and tours of it.';
  static override description =
    'Without flags it stays up until Ctrl-C and prints the commands to try from another terminal.\n' +
    '--tour plays a story in under a minute and accounts for every message.';
  static override examples = [
    '<%= config.bin %> sandbox',
    '<%= config.bin %> sandbox --set mx1.filter=down',
    '<%= config.bin %> sandbox --set proxy=hold',
    '<%= config.bin %> sandbox --tour silent-delay',
  ];
  static override flags = {
    tour: Flags.string({ summary: 'play this story', options: [...tourNames], helpValue: 'TOUR' }),
    set: Flags.string({
      summary: `switch a hop of a running sandbox: ${hopFaults.join(' ')}`,
      helpValue: 'HOP=FAULT',
      exclusive: ['tour'],
    }),
    dir: Flags.string({ summary: 'where its files are', default: defaultDirectory, helpValue: 'DIRECTORY' }),
  };

  protected override async execute(context: CommandContext<typeof Sandbox>): Promise<CommandResult> {
    const { flags } = context;
    if (flags.set !== undefined) return this.#set(flags.dir, flags.set);
    if (flags.tour !== undefined) return this.#tour(flags.tour as (typeof tourNames)[number], context);
    return this.#stay(context);
  }

  async #tour(
    name: (typeof tourNames)[number],
    { runtime, print }: CommandContext<typeof Sandbox>,
  ): Promise<CommandResult> {
    const result = await playTour(name, runtime, (line) => print(() => [line]));
    return {
      exitCode: result.isAsExpected ? exitCodes.ok : exitCodes.found,
      data: tourDocument(result),
      text: () => [],
    };
  }

  async #set(directory: string, assignment: string): Promise<CommandResult> {
    const [hop, fault, ...rest] = assignment.split('=');
    if (hop === undefined || fault === undefined || rest.length > 0) {
      throw new UsageError('usage', `--set wants HOP=FAULT, not ${JSON.stringify(assignment)}`, {
        hint: `for example: mxctl sandbox --set mx1.filter=down; faults: ${hopFaults.join(' ')}`,
      });
    }
    const states = await setSandboxFault(directory, hop, fault);
    return { data: { hops: states }, text: (style) => renderHopStates(states, style) };
  }

  async #stay({ flags, runtime, print, emit }: CommandContext<typeof Sandbox>): Promise<CommandResult> {
    const { world, configFile } = await startSandbox(runtime, flags.dir);
    world.sender.start();
    const hops = world.hopStates();
    emit({ event: 'ready', config: configFile, hops });
    const set = flags.dir === defaultDirectory ? '--set' : `--dir ${flags.dir} --set`;
    print((style) => [
      `The sandbox is up. Its config: ${configFile}`,
      ...renderHopAddresses(hops, style),
      'From another terminal:',
      `  export MXCTL_CONFIG=${configFile}`,
      '  mxctl auto --interval 1s       watches and moves',
      `  mxctl sandbox ${set} mx1.filter=down   or: ${hopFaults.slice(1, 6).join(' ')} …`,
      `  mxctl sandbox ${set} proxy=hold        takes mail and delivers nothing: only canaries show it`,
      '  mxctl status; mxctl probe --canary; mxctl failover shop; mxctl rollback',
      'Ctrl-C ends it and tells what became of every message.',
    ]);
    await new Promise<void>((resolve) =>
      runtime.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await world.sender.stop();
    const { letters, toReplay, ...counts } = world.account();
    return {
      data: { ...counts, letters: letters.length, replay: toReplay.map(replayDocument) },
      text: () => renderBooks(counts),
    };
  }
}
