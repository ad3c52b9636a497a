// Configurations as text for tests. `▸` marks where a problem is expected: it is taken out before parsing.

import { ConfigProblemsError } from '../../../src/config/problems.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import type { Config } from '../../../src/config/config.ts';

export const providers =
  'providers: {ns: {type: rfc2136, server: 192.0.2.53, tsig: {name: mxctl, secret: {env: K}}}}';

const mxRoute: Readonly<Record<string, string>> = {
  strategy: 'mx',
  records: '[{provider: ns, zone: example.com, names: ["@"]}]',
  paths:
    '{proxy: {role: proxy, mx: [{preference: 10, exchange: mx1.filter.net}, {preference: 20, exchange: mx2.filter.net}]}, direct: {role: primary, mx: [{preference: 10, exchange: mx.example.com}]}, spool: {role: backup, mx: [{preference: 90, exchange: spool.example.org}]}}',
  prefer: 'proxy',
  failover_to: '[direct]',
};

const addressRoute: Readonly<Record<string, string>> = {
  strategy: 'address',
  records: '[{provider: ns, zone: saas.example, names: [mx1, mx2]}]',
  paths:
    '{fra: {role: primary, addresses: {mx1: [192.0.2.10], mx2: [192.0.2.11]}}, ams: {role: primary, addresses: {mx1: [198.51.100.10], mx2: [198.51.100.11]}}}',
  prefer: 'fra',
  failover_to: '[ams]',
};

type Lines = Readonly<Record<string, string>>;

export function route(name: string, base: 'mx' | 'address', changes: Lines = {}): string {
  const lines = { ...(base === 'mx' ? mxRoute : addressRoute), ...changes };
  return [`  ${name}:`, ...Object.entries(lines).map(([key, value]) => `    ${key}: ${value}`)].join('\n');
}

/** A configuration with one route of strategy mx, some lines changed. */
export function withMxRoute(changes: Lines = {}, top = ''): string {
  return ['version: 1', providers, ...(top === '' ? [] : [top]), 'routes:', route('r', 'mx', changes)].join(
    '\n',
  );
}

export function withAddressRoute(changes: Lines = {}): string {
  return ['version: 1', providers, 'routes:', route('r', 'address', changes)].join('\n');
}

export function configOf(text: string): Config {
  return parseConfig(text, {
    configFile: '/etc/mxctl/mxctl.yaml',
    shownFile: 'mxctl.yaml',
    now: Date.parse('2026-11-22T03:00:00Z'),
    hostname: 'probe1.ops.example',
  });
}

/** Line and column of every mark, and the text without them. */
function takeMarks(marked: string): { text: string; marks: string[] } {
  const marks: string[] = [];
  let text = '';
  for (const [row, line] of marked.split('\n').entries()) {
    let rest = line;
    for (let at = rest.indexOf('▸'); at >= 0; at = rest.indexOf('▸')) {
      marks.push(`${row + 1}:${at + 1}`);
      rest = rest.slice(0, at) + rest.slice(at + 1);
    }
    text += `${row === 0 ? '' : '\n'}${rest}`;
  }
  return { text, marks };
}

export interface Refusal {
  /** `line:column` of each mark. */
  readonly marks: readonly string[];
  /** `line:column` of each problem. */
  readonly places: readonly string[];
  /** `path: message (suggestion)` of each problem, one a line. */
  readonly text: string;
  readonly message: string;
}

/** What a marked configuration is refused for; throws where it is not refused. */
export function refusalOf(marked: string): Refusal {
  const { text, marks } = takeMarks(marked);
  try {
    configOf(text);
  } catch (error) {
    if (!(error instanceof ConfigProblemsError)) throw error;
    return {
      marks,
      places: error.problems.map((one) => `${one.line}:${one.column}`),
      text: error.problems.map((one) => `${one.path}: ${one.message} (${one.suggestion ?? ''})`).join('\n'),
      message: error.message,
    };
  }
  throw new Error('the configuration was accepted');
}
