// The end of a tour in lines: what became of every letter, in ranges of their numbers. Text only.

import type { Accounting, LetterAccount } from '../accounting.ts';
import { shortName } from '../map.ts';
import type { ReplayWindow } from './replay.ts';
import type { TourResult } from './tour.ts';

/** `1-8, 12`; numbers ascend. */
export function formatRanges(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/** `9 canaries, the oldest for 11s`: what grows by itself is no news; the 1 in mx1 is part of a name. */
const countsAndAges = /\b\d+(?:\.\d+)?(?:ms|[smh])?\b/g;

/** Lines of one gist say the same. */
export function gistOf(text: string): string {
  return text.replace(countsAndAges, '#');
}

/** What a terminal shows without breaking words; what a pager and a mail show too. */
const columns = 80;

/** Breaks at spaces; `indent` stands before the second line and all after it. A longer word stays whole. */
export function wrapLine(line: string, indent: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S) /)) {
    if (current !== '' && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/** Fate and way of a letter; letters with the same words are told together. */
function wayOf({ whereabouts, stay, hops }: LetterAccount): string {
  if (whereabouts !== 'delivered') return stay === null ? whereabouts : `${whereabouts} by ${stay.hop}`;
  const stops = hops.map(shortName);
  return `delivered by ${stops.map((one) => (one === stay?.hop ? `${one} (held)` : one)).join(' > ')}`;
}

export function summaryLines(result: TourResult, account: Accounting): string[] {
  const ways = [...Map.groupBy(account.letters, wayOf)];
  const width = Math.max(0, ...ways.map(([way]) => way.length));
  return [
    'What happened to every letter',
    ...ways.flatMap(([way, letters]) => {
      const numbers = formatRanges(letters.map((one) => one.number));
      return wrapLine(`  ${way.padEnd(width)}  ${numbers}`, ' '.repeat(width + 4));
    }),
    `  longest way ${(result.maxDelayMs / 1000).toFixed(1)} s`,
    ...result.windows.flatMap(replayLines),
    ...canaryLines(result),
    ...result.flips.map((flip) => `  moved ${flip.route}: ${flip.from} -> ${flip.to}`),
    ...wrapLine(countsOf(result), '  '),
    ...wrapLine(`${result.isAsExpected ? 'As expected' : 'NOT as expected'}: ${result.reason}`, '  '),
  ];
}

const timeOfDay = (at: number): string => `${new Date(at).toISOString().slice(11, 19)}Z`;

function replayLines({ hop, fromAt, toAt, letters, canaries, queueIds }: ReplayWindow): string[] {
  const what = `${letters} letters and ${canaries} canaries`;
  const head = `  to replay: ${what} that ${hop} took from ${timeOfDay(fromAt)} to ${timeOfDay(toAt)}:`;
  return [...wrapLine(head, '    '), ...wrapLine(`    ${queueIds.join(' ')}`, '    ')];
}

function canaryLines({ canaries: { sent, arrived, missing } }: TourResult): string[] {
  return sent === 0 ? [] : [`  canaries: ${sent} sent, ${arrived} arrived, ${missing} missing`];
}

/** Held and swallowed only where there are any: most tours know neither. */
function countsOf(result: TourResult): string {
  const { sent, delivered, bounced, queued, held, swallowed, lost, duplicated } = result;
  return [
    `sent ${sent}  delivered ${delivered}  bounced ${bounced}  queued ${queued}`,
    ...(held > 0 ? [`held ${held}`] : []),
    ...(swallowed > 0 ? [`swallowed ${swallowed}`] : []),
    `lost ${lost}  duplicated ${duplicated}`,
  ].join('  ');
}
