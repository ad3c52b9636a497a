// A route: the unit of failover. One or more owner names that share the same paths.

import type { CanaryPolicy } from './canary.ts';
import type { DomainName } from './domain-name.ts';
import type { HealthThresholds } from './hop-health.ts';
import type { MailPath } from './mail-path.ts';
import type { Stage } from './observation.ts';

/** An address and port of a server we ask or tell. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** TTLs that a provider takes; seconds. */
export interface TtlBounds {
  readonly least: number;
  readonly most: number;
}

/** The owners of one zone at one provider. */
export interface RouteRecords {
  readonly provider: string;
  readonly zone: DomainName;
  /** Absolute owner names within the zone. */
  readonly owners: readonly DomainName[];
  /** Asked instead of the zone's published NS (split horizon, tests); null = find them. */
  readonly authorities: readonly ServerAddress[] | null;
  /** What the provider takes; without it any TTL. */
  readonly ttlBounds?: TtlBounds;
}

export interface ProbePolicy extends HealthThresholds {
  readonly stages: readonly Stage[];
  /** Bound of one stage; ms. */
  readonly timeoutMs: number;
  /** A probe that takes longer is slow; ms. */
  readonly slowAfterMs: number;
  /** Time between runs, from which staleness follows; ms. */
  readonly intervalMs: number;
  /** RCPT stage: our own canary, never a stranger's mailbox. */
  readonly rcpt: { readonly from: string; readonly to: string } | null;
  /** EHLO argument (RFC 5321 §4.1.4); null = this machine's name. */
  readonly ehloName: string | null;
  /** Local addresses to speak from; more than one finds a hop that only admits the proxy. Empty = the system's choice. */
  readonly sourceAddresses: readonly string[];
  /** Absolute file with CAs in PEM that are trusted beside the system's when a certificate is judged; null = none. */
  readonly caFile: string | null;
}

export type FailoverMode = 'observe' | 'manual' | 'auto';

export interface FailoverPolicy {
  readonly mode: FailoverMode;
  readonly failback: 'manual' | 'auto';
  /** Least time between a flip and the next unforced one; ms. */
  readonly holdDownMs: number;
  readonly maxFlips: { readonly count: number; readonly withinMs: number };
  /** Most owner names one run may move. */
  readonly maxDomains: number;
  /** Most owner names that all controllers of a state store together may move within an hour. */
  readonly maxDomainsPerHour: number;
  /** Vantages that must agree. */
  readonly quorum: number;
  /** Share of routes that meet silence at once above which we suspect ourselves; 0..1. */
  readonly maxFailingShare: number;
}

export interface MaintenanceWindow {
  readonly every: readonly string[];
  /** Local time `HH:MM`. */
  readonly start: string;
  readonly durationMs: number;
  /** IANA zone. */
  readonly timezone: string;
  /** The path it concerns; null = the route. */
  readonly path: string | null;
}

export interface Route {
  readonly name: string;
  readonly strategy: 'mx' | 'address';
  readonly records: readonly RouteRecords[];
  /** Seconds, in normal times. */
  readonly ttl: number;
  /** Seconds, while failed over and for the probation after a return. */
  readonly failoverTtl: number;
  /** How long `failoverTtl` stays after a return; ms. */
  readonly probationMs: number;
  readonly paths: readonly MailPath[];
  readonly prefer: string;
  /** In the order they are tried. */
  readonly failoverTo: readonly string[];
  /** Backup paths published beside whichever path is active. */
  readonly keep: readonly string[];
  readonly probe: ProbePolicy;
  readonly failover: FailoverPolicy;
  readonly maintenance: readonly MaintenanceWindow[];
  /** Null = no canaries: then only what SMTP says is known. */
  readonly canary: CanaryPolicy | null;
}

/** The TTL nearest to `ttl` that the provider of these records takes; seconds. */
export function ttlAt({ ttlBounds }: Pick<RouteRecords, 'ttlBounds'>, ttl: number): number {
  return ttlBounds === undefined ? ttl : Math.min(Math.max(ttl, ttlBounds.least), ttlBounds.most);
}

/** What the route's RRsets have in normal times, as their providers take it: lowest and highest; seconds. */
export function normalTtlsOf({ records, ttl }: Pick<Route, 'records' | 'ttl'>): TtlBounds {
  const ttls = records.map((one) => ttlAt(one, ttl));
  return { least: Math.min(...ttls), most: Math.max(...ttls) };
}

/** All owner names of a route, in config order. */
export function ownersOf(route: Route): DomainName[] {
  return route.records.flatMap((one) => one.owners);
}

export function pathOf(route: Route, name: string): MailPath | undefined {
  return route.paths.find((path) => path.name === name);
}
