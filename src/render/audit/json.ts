// One JSON object, written as the run goes on: a domain a line, so that a million of them neither stay in memory nor
// make one line that no editor opens.

import { createDomainText } from './domain-text.ts';
import { jsonText } from './escapes.ts';
import type { AuditOutput, AuditRun } from './output.ts';
import { badRowRecord, fixedRecord, runRecord, summaryRecord } from './record.ts';

/** Rows that are no domain come between those that are, and their list after them. More than this is the wrong
 *  column or the wrong file; the totals count them all. */
const mostBadRows = 1000;

export function openJson(run: AuditRun): AuditOutput {
  const badRows: string[] = [];
  let badRowsLeftOut = 0;
  let separator = '';
  const domainText = createDomainText();
  return {
    begin: () => {
      const head = jsonText({ ...runRecord(run), type: 'report' });
      return `${head.slice(0, -1)},"domains":[`;
    },
    domain: (result) => {
      const text = `${separator}\n${domainText(result)}`;
      separator = ',';
      return text;
    },
    badRow: (row) => {
      if (badRows.length < mostBadRows) badRows.push(jsonText(badRowRecord(row)));
      else badRowsLeftOut += 1;
      return '';
    },
    end: (summary, fixed) =>
      [
        '],',
        `"bad_rows":[${badRows.join(',\n')}],`,
        `"bad_rows_left_out":${badRowsLeftOut},`,
        `"fixed":[${fixed.map((one) => jsonText(fixedRecord(one))).join(',\n')}],`,
        `"summary":${jsonText(summaryRecord(summary))}}`,
      ].join('\n') + '\n',
  };
}
