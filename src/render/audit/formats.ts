// The formats by name, as `-o FORMAT[=FILE]` takes them.

import { openCsv } from './csv.ts';
import { openGithub } from './github.ts';
import { openHtml } from './html.ts';
import { openHuman } from './human.ts';
import { openJson } from './json.ts';
import { openJunit } from './junit.ts';
import { openMarkdown } from './markdown.ts';
import { openNdjson } from './ndjson.ts';
import type { AuditOutput, AuditRun } from './output.ts';
import { openSarif } from './sarif.ts';
import { openTable } from './table.ts';

export type AuditFormat =
  'human' | 'table' | 'json' | 'ndjson' | 'csv' | 'md' | 'html' | 'junit' | 'sarif' | 'github';

const openers: Readonly<Record<AuditFormat, (run: AuditRun) => AuditOutput>> = {
  human: openHuman,
  table: openTable,
  json: openJson,
  ndjson: openNdjson,
  csv: openCsv,
  md: openMarkdown,
  html: openHtml,
  junit: openJunit,
  sarif: openSarif,
  github: openGithub,
};

export const auditFormats = Object.keys(openers) as readonly AuditFormat[];

/** For GITHUB_STEP_SUMMARY, `md`. */
export function openAuditOutput(format: AuditFormat, run: AuditRun): AuditOutput {
  return openers[format](run);
}
