import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { grantsOf } from '../../app/provider-grants.ts';
import { loadConfigFile } from '../../compose.ts';
import { renderProviderPolicy } from '../../render/provider-policy.ts';

export default class ProviderPolicy extends BaseCommand<typeof ProviderPolicy> {
  static override summary = 'Print the least rights that mxctl needs at a provider.';
  static override description =
    'An IAM policy for route53, token scopes for cloudflare, access rules for rfc2136 servers.\n' +
    'Made from the names of the routes in the configuration. Asks nobody.';
  static override examples = [
    '<%= config.bin %> provider policy r53 > policy.json',
    '<%= config.bin %> provider policy cf --json',
    '<%= config.bin %> provider policy r53 --with-drills',
  ];
  static override args = {
    name: Args.string({ description: 'provider of the configuration', required: true }),
  };

  static override flags = {
    'with-drills': Flags.boolean({ summary: 'also the TXT record of mxctl drill --depth canary' }),
  };

  protected override async execute({
    args,
    flags,
  }: CommandContext<typeof ProviderPolicy>): Promise<CommandResult> {
    const config = await loadConfigFile({ configFile: flags.config });
    const { data, lines, warnings } = renderProviderPolicy(grantsOf(args.name, config, flags['with-drills']));
    return { data, text: () => lines, warnings };
  }
}
