// Facts of an audit out of zone file lines. What no zone says stands as a comment:
//   ; domain NAME                       of which all this is told; example.com
//   ; nxdomain NAME, ; nodata NAME, ; unregistered DOMAIN
//   ; unknown NAME [REASON]             nobody can tell of the MX, addresses or TXT at the name
//   ; expect exact|contains|any HOST…   ; ours HOST…   ; backup HOST…   ; failover HOST…
//   ; max-ttl SECONDS                   ; max-address-ttl SECONDS       ; spf-include DOMAIN
//   ; server NAME [ADDRESS] answers TTL[/HIGHEST] MX[, MX]…             or absent, lame REASON, failed REASON
//   ; policy enforce|testing|none PATTERN…   or record|no-host|certificate|http|malformed REASON, unknown REASON
//   ; before ID PATTERN…                the policy of the run before
//   ; ignored-until DAY REASON          an ignore that is over
//   ; tlsa HOST none|insecure|unusable|failed|unknown
//   ; probe HOST ADDRESS shows KEY | misnamed | self-signed | ends-in DAYS | plain | refused | silent | inconclusive
// An exchange of which nothing is told has an address of its own.

import { judgeDomain, rules } from '../../src/audit/index.ts';
import type {
  AddressFacts,
  AuditContext,
  AuditMatch,
  AuditSubject,
  AuthorityFacts,
  DomainFacts,
  DomainResult,
  ExchangeFacts,
  MxFacts,
  TextFacts,
} from '../../src/model/audit.ts';
import type { DaneFacts } from '../../src/model/dane.ts';
import { type DomainName, domainNameOf, displayName, isWithin, root } from '../../src/model/domain-name.ts';
import { byPreference, type Mx, parseMx } from '../../src/model/mx.ts';
import type { Observation, TlsFacts } from '../../src/model/observation.ts';
import type { StsFacts, StsFault } from '../../src/model/sts.ts';

/** Any instant would do. */
const now = Date.UTC(2026, 10, 22, 12);
const dayMs = 86_400_000;

export interface AuditCase {
  readonly facts: DomainFacts;
  readonly subject: AuditSubject;
  readonly context: AuditContext;
}

interface RecordLine {
  readonly owner: DomainName;
  readonly ttl: number;
  readonly type: string;
  readonly rdata: string;
}

/** What the lines say, by kind. */
class Lines {
  readonly records: RecordLine[] = [];
  /** Words of each directive, in order. */
  readonly said: string[][] = [];

  constructor(text: string) {
    for (const line of text.split('\n').map((one) => one.trim())) {
      if (line.startsWith(';')) this.said.push(line.slice(1).trim().split(/\s+/));
      else if (line !== '') this.records.push(recordOf(line));
    }
  }

  of(owner: DomainName, ...types: string[]): RecordLine[] {
    return this.records.filter((one) => one.owner === owner && types.includes(one.type));
  }

  /** Words after the name of each such directive. */
  all(directive: string): string[][] {
    return this.said.filter(([name]) => name === directive).map((words) => words.slice(1));
  }

  words(directive: string): string[] {
    return this.all(directive).flat();
  }

  names(directive: string): DomainName[] {
    return this.words(directive).map(domainNameOf);
  }

  /** Null where the name is not said to be unknown. */
  unknown(name: DomainName): string | null {
    const said = this.all('unknown').find(([one = '']) => domainNameOf(one) === name);
    return said === undefined ? null : said.slice(1).join(' ') || 'SERVFAIL from 192.0.2.53#53';
  }
}

function recordOf(line: string): RecordLine {
  const match = /^(\S+)\s+(\d+)\s+(?:IN\s+)?([A-Z]+)\s+(.+)$/.exec(line);
  if (match === null) throw new RangeError(`not a zone line: ${line}`);
  const [, owner = '', ttl = '', type = '', rdata = ''] = match;
  return { owner: domainNameOf(owner), ttl: Number(ttl), type, rdata };
}

/** Exchanges of which the lines say no more than the name. */
function addressesOf(lines: Lines, name: DomainName, spare: number): AddressFacts {
  const aliases: DomainName[] = [];
  let owner = name;
  for (let [next] = lines.of(owner, 'CNAME'); next !== undefined; [next] = lines.of(owner, 'CNAME')) {
    owner = domainNameOf(next.rdata);
    aliases.push(owner);
  }
  const known = lines.of(owner, 'A', 'AAAA');
  const facts = { addresses: [], ttl: 0, aliases, reason: null };
  const reason = lines.unknown(name);
  if (reason !== null) return { ...facts, outcome: 'unknown', reason };
  if (lines.names('nxdomain').includes(name)) return { ...facts, outcome: 'nxdomain' };
  if (lines.names('unregistered').some((one) => isWithin(name, one)))
    return { ...facts, outcome: 'nxdomain' };
  if (lines.names('nodata').includes(name)) return { ...facts, outcome: 'absent' };
  if (known.length === 0 && spare < 0) return { ...facts, outcome: 'absent' };
  if (known.length === 0) return { ...facts, outcome: 'found', addresses: [`203.0.${spare}.25`], ttl: 300 };
  const ttl = Math.min(...known.map((one) => one.ttl));
  return { ...facts, outcome: 'found', addresses: known.map((one) => one.rdata), ttl };
}

