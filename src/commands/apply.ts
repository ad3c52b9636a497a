import { readFile } from 'node:fs/promises';
import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { parsePlanFile, proposeSaved } from '../app/apply.ts';
import { openProgram } from '../compose.ts';
import { UsageError } from '../errors.ts';
import { carryOutWithConsent } from '../front/consent.ts';
import { consentFlags, offlineFlag } from '../front/flags.ts';
import { orTellOffline } from '../front/store-fault.ts';

/** A plan over 500 domains is some 300 KiB. */
const largestFile = 16 * 1024 * 1024;

export default class Apply extends BaseCommand<typeof Apply> {
  static override summary = 'Carry out a saved plan, if it is still what would be planned now.';
  static override description =
    'It is planned again with the config of now. Where its records, values, TTL or provider would differ, or its route or ' +
    'path is gone, nothing is written: exit 3 (plan-stale).';
  static override examples = ['<%= config.bin %> apply support.plan.json'];
  static override args = {
    file: Args.string({ description: 'plan file, from mxctl plan --out', required: true }),
  };
  static override flags = { ...consentFlags, ...offlineFlag };

  protected override execute(context: CommandContext<typeof Apply>): Promise<CommandResult> {
    return orTellOffline(this.#move(context));
  }

  async #move(context: CommandContext<typeof Apply>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const saved = parsePlanFile(await readPlanFile(args.file), args.file);
    const program = await openProgram(runtime, {
      configFile: flags.config,
      isOffline: flags['offline-state'],
    });
    const proposal = await proposeSaved(saved, program, runtime.signal);
    const question = `Move ${saved.route} to ${saved.to}?`;
    const options = { flags, question, rollbackOf: null };
    return carryOutWithConsent(proposal, options, program, { ...context, signal: runtime.signal });
  }
}

async function readPlanFile(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new UsageError('plan-invalid', `cannot read ${file}: ${code}`, {
      hint: 'make one with: mxctl plan ROUTE --out FILE',
    });
  }
  if (text.length > largestFile) throw new UsageError('plan-invalid', `${file} is too large to be a plan`);
  return text;
}
