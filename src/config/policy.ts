// Probe and failover policy of a route: its own values over the defaults of the file over the built-in ones.

import { resolve } from 'node:path';
import type { FailoverPolicy, ProbePolicy } from '../model/route.ts';
import { type FailoverShape, fullStages, type ProbeShape } from './policy-schema.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import type { DefaultsShape } from './schema.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const builtInProbe = {
  // A minute between probes of one address is what Postfix' anvil and greylisting hosts take for granted.
  interval: minuteMs,
  stages: fullStages(['connect', 'banner', 'ehlo', 'starttls']),
  // Postfix gives a connection 30 s; senders wait longer for a banner (RFC 5321 §4.5.3.2), hence slow and down differ.
  timeout: 30_000,
  // postscreen holds its greeting for 6 s: beyond 10 s it is not that.
  slow_after: 10_000,
  // Three of three is no accident; two where each further minute bounces mail.
  fall: 3,
  fall_rejecting: 2,
  forgive: 3,
  // Ten passes at a minute: a host that flaps while it boots does not get mail back too soon.
  rise: 10,
} as const;

const builtInFailover = {
  // Nothing moves unattended unless the file says so.
  mode: 'manual',
  failback: 'manual',
  // Longer than senders' first retries, so that a flip shows its effect before the next.
  hold_down: 30 * minuteMs,
  // A third flip in a day is a pattern that a person must look at.
  max_flips: { count: 3, within: 24 * hourMs },
  max_domains: 500,
  quorum: 1,
  // Twice the hold-down: a relapse after return is answered at failover_ttl, and one more attempt with it; waiting for
  // `ttl` itself would tie a day's probation to a day's TTL without need.
  probation: hourMs,
  // Half of all routes failing at once is more often this machine than the world.
  max_failing_share: 0.5,
} as const;

/** Results older than this many intervals are unknown. */
const staleIntervals = 3;

export interface PolicySource {
  readonly path: ConfigPath;
  readonly probe: ProbeShape | undefined;
  readonly failover: FailoverShape | undefined;
}

/** Where a key was written: in the route, in the defaults, or nowhere (then the route's own line). */
function placeOf(
  route: PolicySource,
  defaults: DefaultsShape,
  block: 'probe' | 'failover',
  key: string,
): ConfigPath {
  if (Object.hasOwn(route[block] ?? {}, key)) return [...route.path, block, key];
  return Object.hasOwn(defaults[block] ?? {}, key) ? ['defaults', block, key] : route.path;
}

export function probePolicy(
  route: PolicySource,
  defaults: DefaultsShape,
  directory: string,
  report: Report,
): ProbePolicy {
  const given = { ...defined(defaults.probe), ...defined(route.probe) };
  const merged = { ...builtInProbe, ...given };
  if (given.fall_rejecting !== undefined && given.fall_rejecting > merged.fall)
    report.problem(
      placeOf(route, defaults, 'probe', 'fall_rejecting'),
      `is more than fall (${merged.fall}); a path that bounces mail is left sooner, not later`,
    );
  checkRcpt(route, defaults, merged.stages.includes('mail'), given.rcpt !== undefined, report);
  return {
    stages: merged.stages,
    timeoutMs: merged.timeout,
    slowAfterMs: merged.slow_after,
    intervalMs: merged.interval,
    staleAfterMs: staleIntervals * merged.interval,
    fall: merged.fall,
    fallRejecting: Math.min(merged.fall_rejecting, merged.fall),
    forgive: merged.forgive,
    rise: merged.rise,
    rcpt: given.rcpt ?? null,
    ehloName: given.ehlo_name ?? null,
    sourceAddresses: given.source_address ?? [],
    caFile: given.ca_file === undefined ? null : resolve(directory, given.ca_file),
  };
}

function checkRcpt(
  route: PolicySource,
  defaults: DefaultsShape,
  wantsEnvelope: boolean,
  hasAddresses: boolean,
  report: Report,
): void {
  if (wantsEnvelope && !hasAddresses)
    report.problem(
      placeOf(route, defaults, 'probe', 'stages'),
      'the stages mail and rcpt need addresses: add rcpt: {from: probe@ops.example, to: canary@example.com} to probe',
    );
  if (!wantsEnvelope && route.probe?.rcpt !== undefined)
    report.warning(
      'rcpt-unused',
      [...route.path, 'probe', 'rcpt'],
      'is never used: add rcpt to probe.stages',
    );
}

export function failoverPolicy(
  route: PolicySource,
  defaults: DefaultsShape,
): FailoverPolicy & { probationMs: number } {
  const merged = { ...builtInFailover, ...defined(defaults.failover), ...defined(route.failover) };
  return {
    mode: merged.mode,
    failback: merged.failback,
    holdDownMs: merged.hold_down,
    maxFlips: { count: merged.max_flips.count, withinMs: merged.max_flips.within },
    maxDomains: merged.max_domains,
    // Away and back again within the hour.
    maxDomainsPerHour: merged.max_domains_per_hour ?? 2 * merged.max_domains,
    quorum: merged.quorum,
    maxFailingShare: merged.max_failing_share,
    probationMs: merged.probation,
  };
}

export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without keys that hold undefined: they would hide a default. */
export function defined<T extends object>(given: T | undefined): Defined<T> {
  return Object.fromEntries(
    Object.entries(given ?? {}).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
