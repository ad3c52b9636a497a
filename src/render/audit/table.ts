// A line a finding, and one for what could not be checked, as the run goes on. Names are whole, because people copy
// them; the reasons and what to publish are in the other formats.

import { displayName } from '../../model/domain-name.ts';
import type { Severity } from '../../model/audit.ts';
import { renderTable, type Cell, type Column } from '../table.ts';
import { toAscii, type Tone } from '../terminal.ts';
import { lineText } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult } from './output.ts';
import { describeAge, describeSource, severityNames, shownFindings, totalLine } from './words.ts';

/** Columns are as wide as a page needs: a run of any length stays in bounded memory, and every page has its head. */
const rowsPerPage = 500;

const tones: Readonly<Record<Severity, Tone>> = { error: 'bad', warn: 'warn', note: 'faint' };
const columns: readonly Column[] = ['LEVEL', 'SINCE', 'DOMAIN', 'RULE', 'ABOUT', 'WHERE'].map((header) => ({
  header,
}));

export function openTable(run: AuditRun): AuditOutput {
  const { style } = run;
  let rows: Cell[][] = [];
  const finish = (lines: readonly string[]) =>
    lines.map((line) => `${style.isUtf8 ? line : toAscii(line)}\n`).join('');
  const page = () => {
    const lines = rows.length === 0 ? [] : renderTable(columns, rows, style);
    rows = [];
    return finish(lines);
  };
  return {
    begin: () => '',
    domain: (result) => {
      rows.push(...rowsOf(result, run));
      return rows.length < rowsPerPage ? '' : page();
    },
    badRow: ({ source, text }) => {
      rows.push(['skipped', '', lineText(text), '', '', lineText(describeSource(source))]);
      return rows.length < rowsPerPage ? '' : page();
    },
    end: (summary, fixed) => {
      rows.push(
        ...fixed.map((one) => [
          { text: 'fixed', tone: 'good' as const },
          '',
          ...placeOf(one.domain, one.rule, one.about, one.source),
        ]),
      );
      return page() + finish([totalLine(summary, run)]);
    },
  };
}

function rowsOf(result: ComparedResult, run: AuditRun): Cell[][] {
  const { domain, source } = result.subject;
  return [
    ...shownFindings(result, run).map((one) => [
      { text: severityNames[one.severity], tone: tones[one.severity] },
      describeAge(one, run),
      ...placeOf(domain, one.rule, one.about, source),
    ]),
    ...(result.unknowns.length === 0
      ? []
      : [['unknown', '', ...placeOf(domain, '', result.unknowns.join('; '), source)]]),
  ];
}

function placeOf(
  domain: ComparedResult['subject']['domain'],
  rule: string,
  about: string | null,
  source: ComparedResult['subject']['source'],
): string[] {
  return [displayName(domain), rule, about ?? '', describeSource(source)].map(lineText);
}
