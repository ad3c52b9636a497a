// Small worlds for tests of the pure core, in the field's notation: a route from a few lines, an RRset from zone
// lines, the health of a hop from `'+++-?-'`, the health of a path from `10 mx1 up`.

import { rrsetKey, type LiveRrsets } from '../../src/change/published.ts';
import { stepHop, unmeasured } from '../../src/health/hop.ts';
import { pathHealth } from '../../src/health/path.ts';
import { domainNameOf, type DomainName } from '../../src/model/domain-name.ts';
import type { Fate } from '../../src/model/fate.ts';
import type { HealthThresholds, HopHealth, PathHealth, RankedHop } from '../../src/model/hop-health.ts';
import { smtpPort } from '../../src/model/hop.ts';
import type { MailPath, PathRole } from '../../src/model/mail-path.ts';
import { parseMx } from '../../src/model/mx.ts';
import type { Observation, Stage, Verdict } from '../../src/model/observation.ts';
import type { FailoverPolicy, Route } from '../../src/model/route.ts';
import { rrsetOf, type Rrset, type RrType } from '../../src/model/rrset.ts';

const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
/** A Sunday; any instant would do. */
export const noon = Date.UTC(2026, 10, 22, 12);

export const thresholds: HealthThresholds = {
  fall: 3,
  fallRejecting: 2,
  forgive: 3,
  rise: 10,
  staleAfterMs: 3 * minute,
};

/** `+` pass, `-` deferred, `x` bounced, `?` inconclusive. */
const marks: Readonly<Record<string, { verdict: Verdict; fate: Fate; stage: Stage; summary: string }>> = {
  '+': { verdict: 'pass', fate: 'accepted', stage: 'quit', summary: '250 ok' },
  '-': { verdict: 'fail', fate: 'deferred', stage: 'banner', summary: '421 at banner' },
  x: { verdict: 'fail', fate: 'bounced', stage: 'rcpt', summary: '550 at rcpt' },
  '?': { verdict: 'inconclusive', fate: 'unknown', stage: 'connect', summary: 'no route from here' },
};

export function observe(mark: string, at = noon, over: Partial<Observation> = {}): Observation {
  const known = marks[mark];
  if (known === undefined) throw new RangeError(`no such mark: ${mark}`);
  return {
    exchange: domainNameOf('mx1.example.net'),
    address: '192.0.2.1',
    port: smtpPort,
    vantage: 'here',
    at,
    elapsedMs: 20,
    stages: [],
    reply: null,
    isSlow: false,
    tls: null,
    offersStarttls: null,
    takesCanary: null,
    ...known,
    ...over,
  };
}

export interface Told {
  readonly from?: HopHealth;
  readonly thresholds?: Partial<HealthThresholds>;
  /** Instant of the first mark. */
  readonly at?: number;
}

/** The health after each mark, one a minute; `.` is a gap longer than results stay fresh. */
export function tell(history: string, told: Told = {}): HopHealth[] {
  const limits = { ...thresholds, ...told.thresholds };
  let health = told.from ?? unmeasured;
  let at = told.at ?? noon;
  return Array.from(history, (mark) => {
    if (mark === '.') at += limits.staleAfterMs + 1;
    else health = stepHop(health, observe(mark, at), limits);
    if (mark !== '.') at += minute;
    return health;
  });
}

/** The health at the end of the history. */
export function after(history: string, told: Told = {}): HopHealth {
  return tell(history, told).at(-1) ?? told.from ?? unmeasured;
}

/** Words for a hop's health, each reached through its thresholds. */
const words: Readonly<Record<string, () => HopHealth>> = {
  up: () => after('+++'),
  deferring: () => after('---'),
  bouncing: () => after('xx'),
  swallowing: () => ({ ...after('xx'), fate: 'swallowed', summary: 'taken, never arrived' }),
  greets554: () => ({ ...after('---'), greetsWith5xx: true, summary: '554 at banner' }),
  slow: () => ({ ...after('+++'), isSlow: true, summary: '250 ok after 12 s' }),
  unsettled: () => after('-'),
  blind: () => after('???'),
};

/** Lines `PREFERENCE NAME WORD`, e.g. `10 mx1 up`; each name one address. */
export function hops(lines: string): RankedHop[] {
  return textLines(lines).map((line, at) => {
    const [preference = '', name = '', word = ''] = line.split(/\s+/);
    const health = words[word]?.();
    if (health === undefined) throw new RangeError(`no such health: ${word}`);
    const exchange = domainNameOf(`${name}.example.net`);
    return {
      hop: { exchange, address: `192.0.2.${at + 1}`, port: smtpPort },
      preference: Number(preference),
      health,
    };
  });
}

export function pathOfHops(lines: string): PathHealth {
  return pathHealth(hops(lines));
}

/** Health of a whole path in a word. */
export function pathIs(status: 'ok' | 'degraded' | 'down' | 'bouncing' | 'unknown'): PathHealth {
  switch (status) {
    case 'ok':
      return pathOfHops('10 mx1 up');
    case 'degraded':
      return pathOfHops('10 mx1 deferring\n20 mx2 up');
    case 'down':
      return pathOfHops('10 mx1 deferring');
    case 'bouncing':
      return pathOfHops('10 mx1 bouncing');
    case 'unknown':
      return pathOfHops('10 mx1 unsettled');
  }
}

