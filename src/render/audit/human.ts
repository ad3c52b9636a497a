// The audit for a person: what is new and what is gone first, then what was known, what is not known, and the total in
// the last line. Each finding says what to publish. Bounded: who wants every finding of a long list takes another
// format.

import type { BadRow, ComparedFinding } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { formatDuration, formatInstant } from '../duration.ts';
import { hang, justify, toAscii, type Style, type Tone, wrap } from '../terminal.ts';
import { glue, lineText, unglue } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult, FixedFinding } from './output.ts';
import { createShortlist } from './shortlist.ts';
import {
  count,
  coverageLine,
  describeAge,
  describeSource,
  formatCount,
  runTitle,
  severityNames,
  shownFindings,
  totalLine,
} from './words.ts';

/** Of each severity, new and known each: some screens full, more than anybody works off in one sitting. */
const mostFindings = 100;
/** Of what is not known, of skipped rows and of fixed findings: enough to see the pattern. */
const mostOthers = 10;

const tones: Readonly<Record<ComparedFinding['severity'], Tone>> = {
  error: 'bad',
  warn: 'warn',
  note: 'faint',
};
const indent = '  ';

export function openHuman(run: AuditRun): AuditOutput {
  const { style } = run;
  const newOnes = createShortlist<ComparedFinding>(mostFindings);
  const known = createShortlist<ComparedFinding>(mostFindings);
  const unknown: ComparedResult[] = [];
  let unknownDomains = 0;
  const badRows: BadRow[] = [];
  return {
    begin: () => '',
    domain: (result) => {
      for (const finding of shownFindings(result, run)) {
        (finding.isNew || run.baseline === null ? newOnes : known).add(finding);
      }
      if (result.unknowns.length === 0 || result.outcome === 'ignored') return '';
      unknownDomains += 1;
      if (unknown.length < mostOthers) unknown.push(result);
      return '';
    },
    badRow: (row) => {
      if (badRows.length < mostOthers) badRows.push(row);
      return '';
    },
    end: (summary, fixed) => {
      const section = (title: string, shown: readonly string[][], all: number) =>
        sectionLines(title, shown, all, style);
      const findings = (title: string, list: typeof newOnes) =>
        section(
          title,
          list.all().map((one) => findingLines(one, run)),
          list.seen(),
        );
      const lines = [
        ...justify(style.paint('strong', lineText(runTitle(run))), formatInstant(run.startedAt), style.width),
        ...findings(run.baseline === null ? 'Found' : 'New', newOnes),
        ...section(
          'Fixed',
          fixed.slice(0, mostOthers).map((one) => fixedLines(one, run)),
          fixed.length,
        ),
        ...findings('Known', known),
        ...section(
          'Could not be checked',
          unknown.map((one) => unknownLines(one, style)),
          unknownDomains,
        ),
        ...section(
          'Skipped rows',
          badRows.map((one) => badRowLines(one, style)),
          summary.badRows,
        ),
        '',
        ...(summary.held === 0
          ? []
          : wrap(`${count(summary.held, 'known finding')} could not be looked for again`, style.width)),
        ...wrap(coverageLine(summary), style.width),
        ...wrap(totalLine(summary, run), style.width),
      ];
      return lines.map((line) => `${style.isUtf8 ? line : toAscii(line)}\n`).join('');
    },
  };
}

function sectionLines(title: string, shown: readonly string[][], all: number, style: Style): string[] {
  if (all === 0) return [];
  const left = all - shown.length;
  return [
    '',
    style.paint('strong', `${title} (${formatCount(all)})`),
    ...shown.flat(),
    ...(left > 0 ? [`${indent}and ${formatCount(left)} more: -o ndjson=FILE has them all`] : []),
  ];
}

function findingLines(finding: ComparedFinding, run: AuditRun): string[] {
  const { style } = run;
  const { severity } = finding;
  const name = severityNames[severity];
  const age = run.baseline === null || finding.isNew ? '' : `since ${describeAge(finding, run)}`;
  const source = describeSource(finding.source);
  // It may get a line of its own; the same file by a name that is no command there (see glue).
  const place = /^\s*::/.test(source) ? `./${source}` : source;
  const where = lineText([place, age].filter(Boolean).join(', '));
  const head = `${name}  ${lineText(displayName(finding.domain))}  ${finding.rule}`;
  const [first = '', ...rest] = justify(head, where, style.width);
  return [
    first.replace(name, style.paint(tones[severity], name)),
    ...rest,
    ...body(finding.reason, style),
    ...(finding.instruction === '' ? [] : body(finding.instruction, style)),
  ];
}

/** Text from outside behind a mark, so that no line begins with it. */
function body(text: string, style: Style): string[] {
  return hang(`${indent}- `, glue(lineText(text)), style.width).map(unglue);
}

function fixedLines(one: FixedFinding, run: AuditRun): string[] {
  const lasted = formatDuration(run.startedAt - one.firstSeenAt);
  const head = `fixed  ${lineText(displayName(one.domain))}  ${one.rule}`;
  return justify(head, `after ${lasted}`, run.style.width).map((line) =>
    line.replace(/^fixed/, run.style.paint('good', 'fixed')),
  );
}

function unknownLines({ subject, unknowns }: ComparedResult, style: Style): string[] {
  const text = `${displayName(subject.domain)}: ${unknowns.join('; ')}`;
  return hang('?  ', glue(lineText(text)), style.width).map(unglue);
}

function badRowLines({ source, text, reason }: BadRow, style: Style): string[] {
  const place = describeSource(source);
  return hang(
    '-  ',
    glue(lineText(`${place}${place === '' ? '' : ': '}${reason}: ${text}`)),
    style.width,
  ).map(unglue);
}
