// Writes what is generated from the code: the command section of README.md, docs/commands.md and
// docs/config.schema.json. Run by `npm run docs` after a build; CI runs it and fails on a difference.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Config, Help } from '@oclif/core';
import type { Command } from '@oclif/core';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { nightVerbs } from '../src/front/help.ts';

const root = path.resolve(import.meta.dirname, '..');

/** The help of one command, as the terminal shows it. */
class CommandPages extends Help {
  page(command: Command.Loadable): string {
    return [this.summary(command), this.formatCommand(command)].filter(Boolean).join('\n\n').trimEnd();
  }
}

const config = await Config.load({ root });
const order = (id: string) => (nightVerbs.includes(id) ? nightVerbs.indexOf(id) : nightVerbs.length);
const commands = config.commands
  .filter(({ hidden }) => !hidden)
  .sort((a, b) => order(a.id) - order(b.id) || a.id.localeCompare(b.id, 'en'));

await write('docs/commands.md', renderPages());
await write('README.md', replaceSection(readFileSync(path.join(root, 'README.md'), 'utf8'), renderList()));
await write('docs/config.schema.json', JSON.stringify(configJsonSchema(), null, 2));

function typed(command: Command.Loadable): string {
  return `mxctl ${command.id.replaceAll(':', ' ')}`;
}

function renderList(): string {
  const rows = commands.map((one) => `| \`${typed(one)}\` | ${one.summary ?? one.description ?? ''} |`);
  return [
    '| Command | Does |',
    '| --- | --- |',
    ...rows.map((row) => row.replace('<%= config.bin %>', 'mxctl')),
  ].join('\n');
}

function renderPages(): string {
  const help = new CommandPages(config, { stripAnsi: true, maxWidth: 80 });
  const pages = commands.map((one) => {
    const title = typed(one);
    return `## ${title}\n\n\`\`\`text\n${help.page(one).replaceAll(/ +$/gm, '')}\n\`\`\``;
  });
  return ['# Commands', 'Generated from the code by `npm run docs`.', ...pages].join('\n\n');
}

function replaceSection(readme: string, section: string): string {
  const [start, end] = ['<!-- commands -->', '<!-- /commands -->'];
  const parts = [readme.split(start)[0], readme.split(end)[1]];
  if (parts[1] === undefined) throw new Error(`README.md has no ${start} … ${end}`);
  return `${parts[0] ?? ''}${start}\n\n${section}\n\n${end}${parts[1]}`;
}

async function write(name: string, text: string): Promise<void> {
  const file = path.join(root, name);
  writeFileSync(
    file,
    await format(`${text.trimEnd()}\n`, { ...(await resolveConfig(file)), filepath: file }),
  );
}
