// Writes what is generated from the code: the command section of README.md, the state machine in
// ARCHITECTURE.md, docs/commands.md, docs/rules.md and docs/config.schema.json. Run by `npm run docs` after a build; CI runs it and fails on a difference.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Config, Help } from '@oclif/core';
import type { Command } from '@oclif/core';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { transitions } from '../src/decision/table.ts';
import { nightVerbs } from '../src/front/help.ts';
import { renderRules } from './rules.ts';

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
await write('docs/rules.md', renderRules());
await write('README.md', replaceSection('README.md', 'commands', renderList()));
await write('ARCHITECTURE.md', replaceSection('ARCHITECTURE.md', 'transitions', renderTransitions()));
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

/** The state machine of decision/table.ts: what DNS publishes, against what is known now. */
function renderTransitions(): string {
  const phases = Object.entries(transitions);
  const conditions = Object.keys(transitions.preferred) as (keyof typeof transitions.preferred)[];
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...phases.map(([phase]) => phase)]),
    row(['---', ...phases.map(() => '---')]),
    ...conditions.map((condition) =>
      row([`**${condition}**`, ...phases.map(([, verbs]) => verbs[condition])]),
    ),
  ].join('\n');
}

/** The file's text with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
function replaceSection(file: string, name: string, section: string): string {
  const text = readFileSync(path.join(root, file), 'utf8');
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const parts = [text.split(start)[0], text.split(end)[1]];
  if (parts[1] === undefined) throw new Error(`${file} has no ${start} … ${end}`);
  return `${parts[0] ?? ''}${start}\n\n${section}\n\n${end}${parts[1]}`;
}

async function write(name: string, text: string): Promise<void> {
  const file = path.join(root, name);
  writeFileSync(
    file,
    await format(`${text.trimEnd()}\n`, { ...(await resolveConfig(file)), filepath: file }),
  );
}
