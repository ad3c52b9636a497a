// `mxctl --help`: the verbs for the night first, in the order in which they are needed, then the rest. The text of
// single commands is oclif's.

import { Help } from '@oclif/core';
import type { Command } from '@oclif/core';

// What an on-call engineer types when mail does not come in, in this order.
export const nightVerbs: readonly string[] = [
  'status',
  'probe',
  'plan',
  'failover',
  'rollback',
  'watch',
  'pause',
  'resume',
  'auto',
  'history',
];

export default class MxctlHelp extends Help {
  protected override async showRootHelp(): Promise<void> {
    const commands = this.sortedCommands;
    const night = nightVerbs.flatMap((verb) => commands.filter(({ id }) => id === verb));
    const day = commands.filter(({ id }) => !nightVerbs.includes(id));
    this.log(`${this.config.pjson.oclif.description ?? ''}\n`);
    this.log(this.section('USAGE', '$ mxctl COMMAND [ROUTE] [FLAGS]'));
    this.log('');
    this.#logCommands('WHEN MAIL STOPS', night);
    this.#logCommands('BY DAY', day);
    const everywhere: [string, string][] = [
      ['--config FILE', 'instead of MXCTL_CONFIG, ./mxctl.yaml or XDG'],
      ['--json', 'one JSON object on stdout, errors too; see help exit-codes'],
      ['--help', 'flags and examples of one command'],
    ];
    this.log(this.section('EVERYWHERE', this.renderList(everywhere, { indentation: 2, spacer: '\n' })));
    await Promise.resolve();
  }

  #logCommands(title: string, commands: readonly Command.Loadable[]): void {
    if (commands.length === 0) return;
    const rows = commands.map((one): [string, string] => [
      one.id.replaceAll(':', ' '),
      this.summary(one) ?? '',
    ]);
    this.log(this.section(title, this.renderList(rows, { indentation: 2, spacer: '\n' })));
    this.log('');
  }
}
