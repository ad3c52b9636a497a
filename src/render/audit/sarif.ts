// SARIF 2.1.0: results written as the run goes on, so that none is kept. What could not be found out is a notification
// of the tool, never a result. Domains are logical locations; where a list named them, the line of the list is the
// physical one, which GitHub code scanning asks for.

import type { BadRow, Severity, Source } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { iso } from '../duration.ts';
import { jsonText, lineText } from './escapes.ts';
import type { AuditOutput, AuditRun, ComparedResult, FixedFinding, RuleWords } from './output.ts';
import { formatCount, ruleUri, shownFindings } from './words.ts';

/** GitHub code scanning refuses a run of more results, and a file above 10 MB compressed. Bounding the text itself
 *  keeps the second whatever the text compresses to; it shows 5,000 of them. */
const mostResults = 25_000;
const mostCharacters = 9_000_000;
/** Results come in the order of the list: notes must leave room for errors that come late. */
const shares: Readonly<Record<Severity, number>> = { error: 1, warn: 0.8, note: 0.3 };
/** Enough to see what the resolvers had; ours, no platform's. */
const mostNotifications = 500;

const levels: Readonly<Record<Severity, string>> = { error: 'error', warn: 'warning', note: 'note' };

/** Never `absent`: GitHub code scanning does not heed the property and opens an alert for every result, a fixed one too.
 *  A finding that is gone is gone from the results, by which it tells what is fixed. */
type BaselineState = 'new' | 'unchanged' | null;

export function openSarif(run: AuditRun): AuditOutput {
  const indexes = new Map(run.rules.map(({ id }, index) => [id, index]));
  const notifications: string[] = [];
  let results = 0;
  let characters = 0;
  let left = 0;
  const addResult = (finding: FixedFinding, state: BaselineState): string => {
    const share = shares[finding.severity];
    if (results >= mostResults * share) {
      left += 1;
      return '';
    }
    const text = jsonText(resultDocument(finding, state, indexes.get(finding.rule) ?? -1));
    // Three octets at most for a character of JavaScript.
    const octets = /^[\x20-\x7e]*$/.test(text) ? text.length : text.length * 3;
    if (characters + octets > mostCharacters * share) {
      left += 1;
      return '';
    }
    characters += octets + 2;
    results += 1;
    return `${results === 1 ? '' : ','}\n${text}`;
  };
  const notify = (document: unknown) => {
    if (notifications.length < mostNotifications) notifications.push(jsonText(document));
  };
  return {
    begin: () => head(run),
    domain: (result) => {
      if (result.unknowns.length > 0) notify(unknownDocument(result));
      return shownFindings(result, run)
        .map((finding) => addResult(finding, stateOf(finding, run)))
        .join('');
    },
    badRow: (row) => {
      notify(badRowDocument(row));
      return '';
    },
    end: (summary) => {
      if (left > 0) {
        const text = `${formatCount(left)} more results have no room in this file; -o ndjson=FILE has them all`;
        // Never the one that is dropped.
        notifications.unshift(jsonText(notification('note', 'cut', text, [])));
      }
      return [
        `\n],"invocations":[{"executionSuccessful":true,`,
        `"startTimeUtc":${jsonText(iso(summary.startedAt))},"endTimeUtc":${jsonText(iso(summary.finishedAt))},`,
        `"toolExecutionNotifications":[${notifications.join(',\n')}]}]}]}\n`,
      ].join('');
    },
  };
}

function stateOf(finding: { readonly isNew: boolean }, run: AuditRun): BaselineState {
  if (run.baseline === null) return null;
  return finding.isNew ? 'new' : 'unchanged';
}