function exchangeOf(lines: Lines, exchange: DomainName, spare: number): ExchangeFacts {
  const addresses = addressesOf(lines, exchange, spare);
  const free = lines.names('unregistered').find((one) => isWithin(exchange, one));
  const zone = lines.records.filter((one) => one.type === 'NS' && isWithin(exchange, one.owner));
  return {
    exchange,
    addresses,
    nameServers: zone.length === 0 ? null : zone.map((one) => domainNameOf(one.rdata)),
    registrable: free === undefined ? null : { domain: free, outcome: 'nxdomain' },
    dane: daneOf(lines, exchange),
    observations: lines
      .all('probe')
      .filter(([host = '']) => domainNameOf(host) === exchange)
      .map(([, address = '', kind = '', more = '']) => observationOf(exchange, address, kind, more)),
  };
}

function daneOf(lines: Lines, exchange: DomainName): DaneFacts | null {
  const facts = { exchange, port: 25, records: [], reason: null };
  const said = lines.all('tlsa').find(([host = '']) => domainNameOf(host) === exchange);
  if (said !== undefined) return { ...facts, outcome: said[1] as DaneFacts['outcome'] };
  const records = lines.of(domainNameOf(`_25._tcp.${exchange}`), 'TLSA');
  if (records.length === 0) return null;
  return {
    ...facts,
    outcome: 'usable',
    records: records.map((one) => ({
      usage: 'dane-ee',
      selector: 'spki',
      hash: 'sha256',
      digest: one.rdata.split(/\s+/)[3] ?? '',
    })),
  };
}

function tlsOf(host: DomainName, kind: string, more: string): TlsFacts {
  const key = kind === 'shows' ? more : 'c0ffee00';
  const expiresAt = now + dayMs * (kind === 'ends-in' ? Number(more) : 60);
  const digests = { sha256: key, sha512: key };
  const isNamed = kind !== 'misnamed';
  const isChainTrusted = kind !== 'self-signed';
  const fault = isNamed ? 'self-signed' : `does not name ${displayName(host)}`;
  return {
    protocol: 'TLSv1.3',
    isNameGood: isNamed && isChainTrusted,
    isChainTrusted,
    fault: isNamed && isChainTrusted ? null : fault,
    expiresAt,
    names: [],
    presented: { isNamed, links: [{ cert: digests, spki: digests, startsAt: 0, expiresAt }] },
  };
}

function observationOf(exchange: DomainName, address: string, kind: string, more: string): Observation {
  const isDown = kind === 'refused' || kind === 'silent';
  const fault = kind === 'refused' ? 'connection refused' : 'no connection for 30 s';
  const isTls = !isDown && kind !== 'plain' && kind !== 'inconclusive';
  return {
    exchange,
    address,
    port: 25,
    vantage: 'here',
    at: now,
    elapsedMs: 20,
    verdict: isDown ? 'fail' : kind === 'inconclusive' ? 'inconclusive' : 'pass',
    fate: isDown ? 'deferred' : kind === 'inconclusive' ? 'unknown' : 'accepted',
    stage: isTls || kind === 'plain' ? 'quit' : 'connect',
    stages: isDown ? [{ stage: 'connect', ok: false, elapsedMs: 1, reply: null, fault }] : [],
    reply: null,
    summary: isDown ? fault : 'no route from this machine',
    isSlow: false,
    tls: isTls ? tlsOf(exchange, kind, more) : null,
    offersStarttls: isTls ? true : kind === 'plain' ? false : null,
    takesCanary: null,
  };
}

function mxOf(lines: Lines, domain: DomainName): MxFacts {
  const facts = { ttl: 0, mx: [], malformed: [], aliases: [], isAuthenticated: false, reason: null };
  const reason = lines.unknown(domain);
  if (reason !== null) return { ...facts, outcome: 'unknown', reason };
  if (lines.names('nxdomain').includes(domain)) return { ...facts, outcome: 'nxdomain' };
  const records = lines.of(domain, 'MX');
  const mx = records.flatMap((one): Mx[] => {
    const parsed = parseMx(one.rdata);
    return parsed === null ? [] : [parsed];
  });
  return {
    ...facts,
    outcome: records.length === 0 ? 'absent' : 'found',
    ttl: records.length === 0 ? 0 : Math.min(...records.map((one) => one.ttl)),
    mx: mx.sort(byPreference),
    malformed: records.map((one) => one.rdata).filter((one) => parseMx(one) === null),
  };
}

function textOf(lines: Lines, owner: DomainName): TextFacts | null {
  const reason = lines.unknown(owner);
  if (reason !== null) return { outcome: 'unknown', values: [], reason };
  const values = lines.of(owner, 'TXT').map((one) => one.rdata.replace(/^"|"$/g, ''));
  if (values.length > 0) return { outcome: 'found', values, reason: null };
  return lines.names('nodata').includes(owner) ? { outcome: 'absent', values: [], reason: null } : null;
}

