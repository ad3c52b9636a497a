// From text to frozen Config. All that is wrong is reported at once, each with its place. No file is opened here.

import { dirname, resolve } from 'node:path';
import { withAbsoluteFiles } from './absolute-files.ts';
import { displayName } from '../model/domain-name.ts';
import { isOver } from '../model/ignore.ts';
import type { AuditConfig, Config } from './config.ts';
import { type ConfigDocument, parseConfigDocument } from './document.ts';
import { deepFreeze } from './frozen.ts';
import { ConfigProblemsError } from './problems.ts';
import { createReport, type Report } from './report.ts';
import { buildRoutes, withTtlBounds } from './routes.ts';
import { salvage, type Understood } from './salvage.ts';
import { type AuditShape, type ConfigShape, configSchema } from './schema.ts';
import { reportShape, shapeMessage } from './shape-problems.ts';
import { absoluteStateUrl } from './state-url.ts';

/** Three months: long enough to compare an incident with the last one. */
const defaultHistoryMs = 90 * 86_400_000;
/** A service far away answers in well under a second; at its end a run waits no longer than this for it. */
const defaultHeartbeatMs = 5000;

export interface ParseInput {
  /** Absolute; relative names in the file start at its directory. */
  readonly configFile: string;
  /** As people see it in messages. */
  readonly shownFile: string;
  readonly now: number;
  /** Stands in for `vantage`. */
  readonly hostname: string;
}

/** Checks a configuration's text. Throws ConfigProblemsError with every problem. */
export function parseConfig(text: string, input: ParseInput): Config {
  const document = parseConfigDocument(text);
  if (document.faults.length > 0)
    throw new ConfigProblemsError(
      input.shownFile,
      document.faults.map((one) => ({ ...one, path: '', suggestion: null })),
    );
  const report = createReport(input.shownFile, document);
  const config = build(document, input, report);
  if (report.problems.length > 0 || config === null)
    throw new ConfigProblemsError(input.shownFile, report.problems);
  return deepFreeze(config);
}

/** Null where the shape is wrong; the rest is still checked, as far as it is understood. */
function build(document: ConfigDocument, input: ParseInput, report: Report): Config | null {
  const directory = dirname(input.configFile);
  // An empty file is an empty map, so that the message says what is missing.
  const value = document.value ?? {};
  const parsed = configSchema.safeParse(value, { error: shapeMessage });
  if (!parsed.success) reportShape(report, parsed.error, value);
  const shape: Understood = parsed.success
    ? { ...parsed.data, providerNames: Object.keys(parsed.data.providers), areDefaultsKnown: true }
    : salvage(value);
  const routes = buildRoutes(new Map(Object.entries(shape.routes)), {
    providers: shape.providerNames,
    defaults: shape.defaults,
    areDefaultsKnown: shape.areDefaultsKnown,
    directory,
    report,
  });
  const audits = Object.entries(shape.audits).map(([name, one]) =>
    audit(name, one, directory, input.now, report),
  );
  if (!parsed.success) return null;
  const data = parsed.data;
  const url = data.state?.url ?? null;
  const stateUrl =
    typeof url === 'string' ? absoluteStateUrl(url, directory) : withAbsoluteFiles(url, directory);
  if (stateUrl === null || (typeof stateUrl === 'string' && stateUrl.startsWith('sqlite:')))
    reportLonelyQuorum(data, report);
  return {
    configFile: input.configFile,
    stateUrl,
    vantage: data.vantage ?? vantageOf(input.hostname),
    resolvers: data.resolvers,
    references: data.references,
    providers: new Map(
      Object.entries(data.providers).map(([name, one]) => [name, withAbsoluteFiles(one, directory)]),
    ),
    routes: withTtlBounds(routes, data.providers),
    audits,
    historyMs: data.history.keep ?? defaultHistoryMs,
    heartbeat:
      data.heartbeat === undefined
        ? null
        : {
            url: withAbsoluteFiles(data.heartbeat.url, directory),
            timeoutMs: data.heartbeat.timeout ?? defaultHeartbeatMs,
          },
    warnings: report.warnings,
  };
}

function audit(name: string, shape: AuditShape, directory: string, now: number, report: Report): AuditConfig {
  shape.ignore.forEach(({ until = null }, index) => {
    if (until !== null && isOver({ until }, now))
      report.warning('ignore-expired', ['audits', name, 'ignore', index], `ended on ${until}; remove it`);
  });
  return {
    name,
    domains: { file: resolve(directory, shape.domains.file), column: shape.domains.column },
    expect: shape.expect,
    ignore: shape.ignore.map((one) => ({ domain: one.domain, until: one.until ?? null, reason: one.reason })),
    maxTtl: shape.max_ttl ?? null,
    spfInclude: shape.spf_include === undefined ? null : displayName(shape.spf_include),
  };
}

function reportLonelyQuorum(data: ConfigShape, report: Report): void {
  const places = [
    { path: ['defaults', 'failover', 'quorum'], failover: data.defaults.failover },
    ...Object.entries(data.routes).map(([name, one]) => ({
      path: ['routes', name, 'failover', 'quorum'],
      failover: one.failover,
    })),
  ];
  for (const { path, failover } of places)
    if ((failover?.quorum ?? 1) > 1)
      report.warning(
        'quorum-alone',
        path,
        'never agrees: SQLite holds what this machine saw only; name a shared postgres:// in state.url',
      );
}

/** Host name as a vantage: its first label, without what a name may not hold. */
function vantageOf(host: string): string {
  const label = (host.split('.')[0] ?? '').replace(/[^A-Za-z0-9_-]/g, '').slice(0, 64);
  return /^[A-Za-z0-9]/.test(label) ? label : 'local';
}
