// What the terminal, or what stands in its place, can show.

import { standardWidth } from '../render/terminal.ts';
import type { Style, Tone } from '../render/terminal.ts';

/** Colour needs a terminal, no `--no-color`, no NO_COLOR (no-color.org: set and not empty) and a TERM that can. */
export async function readStyle(stream: NodeJS.WriteStream, mayColour: boolean): Promise<Style> {
  // isTTY is absent, not false, on a pipe or a file.
  const isTerminal = (stream.isTTY as boolean | undefined) === true;
  const { env } = process;
  const hasColour =
    isTerminal && mayColour && (env['NO_COLOR'] ?? '') === '' && (env['TERM'] ?? '') !== 'dumb';
  return {
    width: standardWidth,
    isUtf8: isUtf8Locale(env),
    isTerminal,
    paint: hasColour ? await loadPaint() : (_tone, text) => text,
  };
}

// POSIX: the first of LC_ALL, LC_CTYPE and LANG that is set and not empty decides. None set is the C locale.
function isUtf8Locale(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((one) => one !== undefined && one !== '');
  return locale !== undefined && /utf-?8/i.test(locale);
}

async function loadPaint(): Promise<(tone: Tone, text: string) => string> {
  const { default: ansis } = await import('ansis');
  const colours: Record<Tone, (text: string) => string> = {
    good: ansis.green,
    warn: ansis.yellow,
    bad: ansis.red.bold,
    strong: ansis.bold,
    faint: ansis.dim,
  };
  return (tone, text) => colours[tone](text);
}
