// The guard on TLSA records: senders with DANE insist on what they say, so moving to a host that does not present what
// its records promise keeps their mail out until it bounces. RFC 7672 §2.1.2, §2.2, §3.1.

import type { DaneFacts } from '../../model/dane.ts';
import { judgeDane, type DaneFit } from '../../model/dane-fit.ts';
import { exchangesOf, type MailPath } from '../../model/mail-path.ts';
import type { Observation } from '../../model/observation.ts';
import { pathOf } from '../../model/route.ts';
import type { Guard } from './context.ts';

interface Finding {
  readonly verdict: 'ok' | 'warn' | 'forbid';
  readonly reason: string;
}

export const dane: Guard = ({ dane: known, to, route, live, observations, now }) => {
  const name = 'dane';
  if (known === null) return { name, verdict: 'skipped', reason: 'TLSA records were not looked up' };
  const target = factsOf(to, known);
  const missing = exchangesOf(to).length - target.length;
  const active = live.kind === 'path' ? pathOf(route, live.path) : undefined;
  const findings = [
    ...target.flatMap((facts) => judgeHost(facts, observations, now) ?? []),
    ...(missing === 0 ? [] : [{ verdict: 'warn', reason: `${hosts(missing)} not looked up` } as const]),
    ...(active === undefined ? [] : judgeDowngrade(factsOf(active, known), target, to.name)),
  ];
  const worst =
    findings.find((one) => one.verdict === 'forbid') ?? findings.find((one) => one.verdict === 'warn');
  if (worst !== undefined) return { name, ...worst };
  const fitting = findings.length;
  if (fitting > 0) return { name, verdict: 'ok', reason: `TLSA matches at ${hosts(fitting)}` };
  const isBlind = target.every((one) => one.outcome === 'insecure');
  const why = isBlind ? ': the resolver vouches for no address (AD)' : '';
  return { name, verdict: 'ok', reason: `no DANE${why}` };
};

const hosts = (count: number) => `${count} host${count === 1 ? '' : 's'}`;

function factsOf(path: MailPath, known: readonly DaneFacts[]): DaneFacts[] {
  return exchangesOf(path).flatMap(
    (one) => known.find((facts) => facts.exchange === one.exchange && facts.port === one.port) ?? [],
  );
}

const verdicts: Readonly<Record<DaneFit['kind'], Finding['verdict']>> = {
  fits: 'ok',
  unknown: 'warn',
  unusable: 'warn',
  unseen: 'warn',
  failed: 'forbid',
  broken: 'forbid',
};

function judgeHost(facts: DaneFacts, hops: readonly Observation[], now: number): Finding | null {
  const fit = judgeDane(facts, hops, now);
  return fit === null ? null : { verdict: verdicts[fit.kind], reason: fit.reason };
}

/** Legal, and mail flows; but senders no longer notice somebody in the middle (RFC 7672 §2.2). */
function judgeDowngrade(active: readonly DaneFacts[], target: readonly DaneFacts[], name: string): Finding[] {
  if (shareOf(target) >= shareOf(active)) return [];
  return [{ verdict: 'warn', reason: `the active path has DANE, ${name} has it at ${sharedHosts(target)}` }];
}

const isProtected = (facts: DaneFacts) => facts.outcome === 'usable';

/** 0: no host has DANE; 1: some; 2: all. What senders can be led past counts like none, but is not made worse. */
function shareOf(facts: readonly DaneFacts[]): 0 | 1 | 2 {
  if (facts.length > 0 && facts.every(isProtected)) return 2;
  return facts.some(isProtected) ? 1 : 0;
}

function sharedHosts(facts: readonly DaneFacts[]): string {
  const count = facts.filter(isProtected).length;
  return count === 0 ? 'no host' : `${count} of ${hosts(facts.length)}`;
}