/** Asked where somebody wants to know. */
function spfOf(lines: Lines, domain: DomainName): TextFacts | null {
  if (lines.words('spf-include').length === 0) return null;
  return textOf(lines, domain) ?? { outcome: 'absent', values: [], reason: null };
}

const faults: readonly string[] = [
  'record',
  'no-host',
  'certificate',
  'http',
  'malformed',
] satisfies StsFault[];

function stsOf(lines: Lines, domain: DomainName): StsFacts | null {
  const [word = '', ...rest] = lines.words('policy');
  if (word === '') return null;
  const facts = { domain: displayName(domain), patterns: [], reason: rest.join(' '), fault: null };
  if (word === 'unknown') return { ...facts, mode: 'unknown' };
  if (faults.includes(word)) {
    return { ...facts, mode: word === 'record' ? 'absent' : 'unknown', fault: word as StsFault };
  }
  return { ...facts, mode: word as StsFacts['mode'], patterns: rest, reason: null };
}

function authorityOf(words: readonly string[]): AuthorityFacts {
  const [name = '', address = '', outcome = '', ...rest] = words;
  const facts = { server: `${name} ${address}`, ttl: null, highestTtl: null, rdata: [], reason: null };
  if (outcome === 'absent') return { ...facts, outcome };
  if (outcome !== 'answers') {
    return { ...facts, outcome: outcome as 'lame' | 'failed', reason: rest.join(' ') };
  }
  const [ttl = 0, highestTtl = ttl] = (rest[0] ?? '').split('/').map(Number);
  const rdata = rest.slice(1).join(' ').split(', ').sort();
  return { ...facts, outcome: 'answer', ttl, highestTtl, rdata };
}

export function auditOf(text: string): AuditCase {
  const lines = new Lines(text);
  const domain = domainNameOf(lines.words('domain')[0] ?? 'example.com');
  const mx = mxOf(lines, domain);
  const exchanges = mx.mx.map((one) => one.exchange).filter((one) => one !== root);
  const failover = lines.names('failover');
  const servers = lines.all('server');
  const [match, ...expected] = lines.words('expect');
  const [id, ...patterns] = lines.words('before');
  const [until, ...reasons] = lines.words('ignored-until');
  const record = lines.of(domainNameOf(`_mta-sts.${domain}`), 'TXT')[0]?.rdata;
  const numberOf = (directive: string) => {
    const [word] = lines.words(directive);
    return word === undefined ? null : Number(word);
  };
  const maxAddressTtl = numberOf('max-address-ttl');
  return {
    facts: {
      domain,
      mx,
      own: mx.outcome === 'absent' ? addressesOf(lines, domain, -1) : null,
      exchanges: exchanges.map((one, at) => exchangeOf(lines, one, at)),
      failover: failover
        .filter((one) => !exchanges.includes(one))
        .map((one, at) => exchangeOf(lines, one, 100 + at)),
      authorities: servers.length === 0 ? null : servers.map(authorityOf),
      sts: stsOf(lines, domain),
      stsId: /id=(\w+)/.exec(record ?? '')?.[1] ?? null,
      tlsRpt: textOf(lines, domainNameOf(`_smtp._tls.${domain}`)),
      spf: spfOf(lines, domain),
    },
    subject: {
      domain,
      source: { file: 'customers.csv', line: 7 },
      audit: 'customers',
      expectation:
        match === undefined ? null : { mx: expected.map(domainNameOf), match: match as AuditMatch },
    },
    context: {
      now,
      ours: new Set(lines.names('ours')),
      backups: new Set(lines.names('backup')),
      failoverHosts: () => failover,
      maxTtl: numberOf('max-ttl'),
      maxAddressTtl: () => maxAddressTtl,
      spfInclude: lines.words('spf-include')[0] ?? null,
      expiredIgnore: () => (until === undefined ? null : { until, reason: reasons.join(' ') }),
      before: () => (id === undefined ? null : { stsId: id, patterns }),
    },
  };
}

/** The text itself: readable, and as distinct as what it is made of. */
const noDigest = (text: string) => text;

export function judged({
  facts,
  subject,
  context,
}: AuditCase): Pick<DomainResult, 'findings' | 'unknowns' | 'outcome'> {
  return judgeDomain(facts, subject, context, noDigest);
}

/** `SEVERITY RULE [ABOUT]: REASON` of every finding. */
export function findingLines(text: string): string[] {
  return judged(auditOf(text)).findings.map(
    ({ severity, rule, about, reason }) =>
      `${severity} ${rule}${about === null ? '' : ` ${about}`}: ${reason}`,
  );
}

/** The rule's own example, as docs/rules.md shows it. */
export function exampleOf(id: string): AuditCase {
  const rule = rules.find((one) => one.id === id);
  if (rule === undefined) throw new RangeError(`no such rule: ${id}`);
  return auditOf(rule.example);
}
