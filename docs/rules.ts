// docs/rules.md out of the rules themselves: what each finds in its own example is what it says there.

import { rules } from '../src/audit/index.ts';
import type { Rule } from '../src/model/audit.ts';
import { exampleOf, judged } from '../test/support/audit-facts.ts';

const intro = `# Rules of the audit

Generated from the code by \`npm run docs\`.

**error**: mail is lost, refused or goes astray. **warn**: it will be, in an outage. **note**: worth knowing. What could not be found out (a timeout, SERVFAIL, REFUSED) is listed as unknown and never found. Each example shows zone file lines and what the rule says of them; what no zone holds stands in comments.`;

export function renderRules(): string {
  return [intro, renderTable(), ...rules.map(renderRule)].join('\n\n');
}

function renderTable(): string {
  const rows = rules.map(
    ({ id, severity, title, reference }) =>
      `| [${id}](#${id}) | ${severity} | ${title} | ${reference ?? 'practice'} |`,
  );
  return ['| Rule | Severity | Finds | Reference |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function renderRule({ id, severity, title, why, reference, example }: Rule): string {
  const lines = example
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const found = judged(exampleOf(id)).findings.find((one) => one.rule === id);
  if (found === undefined) throw new Error(`${id} finds nothing in its example`);
  const about = reference === null ? severity : `${severity}, ${reference}`;
  return [
    `## ${id}`,
    `${title} (${about}).`,
    why,
    ['```zone', ...lines, '```'].join('\n'),
    [
      `- Found: ${asText(found.reason)}${found.severity === severity ? '' : ` (${found.severity})`}`,
      `- To do: ${asText(found.instruction)}`,
    ].join('\n'),
  ].join('\n\n');
}

/** So that no name with an underscore becomes emphasis. */
function asText(text: string): string {
  return text.replaceAll(/[_*<>]/g, (char) => `\\${char}`);
}
