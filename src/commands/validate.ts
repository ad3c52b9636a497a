import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { validate } from '../app/validate.ts';
import { loadConfigFile, providerKinds } from '../compose.ts';
import { renderValidation, validationDocument } from '../render/validate.ts';

export default class Validate extends BaseCommand<typeof Validate> {
  static override summary = 'Check the config file, and show how long each route takes to recover.';
  static override description =
    'Reads the file alone: no secret is opened and nobody is asked.\n' +
    'Exit 78 with every mistake and its place; 0 with warnings on stderr where something is doubtful.';
  static override examples = [
    '<%= config.bin %> validate',
    '<%= config.bin %> validate --config new.yaml --json',
  ];

  protected override async execute({ flags }: CommandContext<typeof Validate>): Promise<CommandResult> {
    const config = await loadConfigFile({ configFile: flags.config });
    const validation = validate(config, (type) => providerKinds[type]);
    return {
      data: validationDocument(validation),
      text: (style) => renderValidation(validation, style),
      warnings: validation.warnings,
    };
  }
}
