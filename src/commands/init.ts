import { writeFile } from 'node:fs/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { draftConfig } from '../app/init.ts';
import { openInit } from '../compose.ts';
import { UsageError } from '../errors.ts';
import { renderConfigDraft } from '../render/init.ts';

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'Write a first config from what DNS says today.';
  static override description =
    'Domains that publish the same MX become one route, its path named current. Only looks at DNS.\n' +
    'What DNS does not say, who serves the zones and where mail may go instead, is marked TODO.';
  static override examples = [
    '<%= config.bin %> init --from-dns example.com shop.example',
    '<%= config.bin %> init --from-dns example.com -o - --resolver 192.0.2.53',
  ];
  static override flags = {
    'from-dns': Flags.string({
      summary: 'domains to begin with',
      helpValue: 'DOMAIN...',
      multiple: true,
      required: true,
    }),
    output: Flags.string({
      char: 'o',
      summary: 'where to; - is stdout; default mxctl.yaml',
      helpValue: 'FILE|-',
      default: 'mxctl.yaml',
    }),
    force: Flags.boolean({ summary: 'overwrite the file', default: false }),
    resolver: Flags.string({
      summary: 'ask this resolver, or DNS over HTTPS; repeat for more',
      helpValue: 'ADDRESS[:PORT]|URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  protected override async execute({ flags, runtime }: CommandContext<typeof Init>): Promise<CommandResult> {
    const { domainsOf, deps } = await openInit(runtime, flags.resolver ?? []);
    const draft = await draftConfig(domainsOf(flags['from-dns']), deps, runtime.signal);
    const lines = renderConfigDraft(draft, runtime.clock.now());
    const file = flags.output === '-' ? null : flags.output;
    if (file !== null) await writeNew(file, `${lines.join('\n')}\n`, flags.force);
    const routes = draft.routes.map(({ name }) => name);
    return {
      data: { file, routes, config: file === null ? lines.join('\n') : null },
      text: () =>
        file === null ? lines : [`${file} has ${routes.join(', ')}; complete what is marked TODO`],
      warnings: draft.warnings,
      next:
        file === null
          ? []
          : [{ command: `mxctl validate --config ${file}`, effect: 'says what is still missing' }],
    };
  }
}

/** Whoever runs it twice has a configuration with work in it. */
async function writeNew(file: string, text: string, mayReplace: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: mayReplace ? 'w' : 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw code === 'EEXIST'
      ? new UsageError('usage', `${file} exists, and is left as it is`, {
          hint: 'write elsewhere with -o FILE, or over it with --force',
        })
      : new UsageError('usage', `cannot write ${file}: ${code}`, { cause: error });
  }
}
