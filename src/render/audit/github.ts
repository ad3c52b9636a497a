// Annotations of a GitHub workflow: the worst and newest at the line of the list that names the domain. The step
// summary, which has room for more, is the format `md` written to the file that GITHUB_STEP_SUMMARY names.

import { displayName } from '../../model/domain-name.ts';
import type { ComparedFinding, Severity, Source } from '../../model/audit.ts';
import { commandMessage, commandProperty, lineText } from './escapes.ts';
import type { AuditOutput, AuditRun } from './output.ts';
import { createShortlist } from './shortlist.ts';
import { describeAge, formatCount, severities, shownFindings, totalLine } from './words.ts';

/** What GitHub shows of each level in a step; it drops the rest without a word. */
const mostPerLevel = 10;

const levels: Readonly<Record<Severity, string>> = { error: 'error', warn: 'warning', note: 'notice' };

export function openGithub(run: AuditRun): AuditOutput {
  const newOnes = createShortlist<ComparedFinding>(mostPerLevel);
  const known = createShortlist<ComparedFinding>(mostPerLevel);
  return {
    begin: () => '',
    domain: (result) => {
      for (const finding of shownFindings(result, run)) (finding.isNew ? newOnes : known).add(finding);
      return '';
    },
    badRow: () => '',
    end: (summary) => {
      const shown = severities.flatMap((severity) =>
        [...newOnes.of(severity), ...known.of(severity)].slice(0, mostPerLevel),
      );
      const left = newOnes.seen() + known.seen() - shown.length;
      return [
        ...shown.map((finding) => annotation(finding, run)),
        ...(left === 0 ? [] : [`and ${formatCount(left)} more, which GitHub would not show`]),
        lineText(totalLine(summary, run)),
      ]
        .map((line) => `${line}\n`)
        .join('');
    },
  };
}

function annotation(finding: ComparedFinding, run: AuditRun): string {
  const domain = displayName(finding.domain);
  const age = describeAge(finding, run);
  const title = `${domain}: ${finding.rule}${age === '' || age === 'new' ? '' : ` for ${age}`}`;
  const properties = [...place(finding.source), `title=${commandProperty(title)}`].join(',');
  const message = [finding.reason, finding.instruction].filter(Boolean).map(commandMessage).join('%0A');
  return `::${levels[finding.severity]} ${properties}::${message}`;
}

function place({ file, line }: Source): string[] {
  if (file === null) return [];
  return [`file=${commandProperty(file)}`, ...(line === null ? [] : [`line=${line}`])];
}
