// An audit: what DNS says of many domains against what was declared. Facts are gathered once and judged by rules, a
// file each; what could not be found out is neither good nor bad.

import type { DaneFacts } from './dane.ts';
import type { DomainName } from './domain-name.ts';
import type { AuditIgnore } from './ignore.ts';
import type { Mx } from './mx.ts';
import type { Observation } from './observation.ts';
import type { StsFacts } from './sts.ts';

export type AuditMatch = 'exact' | 'contains' | 'any';

/** What the MX records of a domain should name: exactly these; these and maybe others; at least one of these. */
export interface Expectation {
  /** In the order of preference, unless any of them will do. */
  readonly mx: readonly DomainName[];
  readonly match: AuditMatch;
}

/** Where a domain was named. */
export interface Source {
  /** As given; null = the command line or a stream without a name. */
  readonly file: string | null;
  /** From 1; null where there are none. */
  readonly line: number | null;
}

/** One domain to judge. */
export interface AuditSubject {
  readonly domain: DomainName;
  readonly source: Source;
  /** Name of the audit in the configuration; null for domains named by hand. */
  readonly audit: string | null;
  /** Null = nothing was declared: only what is wrong by itself is found. */
  readonly expectation: Expectation | null;
}

/** unknown: timeout, SERVFAIL, REFUSED, garbage: nothing is known, and nothing follows from it. */
export type Outcome = 'found' | 'absent' | 'nxdomain' | 'unknown';

export interface MxFacts {
  readonly outcome: Outcome;
  /** Seconds, as the resolver gave it (a cached one counts down); 0 unless found. */
  readonly ttl: number;
  /** In the order of preference. */
  readonly mx: readonly Mx[];
  /** Values that are no MX record, sanitised, at most 10. */
  readonly malformed: readonly string[];
  /** CNAME targets from the domain to the owner of the MX (RFC 5321 §5.1). */
  readonly aliases: readonly DomainName[];
  /** AD bit. */
  readonly isAuthenticated: boolean;
  /** Why unknown, one sanitised line; else null. */
  readonly reason: string | null;
}

export interface AddressFacts {
  readonly outcome: Outcome;
  /** A and AAAA, canonical texts, at most 100. */
  readonly addresses: readonly string[];
  /** Least TTL of the sets; seconds; 0 unless found. */
  readonly ttl: number;
  readonly aliases: readonly DomainName[];
  readonly reason: string | null;
}

/** What is known of an exchange, looked up once a run however many domains name it. */
export interface ExchangeFacts {
  readonly exchange: DomainName;
  /** found where one of A and AAAA is; absent where both are; unknown where neither is found and one of them is. */
  readonly addresses: AddressFacts;
  /** NS of the zone it stands in, for shared fate; null = not asked or not found out. */
  readonly nameServers: readonly DomainName[] | null;
  /** Of an exchange that does not exist: whether the domain it could be registered under does (takeover). Null = not
   *  asked. */
  readonly registrable: { readonly domain: DomainName; readonly outcome: Outcome } | null;
  /** Null = not asked. */
  readonly dane: DaneFacts | null;
  /** With --deep: one for each address; else empty. */
  readonly observations: readonly Observation[];
}

/** What one authoritative server of the domain's zone says of its MX. */
export interface AuthorityFacts {
  /** `name [address]`. */
  readonly server: string;
  /** lame: it does not serve the zone, or is a name without an address; failed: no answer, nothing is known. */
  readonly outcome: 'answer' | 'absent' | 'lame' | 'failed';
  /** Seconds, the lowest in its answer; null unless an answer. */
  readonly ttl: number | null;
  /** Another than `ttl` where the records of its answer differ in TTL (RFC 2181 §5.2); null unless an answer. */
  readonly highestTtl: number | null;
  /** Canonical, sorted. */
  readonly rdata: readonly string[];
  readonly reason: string | null;
}

export interface TextFacts {
  readonly outcome: Outcome;
  /** Whole TXT values, sanitised and bounded. */
  readonly values: readonly string[];
  readonly reason: string | null;
}

export interface DomainFacts {
  readonly domain: DomainName;
  readonly mx: MxFacts;
  /** Of the domain itself, asked only where it has no MX (RFC 5321 §5.1: implicit MX). Null = not asked. */
  readonly own: AddressFacts | null;
  /** Of every exchange in `mx`, in that order; fewer where a set is larger than is looked at. */
  readonly exchanges: readonly ExchangeFacts[];
  /** Of exchanges that a failover could publish and that are not in `mx` (AuditContext.failoverHosts); empty where
   *  none are declared or not asked. */
  readonly failover: readonly ExchangeFacts[];
  /** Null = not asked. */
  readonly authorities: readonly AuthorityFacts[] | null;
  /** Null = not asked. `stsId` is the id of `_mta-sts` (RFC 8461 §3.1). */
  readonly sts: StsFacts | null;
  readonly stsId: string | null;
  readonly tlsRpt: TextFacts | null;
  readonly spf: TextFacts | null;
}

