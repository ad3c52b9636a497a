import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { routeNamed } from '../../app/routes.ts';
import { loadConfigFile } from '../../compose.ts';
import {
  ignoreDocument,
  type IgnoringTool,
  ignoringTools,
  renderIgnoreSnippet,
} from '../../render/ignore-snippet.ts';

export default class ProviderIgnoreSnippet extends BaseCommand<typeof ProviderIgnoreSnippet> {
  static override summary = "Print what another tool must be told to leave a route's records alone.";
  static override description =
    'Exact names and types, for terraform, octodns, dnscontrol or external-dns. Asks nobody.\n' +
    'Without it the next run of that tool undoes a flip: mxctl then says so and fights nobody.';
  static override examples = [
    '<%= config.bin %> provider ignore-snippet terraform support',
    '<%= config.bin %> provider ignore-snippet dnscontrol support --json',
  ];
  // oclif's own line is two columns too wide.
  static override usage = 'provider ignore-snippet TOOL ROUTE [--json] [--config FILE]';
  static override args = {
    tool: Args.custom<IgnoringTool>({ options: [...ignoringTools] })({
      description: 'the tool that also writes to DNS',
      required: true,
    }),
    route: Args.string({ description: 'route of the configuration', required: true }),
  };

  protected override async execute({
    args,
    flags,
  }: CommandContext<typeof ProviderIgnoreSnippet>): Promise<CommandResult> {
    const config = await loadConfigFile({ configFile: flags.config });
    const route = routeNamed(args.route, { config });
    const lines = renderIgnoreSnippet(args.tool, route, (name) => config.providers.get(name)?.type ?? '');
    return { data: ignoreDocument(args.tool, route, lines), text: () => lines };
  }
}