/** Up to the results, which must come last of what is written before the totals are known. */
function head(run: AuditRun): string {
  const driver = {
    name: 'mxctl',
    semanticVersion: run.version,
    informationUri: `https://www.npmjs.com/package/mxctl`,
    rules: run.rules.map((rule) => ruleDocument(rule, run)),
  };
  // Without a category of its own each shard's upload would replace that of the one before.
  const category = `mxctl-audit/${run.shard === null ? '' : `shard-${run.shard.replace('/', '-of-')}/`}`;
  return [
    '{"$schema":"https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json",',
    `"version":"2.1.0","runs":[{"tool":${jsonText({ driver })},`,
    `"automationDetails":${jsonText({ id: category })},"columnKind":"utf16CodeUnits","results":[`,
  ].join('');
}

function ruleDocument(rule: RuleWords, run: AuditRun): unknown {
  const why = rule.reference === null ? rule.why : `${rule.why} (${rule.reference})`;
  return {
    id: rule.id,
    shortDescription: { text: lineText(rule.title) },
    fullDescription: { text: lineText(rule.why) },
    help: { text: lineText(why) },
    helpUri: ruleUri(rule.id, run),
    defaultConfiguration: { level: levels[rule.severity] },
    properties: { tags: ['mail', 'dns'] },
  };
}

function resultDocument(finding: FixedFinding, state: BaselineState, ruleIndex: number): unknown {
  const { rule, severity, domain, source, about, fingerprint } = finding;
  return {
    ruleId: rule,
    // SARIF 2.1.0 §3.27.6: -1 says that the rule is not in the list.
    ruleIndex,
    level: levels[severity],
    message: { text: messageOf(finding) },
    locations: locations(domain, source),
    // GitHub compares the first alone; the second is ours whatever the first comes to mean.
    partialFingerprints: { primaryLocationLineHash: `${fingerprint}:1`, 'mxctlFinding/v1': fingerprint },
    ...(state === null ? {} : { baselineState: state }),
    properties: {
      about: about === null ? null : lineText(about),
      audit: finding.audit === null ? null : lineText(finding.audit),
      instruction: lineText(finding.instruction),
      firstSeenAt: iso(finding.firstSeenAt),
    },
  };
}

function messageOf({ domain, reason, instruction }: FixedFinding): string {
  return [`${displayName(domain)}: ${reason}`, instruction].filter(Boolean).map(lineText).join('\n');
}

function locations(domain: FixedFinding['domain'] | null, source: Source): unknown[] {
  const name = domain === null ? null : lineText(displayName(domain));
  // GitHub refuses a whole file for one result without a physical location; what was named by hand stands in for itself.
  const file = source.file ?? name;
  if (file === null) return [];
  return [
    {
      physicalLocation: physicalLocation(file, source.line),
      ...(name === null ? {} : { logicalLocations: [{ name, fullyQualifiedName: name, kind: 'resource' }] }),
    },
  ];
}

function physicalLocation(file: string, line: number | null): unknown {
  return {
    artifactLocation: { uri: fileUri(file) },
    // GitHub shows a result only with a region.
    region: { startLine: line ?? 1 },
  };
}

/** A relative reference stays one, from the root of the repository or wherever the run was (RFC 3986 §4.2). */
function fileUri(file: string): string {
  const path = file.replaceAll('\\', '/').replace(/^\.\//, '');
  const encoded = path
    .split('/')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/');
  if (path.startsWith('/')) return `file://${encoded}`;
  return /^[A-Za-z]:\//.test(path) ? `file:///${encoded.replace('%3A', ':')}` : encoded;
}

function unknownDocument({ subject, unknowns }: ComparedResult): unknown {
  const text = `${displayName(subject.domain)} could not be checked: ${unknowns.join('; ')}`;
  return notification('warning', 'unknown', text, locations(subject.domain, subject.source));
}

function badRowDocument({ source, text, reason }: BadRow): unknown {
  return notification('warning', 'bad-row', `row skipped: ${reason}: ${text}`, locations(null, source));
}

function notification(level: string, id: string, text: string, places: readonly unknown[]): unknown {
  return {
    descriptor: { id },
    level,
    message: { text: lineText(text) },
    ...(places.length === 0 ? {} : { locations: places }),
  };
}