/** What was declared beside the expectation; the same for every domain of an audit. */
export interface AuditContext {
  readonly now: number;
  /** Exchanges of every declared path of every route: what is ours. */
  readonly ours: ReadonlySet<DomainName>;
  /** Of those, the exchanges of backup paths that are kept published. */
  readonly backups: ReadonlySet<DomainName>;
  /** Exchanges that could be published by a failover of the route that publishes these exchanges now. */
  readonly failoverHosts: (published: readonly DomainName[]) => readonly DomainName[];
  /** Longest TTL of the MX that still meets the recovery budget; seconds; null = none declared. */
  readonly maxTtl: number | null;
  /** The same for the addresses of an exchange, where a failover moves those (strategy address). */
  readonly maxAddressTtl: (exchange: DomainName) => number | null;
  /** `include:` that an SPF record should have; null = not asked. */
  readonly spfInclude: string | null;
  /** The ignore of the domain whose last day is past; null = none. */
  readonly expiredIgnore: (domain: DomainName) => Pick<AuditIgnore, 'until' | 'reason'> | null;
  /** What the last run knew of the domain's MTA-STS policy; null = nothing. */
  readonly before: (
    domain: DomainName,
  ) => { readonly stsId: string; readonly patterns: readonly string[] } | null;
}

/** error: mail is lost, refused or goes astray; warn: it will be in an outage; note: worth knowing. */
export type Severity = 'error' | 'warn' | 'note';

/** What a rule says of a domain. */
export interface RuleFinding {
  /** Host, record or server that it is about; null = the domain itself. Part of the fingerprint. */
  readonly about: string | null;
  /** One sanitised line. */
  readonly reason: string;
  /** What to publish or do, one line, with the record where it is one. */
  readonly instruction: string;
  /** Where it differs from the rule's own. */
  readonly severity?: Severity;
}

export interface Rule {
  /** Public, stable, kebab-case. */
  readonly id: string;
  readonly severity: Severity;
  /** For lists: a few words. */
  readonly title: string;
  /** Why it matters, in two or three sentences, for docs/rules.md. */
  readonly why: string;
  /** `RFC 5321 §5.1`; null where it rests on practice. */
  readonly reference: string | null;
  /** Zone file lines that it finds something in; what no zone says stands as a comment, e.g. `; expect exact HOST`. */
  readonly example: string;
  readonly judge: (
    facts: DomainFacts,
    subject: AuditSubject,
    context: AuditContext,
  ) => readonly RuleFinding[];
}

export interface Finding extends RuleFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly domain: DomainName;
  readonly source: Source;
  readonly audit: string | null;
  /** Stable from run to run and from line to line: rule, domain and `about`. Hex. */
  readonly fingerprint: string;
}

/** What could not be found out of a domain, one sanitised line each: never a finding. */
export type Unknowns = readonly string[];

export interface DomainResult {
  readonly subject: AuditSubject;
  /** good: every rule could be judged and none found anything; unknown: nothing found, and not everything is known. */
  readonly outcome: 'good' | 'found' | 'unknown' | 'ignored';
  readonly findings: readonly Finding[];
  readonly unknowns: Unknowns;
  /** For the baseline of the next run; null where there is no policy. */
  readonly sts: { readonly stsId: string; readonly patterns: readonly string[] } | null;
  /** Published exchanges, for inventories; empty where none. */
  readonly mx: readonly string[];
}

/** A row that is no domain. */
export interface BadRow {
  readonly source: Source;
  /** Sanitised and cut. */
  readonly text: string;
  readonly reason: string;
}

/** A finding as a run compares it with the one before. */
export interface ComparedFinding extends Finding {
  readonly isNew: boolean;
  /** First run that had it; ms. */
  readonly firstSeenAt: number;
}

export interface AuditSummary {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly rows: number;
  readonly badRows: number;
  readonly duplicates: number;
  readonly good: number;
  readonly found: number;
  readonly unknown: number;
  readonly ignored: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  /** By rule id. */
  readonly byRule: Readonly<Record<string, number>>;
  readonly newFindings: number;
  /** Findings of the baseline that are gone. */
  readonly fixed: number;
  /** Findings of the baseline that could not be looked for. */
  readonly held: number;
  readonly lookups: number;
  /** `3/16`; null = all of the list. */
  readonly shard: string | null;
}
