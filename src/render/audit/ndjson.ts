// A line of JSON for the run, for every domain, for every row that is none, for every finding that is gone, and for the
// totals. It is what a later run compares with (--baseline) and what `audit merge` joins, so nothing is left out of it,
// whatever the run was told to show.

import { createDomainText } from './domain-text.ts';
import { jsonText } from './escapes.ts';
import type { AuditOutput, AuditRun } from './output.ts';
import { badRowRecord, fixedRecord, runRecord, summaryRecord, type AuditDocument } from './record.ts';

const line = (record: AuditDocument) => `${jsonText(record)}\n`;

export function openNdjson(run: AuditRun): AuditOutput {
  const domainText = createDomainText();
  return {
    begin: () => line(runRecord(run)),
    domain: (result) => `${domainText(result)}\n`,
    badRow: (row) => line(badRowRecord(row)),
    end: (summary, fixed) =>
      fixed.map((one) => line(fixedRecord(one))).join('') + line(summaryRecord(summary)),
  };
}
