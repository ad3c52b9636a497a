// Lines for a terminal: width, padding, wrapping, tone, and the fallback to ASCII. Knows nothing of routes and
// mail. Text that came from the network is sanitised by whoever puts it into a line (model/text.ts); from then
// on the only escape sequences in a line are those that `paint` put there.

/** What a piece of text means. Colour never carries it alone: the words beside it say the same. */
export type Tone = 'good' | 'warn' | 'bad' | 'strong' | 'faint';

/** What the place where lines end up can show; measured by the front, so that rendering stays pure. */
export interface Style {
  /** Columns. */
  readonly width: number;
  readonly isUtf8: boolean;
  readonly isTerminal: boolean;
  paint(tone: Tone, text: string): string;
}

/** The width that a console, a paged mail and a pasted ticket all have. */
export const standardWidth = 80;

export const plainStyle: Style = {
  width: standardWidth,
  isUtf8: true,
  isTerminal: false,
  paint: (_tone, text) => text,
};

// eslint-disable-next-line no-control-regex -- the colour sequences that paint() writes
const paintSequences = /\u001b\[[\d;]*m/g;
const zeroWidth = /\p{Mn}|\p{Me}|\p{Cf}/u;
// East Asian Wide and Fullwidth (UAX #11) by block, and emoji: what common terminals draw two columns wide.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns that a terminal gives the text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text.replace(paintSequences, '')) {
    if (!zeroWidth.test(char)) width += wide.test(char) ? 2 : 1;
  }
  return width;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + gap : gap + text;
}

/** Unpainted text cut to `width` columns, with `...` where something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const mark = '...'.slice(0, Math.max(0, width));
  let kept = '';
  let used = mark.length;
  for (const char of text) {
    used += displayWidth(char);
    if (used > width) break;
    kept += char;
  }
  return kept + mark;
}

/** Words over as many lines as needed; every line but the first starts with `indent`. A word longer than a line
 *  keeps its own: names and addresses are copied from the screen, so they are never broken. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line.trim() !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** `lead` and then the words, the further lines as far in as the lead is wide. */
export function hang(lead: string, text: string, width: number): string[] {
  const indent = ' '.repeat(displayWidth(lead));
  const lines = wrap(text, Math.max(20, width - indent.length));
  return lines.map((line, at) => (at === 0 ? lead : indent) + line);
}

/** `left` at the left edge, `right` at the right one; `right` gets its own line where both do not fit. */
export function justify(left: string, right: string, width: number): string[] {
  const gap = width - displayWidth(left) - displayWidth(right);
  return gap >= 2 ? [left + ' '.repeat(gap) + right] : [left, pad(right, width, 'right')];
}

const asciiFor: Readonly<Record<string, string>> = {
  '→': '->',
  '←': '<-',
  '…': '...',
  '–': '-',
  '—': '-',
  '·': '-',
  '×': 'x',
  '≤': '<=',
  '≥': '>=',
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '\u00a0': ' ',
};

/** The line for a locale that is not UTF-8. What has no plain form becomes `\u00e4`, which is also valid in JSON. */
export function toAscii(line: string): string {
  // eslint-disable-next-line no-control-regex -- everything that is not ASCII
  return line.replace(/[^\u0000-\u007f]/g, (unit) => {
    return asciiFor[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A command to type next, and what it does. */
export interface NextStep {
  readonly command: string;
  readonly effect: string;
}

/** The Next block; nothing where no person is looking. */
export function renderNext(steps: readonly NextStep[], style: Style): string[] {
  if (!style.isTerminal) return [];
  const commandWidth = Math.max(0, ...steps.map(({ command }) => displayWidth(command)));
  return steps.map(({ command, effect }, index) => {
    const label = index === 0 ? 'Next  ' : '      ';
    return `${label}${style.paint('strong', pad(command, commandWidth))}     ${effect}`.trimEnd();
  });
}
