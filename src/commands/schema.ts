import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandResult } from '../base-command.ts';
import { loadConfigJsonSchema } from '../compose.ts';

export default class Schema extends BaseCommand<typeof Schema> {
  static override summary = 'Print the JSON Schema of the config file.';
  static override description =
    'Editors check mxctl.yaml as you type it where its first line names this schema:\n' +
    '# yaml-language-server: $schema=./mxctl.schema.json';
  static override examples = ['<%= config.bin %> schema config > mxctl.schema.json'];
  static override args = {
    name: Args.string({ description: 'which schema', options: ['config'], required: true }),
  };

  protected override async execute(): Promise<CommandResult> {
    const schema = await loadConfigJsonSchema();
    return { data: schema, text: () => JSON.stringify(schema, null, 2).split('\n') };
  }
}
