// One file for a browser: no script, nothing fetched, and a policy that forbids both should something ever get
// through. Findings are kept up to a bound, for the totals stand at the top.

import type { ComparedFinding } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { formatDuration, formatInstant, iso } from '../duration.ts';
import { markupText } from './escapes.ts';
import { pageStyle, pageStyleHash } from './html-style.ts';
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

/** Of each severity, new and known each: a browser still scrolls a table of some ten thousand rows. */
const mostFindings = 2500;
const mostOthers = 1000;

export function openHtml(run: AuditRun): AuditOutput {
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
      const title = markupText(runTitle(run));
      const findings = (name: string, list: typeof newOnes) =>
        table(
          name,
          ['Level', 'Domain', 'Rule', 'Found', 'To do', 'Since', 'Where'],
          list.all().map((one) => findingRow(one, run)),
          list.seen(),
        );
      const isUnsure = summary.unknown > 0 || summary.held > 0;
      const tone =
        summary.bySeverity.error + summary.bySeverity.warn > 0 ? 'bad' : isUnsure ? 'warn' : 'good';
      return [
        '<!DOCTYPE html>',
        '<html lang="en">',
        '<head>',
        '<meta charset="utf-8">',
        `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${pageStyleHash}'; base-uri 'none'; form-action 'none'">`,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        `<title>${title}</title>`,
        `<style>${pageStyle}</style>`,
        '</head>',
        '<body>',
        `<header><h1>${title}</h1>`,
        `<p><time datetime="${markupText(iso(run.startedAt) ?? '')}">${markupText(formatInstant(run.startedAt))}</time></p>`,
        `<p class="total ${tone}">${markupText(totalLine(summary, run))}</p>`,
        `<p>${markupText(coverageLine(summary))}</p>`,
        ...(summary.held === 0
          ? []
          : [`<p>${count(summary.held, 'known finding')} could not be looked for again</p>`]),
        '</header>',
        '<main>',
        ...findings(run.baseline === null ? 'Found' : 'New', newOnes),
        ...table(
          'Fixed',
          ['Domain', 'Rule', 'Was', 'After'],
          fixed.slice(0, mostOthers).map((one) => fixedRow(one, run)),
          fixed.length,
        ),
        ...findings('Known', known),
        ...table('Could not be checked', ['Domain', 'Why', 'Where'], unknown.map(unknownRow), unknownDomains),
        '</main>',
        `<footer><p>mxctl ${markupText(run.version)}</p></footer>`,
        '</body>',
        '</html>\n',
      ].join('\n');
    },
  };
}

function table(title: string, head: readonly string[], rows: readonly string[], all: number): string[] {
  if (all === 0) return [];
  const left = all - rows.length;
  return [
    '<section>',
    `<h2>${title} (${formatCount(all)})</h2>`,
    '<table>',
    `<thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>`,
    '<tbody>',
    ...rows,
    '</tbody>',
    '</table>',
    ...(left > 0 ? [`<p>and ${formatCount(left)} more: -o ndjson=FILE has them all</p>`] : []),
    '</section>',
  ];
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** A word that must not be broken. */
const short = (text: string) => (text === '' ? '' : `<i>${markupText(text)}</i>`);
const code = (text: string) => (text === '' ? '' : `<code>${markupText(text)}</code>`);

function findingRow(one: ComparedFinding, run: AuditRun): string {
  return row([
    `<span class="${one.severity}">${severityNames[one.severity]}</span>`,
    code(displayName(one.domain)),
    `<a href="${markupText(ruleUri(one.rule, run))}">${markupText(one.rule)}</a>`,
    markupText(one.reason),
    code(one.instruction),
    short(describeAge(one, run)),
    markupText(describeSource(one.source)),
  ]);
}

function fixedRow(one: FixedFinding, run: AuditRun): string {
  return row([
    code(displayName(one.domain)),
    markupText(one.rule),
    markupText(one.reason),
    formatDuration(run.startedAt - one.firstSeenAt),
  ]);
}

function unknownRow({ subject, unknowns }: ComparedResult): string {
  return row([
    code(displayName(subject.domain)),
    markupText(unknowns.join('; ')),
    markupText(describeSource(subject.source)),
  ]);
}