export const failoverPolicy: FailoverPolicy = {
  mode: 'auto',
  failback: 'auto',
  holdDownMs: 30 * minute,
  maxFlips: { count: 3, withinMs: 24 * hour },
  maxDomains: 500,
  maxDomainsPerHour: 1000,
  quorum: 1,
  maxFailingShare: 0.5,
};

export interface RouteOver extends Partial<Omit<Route, 'failover' | 'probe'>> {
  readonly failover?: Partial<FailoverPolicy>;
  readonly probe?: Partial<Route['probe']>;
}

/**
 * A route from lines:
 *   owners example.com in.example.com
 *   ttl 3600/60
 *   proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net
 *   ams: mx1.example.com=192.0.2.10, mx1.example.com=2001:db8::10
 *   keep spool: 90 spool.example.org
 * The first path is preferred, the others that are not kept are failed over to, in their order.
 */
export function routeOf(lines: string, over: RouteOver = {}): Route {
  const all = textLines(lines);
  const word = (name: string) =>
    all
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length)
      .trim();
  const declared = all.filter((line) => line.includes(': '));
  const paths = declared.map(pathFromLine);
  const keep = paths.filter((_, at) => declared[at]?.startsWith('keep ')).map((path) => path.name);
  const [prefer = '', ...failoverTo] = paths.map((path) => path.name).filter((name) => !keep.includes(name));
  const [ttl = '3600', failoverTtl = '60'] = word('ttl')?.split('/') ?? [];
  const owners = (word('owners') ?? 'example.com').split(/\s+/).map(domainNameOf);
  return {
    name: 'support',
    strategy: paths[0]?.kind ?? 'mx',
    records: [{ provider: 'bind', zone: domainNameOf('example.com'), owners, authorities: null }],
    ttl: Number(ttl),
    failoverTtl: Number(failoverTtl),
    probationMs: 2 * hour,
    paths,
    prefer,
    failoverTo,
    keep,
    maintenance: [],
    canary: null,
    ...over,
    failover: { ...failoverPolicy, ...over.failover },
    probe: {
      ...thresholds,
      stages: ['connect', 'banner', 'ehlo', 'starttls'],
      timeoutMs: 30 * second,
      slowAfterMs: 10 * second,
      intervalMs: minute,
      rcpt: null,
      ehloName: null,
      sourceAddresses: [],
      caFile: null,
      ...over.probe,
    },
  };
}

const roles: Readonly<Record<string, PathRole>> = { proxy: 'proxy', spool: 'backup' };

function pathFromLine(line: string): MailPath {
  const [, name = '', values = ''] = /^(?:keep )?(\S+): (.*)$/.exec(line) ?? [];
  const role = roles[name] ?? 'primary';
  const items = values.split(',').map((value) => value.trim());
  if (!values.includes('=')) {
    const mx = items.map((value) => ({ ...mxOf(value), port: smtpPort }));
    return { kind: 'mx', name, role, mx };
  }
  const addresses = new Map<DomainName, string[]>();
  for (const item of items) {
    const [owner = '', address = ''] = item.split('=');
    const key = domainNameOf(owner);
    addresses.set(key, [...(addresses.get(key) ?? []), address]);
  }
  return { kind: 'address', name, role, addresses, port: smtpPort };
}

function mxOf(text: string) {
  const mx = parseMx(text);
  if (mx === null) throw new RangeError(`not an MX value: ${text}`);
  return mx;
}

/** The usual route: proxy preferred, direct to fail over to, spool kept beside either. */
export function supportRoute(over: RouteOver = {}): Route {
  return routeOf(
    `owners example.com in.example.com
     ttl 3600/60
     proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net
     direct: 10 mx.example.com
     keep spool: 90 spool.example.org`,
    over,
  );
}

/** Live RRsets from zone lines `OWNER TTL TYPE RDATA`, or `OWNER TYPE absent`. What is not named was not seen. */
export function liveOf(lines: string): Map<string, Rrset | null> {
  const live = new Map<string, Rrset | null>();
  for (const line of textLines(lines)) {
    const words = line.split(/\s+/);
    const owner = domainNameOf(words[0] ?? '');
    if (words[2] === 'absent') {
      live.set(rrsetKey(owner, words[1] as RrType), null);
      continue;
    }
    const [, ttl = '', type = '', ...rdata] = words;
    const key = rrsetKey(owner, type as RrType);
    const before = live.get(key)?.rdata ?? [];
    live.set(key, rrsetOf(owner, type as RrType, Number(ttl), [...before, rdata.join(' ')]));
  }
  return live;
}

/** Live RRsets as sorted zone lines; what is absent is left out. */
export function zoneLines(live: LiveRrsets): string[] {
  return [...live.values()]
    .flatMap((rrset) =>
      rrset === null ? [] : rrset.rdata.map((value) => `${rrset.owner} ${rrset.ttl} ${rrset.type} ${value}`),
    )
    .sort();
}

export function textLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
