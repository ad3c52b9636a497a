// The end of a tour in lines: what became of every letter, in ranges of their numbers. Text only.

import type { Accounting, LetterAccount } from '../accounting.ts';
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

/** Fate and way of a letter; letters with the same words are told together. */
function wayOf(letter: LetterAccount): string {
  if (letter.whereabouts !== 'delivered') return letter.whereabouts;
  return `delivered by ${letter.hops.map((hop) => hop.split('.').slice(0, 2).join('.')).join(' > ')}`;
}

export function summaryLines(result: TourResult, account: Accounting): string[] {
  const ways = [...Map.groupBy(account.letters, wayOf)];
  const width = Math.max(0, ...ways.map(([way]) => way.length));
  return [
    'What happened to every letter',
    ...ways.map(
      ([way, letters]) => `  ${way.padEnd(width)}  ${formatRanges(letters.map((one) => one.number))}`,
    ),
    `  longest way ${(result.maxDelayMs / 1000).toFixed(1)} s`,
    ...result.flips.map((flip) => `  moved ${flip.route}: ${flip.from} -> ${flip.to}`),
    `sent ${result.sent}  delivered ${result.delivered}  bounced ${result.bounced}  queued ${result.queued}  lost ${result.lost}  duplicated ${result.duplicated}`,
    result.isAsExpected ? `As expected: ${result.reason}` : `NOT as expected: ${result.reason}`,
  ];
}
