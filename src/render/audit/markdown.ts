// GitHub Flavored Markdown: the summary of a workflow step, or a comment. Whatever came from outside is text in it.

import type { ComparedFinding } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { formatDuration } from '../duration.ts';
import { markdownText } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult, FixedFinding } from './output.ts';
import { createShortlist } from './shortlist.ts';
import {
  count,
  coverageLine,
  describeAge,
  describeSource,
  formatCount,
  ruleUri,
  runTitle,
  severityNames,
  shownFindings,
  totalLine,
} from './words.ts';

/** Of each severity; a page of more is not read. */
const mostFindings = 500;
const mostOthers = 50;
/** GitHub drops a step's summary above 1 MiB whole. What is written is ASCII, so a character is an octet; the rest
 *  is for the head, the totals and the row that goes over. */
const mostCharacters = 1_000_000;

export function openMarkdown(run: AuditRun): AuditOutput {
  const newOnes = createShortlist<ComparedFinding>(mostFindings);
  const known = createShortlist<ComparedFinding>(mostFindings);
  const unknown: ComparedResult[] = [];
  let unknownDomains = 0;
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
    badRow: () => '',
    end: (summary, fixed) => {
      let room = mostCharacters;
      const table = (title: string, head: readonly string[], rows: readonly string[], all: number) => {
        if (all === 0) return '';
        const fitting = rows.filter((row) => (room -= row.length + 1) > 0);
        const left = all - fitting.length;
        return [
          `\n### ${title} (${formatCount(all)})\n`,
          row(head),
          row(head.map(() => '---')),
          ...fitting,
          ...(left > 0 ? [`\nand ${formatCount(left)} more`] : []),
          '',
        ].join('\n');
      };
      const findings = (title: string, list: typeof newOnes) =>
        table(
          title,
          ['Level', 'Domain', 'Rule', 'Found', 'To do', 'Where'],
          list.all().map((one) => findingRow(one, run)),
          list.seen(),
        );
      return [
        `## ${markdownText(runTitle(run))}\n`,
        `\n**${markdownText(totalLine(summary, run))}**\n`,
        `\n${markdownText(coverageLine(summary))}\n`,
        summary.held === 0 ? '' : `\n${count(summary.held, 'known finding')} could not be looked for again\n`,
        findings(run.baseline === null ? 'Found' : 'New', newOnes),
        table(
          'Fixed',
          ['Domain', 'Rule', 'After'],
          fixed.slice(0, mostOthers).map((one) => fixedRow(one, run)),
          fixed.length,
        ),
        findings('Known', known),
        table('Could not be checked', ['Domain', 'Why', 'Where'], unknown.map(unknownRow), unknownDomains),
      ].join('');
    },
  };
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function findingRow(one: ComparedFinding, run: AuditRun): string {
  const age = run.baseline === null || one.isNew ? '' : ` for ${describeAge(one, run)}`;
  return row([
    `${severityNames[one.severity]}${age}`,
    markdownText(displayName(one.domain)),
    `[${markdownText(one.rule)}](${ruleUri(one.rule, run)})`,
    markdownText(one.reason),
    markdownText(one.instruction),
    markdownText(describeSource(one.source)),
  ]);
}

function fixedRow(one: FixedFinding, run: AuditRun): string {
  const lasted = formatDuration(run.startedAt - one.firstSeenAt);
  return row([markdownText(displayName(one.domain)), markdownText(one.rule), lasted]);
}

function unknownRow({ subject, unknowns }: ComparedResult): string {
  return row(
    [displayName(subject.domain), unknowns.join('; '), describeSource(subject.source)].map(markdownText),
  );
}
