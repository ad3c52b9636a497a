// The end of a tour in lines: what became of every letter, in ranges of their numbers. Text only.

import type { Accounting, LetterAccount } from '../accounting.ts';
import { shortName } from '../map.ts';
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
function wayOf(letter: LetterAccount): string {
  if (letter.whereabouts !== 'delivered') return letter.whereabouts;
  return `delivered by ${letter.hops.map(shortName).join(' > ')}`;
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
    ...result.flips.map((flip) => `  moved ${flip.route}: ${flip.from} -> ${flip.to}`),
    `sent ${result.sent}  delivered ${result.delivered}  bounced ${result.bounced}  queued ${result.queued}  lost ${result.lost}  duplicated ${result.duplicated}`,
    ...wrapLine(`${result.isAsExpected ? 'As expected' : 'NOT as expected'}: ${result.reason}`, '  '),
  ];
}
