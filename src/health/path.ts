// Health of a path: what a standard sender's message meets, walking the hops in preference order.
// RFC 5321 §5.1: lower preference first, equal preferences in random order, all of them SHOULD be tried.

import { isPoison, type Fate } from '../model/fate.ts';
import type { PathHealth, PathStatus, RankedHop } from '../model/hop-health.ts';
import { displayName } from '../model/domain-name.ts';

/** Postfix looks at five addresses of a destination and no further (smtp_mx_address_limit = 5), so a sixth hop
 *  carries no weight in the judgement. */
const consideredAddresses = 5;

interface Walk {
  readonly status: PathStatus;
  readonly fate: Fate;
  readonly reason: string;
  readonly failingSince: number | null;
}

export function pathHealth(hops: readonly RankedHop[]): PathHealth {
  const ranked = [...hops].sort((a, b) => a.preference - b.preference);
  const considered = ranked.slice(0, consideredAddresses);
  const walk = walkGroups(groupsOf(considered));
  return {
    ...walk,
    hops: ranked,
    upCount: ranked.filter((one) => one.health.status === 'up').length,
  };
}

function groupsOf(ranked: readonly RankedHop[]): RankedHop[][] {
  const groups: RankedHop[][] = [];
  for (const one of ranked) {
    const last = groups.at(-1);
    if (last?.[0]?.preference === one.preference) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

function walkGroups(groups: readonly RankedHop[][]): Walk {
  let isUncertain = false;
  let passedOver: RankedHop | null = null;
  for (const group of groups) {
    const poison = group.find((one) => one.health.status === 'down' && isPoison(one.health.fate));
    if (poison !== undefined) return poisoned(poison);
    const down = group.find((one) => one.health.status === 'down') ?? null;
    const up = group.find((one) => one.health.status === 'up');
    isUncertain ||= group.some((one) => one.health.status === 'unknown' && !isBlind(one));
    passedOver ??= down;
    if (up !== undefined) return reached(up, passedOver, groups);
  }
  const seen = groups.flat().filter((one) => !isBlind(one));
  if (isUncertain || seen.length === 0) {
    return {
      status: 'unknown',
      fate: 'unknown',
      reason: 'not every hop is measured yet',
      failingSince: null,
    };
  }
  return allDown(seen);
}

/** A hop of which nothing is known, never or no longer (an IPv6 address seen from a machine that has no IPv6, or has
 *  lost it): it must not hold back the verdict of the hops that can be seen. One that is being measured, or that too
 *  few vantages see down, has a fate and does hold it back. */
function isBlind(one: RankedHop): boolean {
  return one.health.status === 'unknown' && one.health.fate === 'unknown';
}

function poisoned(hop: RankedHop): Walk {
  return {
    status: 'down',
    fate: hop.health.fate,
    reason: `${hopName(hop)}: ${hop.health.summary}; senders give up there, hops behind it are never tried`,
    failingSince: hop.health.failingSince,
  };
}

function reached(up: RankedHop, passedOver: RankedHop | null, groups: readonly RankedHop[][]): Walk {
  const impaired =
    passedOver ?? groups.flat().find((one) => one.health.status === 'down' || one.health.isSlow);
  if (impaired === undefined) {
    return { status: 'ok', fate: 'accepted', reason: up.health.summary, failingSince: null };
  }
  return {
    status: 'degraded',
    fate: passedOver === null ? 'accepted' : 'delayed',
    // A failure that took long is a failure first.
    reason: `${hopName(impaired)}: ${impaired.health.status === 'down' ? impaired.health.summary : 'slow'}`,
    failingSince: null,
  };
}

function allDown(hops: readonly RankedHop[]): Walk {
  const first = hops[0];
  const reason = first === undefined ? 'no hops' : `${hopName(first)}: ${first.health.summary}`;
  // A 5xx greeting is skipped while another host is left; Exim bounces at the last one.
  const isRefusing = hops.every((one) => one.health.greetsWith5xx);
  // The path failed when the last hop that still took mail did, not with the first that fell.
  const since = hops.flatMap((one) => one.health.failingSince ?? []);
  return {
    status: 'down',
    fate: isRefusing ? 'bounced' : 'deferred',
    reason,
    failingSince: since.length === 0 ? null : Math.max(...since),
  };
}

/** Exchange, with its address where that tells hops apart. */
function hopName(one: RankedHop): string {
  const address = one.hop.address === null ? '' : ` [${one.hop.address}]`;
  return `${displayName(one.hop.exchange)}${address}`;
}
