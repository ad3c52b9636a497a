import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { openStateAdmin } from '../../compose.ts';
import { AppError, exitCodes } from '../../errors.ts';
import { refuseUnlessYes } from '../../front/consent.ts';
import { leaseDocument, renderLease } from '../../render/state.ts';

export default class StateUnlock extends BaseCommand<typeof StateUnlock> {
  static override summary = 'Free a lease whose holder is no more.';
  static override description =
    'A lease ends by itself within a minute of its holder; this is for when that is too long, or for one that a clock\n' +
    'gone wild dated ahead. Its token stays spent: should the holder be alive all the same, what it writes is refused.';
  static override examples = [
    '<%= config.bin %> state unlock support',
    '<%= config.bin %> state unlock "(auto) fra-ops" --yes',
  ];
  static override args = {
    route: Args.string({ description: 'route, or another lease that state info shows', required: true }),
  };
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'answer yes to the question' }) };

  protected override async execute({
    args,
    flags,
    runtime,
    mayAsk,
    print,
  }: CommandContext<typeof StateUnlock>): Promise<CommandResult> {
    const admin = await openStateAdmin(runtime, { configFile: flags.config }, false);
    const now = runtime.clock.now();
    const held = await admin.readLease(args.route, now);
    if (held === null) {
      return { data: { freed: false, lease: null }, text: () => [`Nobody holds ${args.route}.`] };
    }
    const data = (freed: boolean) => ({ freed, lease: leaseDocument(held, now) });
    print(() => renderLease(held, now));
    const asking = { mayAsk, signal: runtime.signal };
    const refusal = await refuseUnlessYes(flags.yes, `Free the lease of ${args.route}?`, asking);
    if (refusal !== null) return { data: data(false), text: () => [], error: refusal };
    if (await admin.freeLease(held.lease)) {
      return { data: data(true), text: () => [`Freed. Token ${held.lease.token} stays spent.`] };
    }
    const error = new AppError('conflict', `${args.route} changed hands meanwhile; nothing was changed`, {
      hint: 'mxctl state info   shows who holds it now',
      exitCode: exitCodes.refused,
    });
    return { data: data(false), text: () => [], error };
  }
}
