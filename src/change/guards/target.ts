// Guards on where mail would go: a failing proxy loses nothing while senders retry, a target that answers 554 to
// strangers loses most of it.

import { displayName } from '../../model/domain-name.ts';
import { unlistedBy } from '../../model/sts.ts';
import { firstExpiry, tlsFaultOf } from '../../model/tls-fit.ts';
import type { Guard } from './context.ts';

const isUsable = (status: string) => status === 'ok' || status === 'degraded';

/** The target must take mail now. A person's first run has no history: then every hop that can be seen from here must
 *  pass in this run. */
export const targetUnhealthy: Guard = ({ target, to, isAuto, observations }) => {
  const name = 'target-unhealthy';
  const score = `${to.name} ${target.upCount}/${target.hops.length}`;
  const passes = observations.filter((one) => one.verdict === 'pass').length;
  const failure = observations.find((one) => one.verdict === 'fail');
  // What other vantages say may be minutes old; and of a target that did not answer from here, no certificate and no
  // policy can be judged either.
  if (isAuto && passes === 0 && failure !== undefined) {
    return { name, verdict: 'forbid', reason: `${to.name} failed from here just now: ${failure.summary}` };
  }
  if (isUsable(target.status)) return { name, verdict: 'ok', reason: `${score} up: ${target.reason}` };
  if (target.status === 'unknown' && !isAuto && passes > 0 && failure === undefined) {
    const seen = `${passes}/${observations.length}`;
    return { name, verdict: 'ok', reason: `${to.name} ${seen} answer now (no history yet)` };
  }
  return { name, verdict: 'forbid', reason: `${score} up: ${target.reason}` };
};

/** Where a canary address is configured, every target hop that answers must have taken it in this run. */
export const targetRcpt: Guard = ({ route, observations }) => {
  const name = 'target-rcpt';
  if (route.probe.rcpt === null) {
    return { name, verdict: 'skipped', reason: 'no canary address configured (probe.rcpt)' };
  }
  const refusing = observations.find((one) => one.takesCanary === false);
  if (refusing !== undefined) {
    return {
      name,
      verdict: 'forbid',
      reason: `${displayName(refusing.exchange)} refuses ${route.probe.rcpt.to}: ${refusing.summary}`,
    };
  }
  const unasked = observations.find((one) => one.verdict === 'pass' && one.takesCanary === null);
  if (unasked !== undefined) {
    return {
      name,
      verdict: 'forbid',
      reason: `${displayName(unasked.exchange)} was not asked for ${route.probe.rcpt.to}`,
    };
  }
  const taking = observations.filter((one) => one.takesCanary === true).length;
  return taking > 0
    ? { name, verdict: 'ok', reason: `${taking} of ${observations.length} take ${route.probe.rcpt.to}` }
    : { name, verdict: 'forbid', reason: `no hop was seen to take ${route.probe.rcpt.to}` };
};

/** Without MTA-STS enforce or DANE senders ignore names (RFC 7672 §2.2, RFC 8461 §5), so a wrong certificate warns;
 *  where a policy enforces, it keeps mail out. */
export const tlsName: Guard = ({ observations, sts, now }) => {
  const name = 'tls-name';
  const bad = observations.flatMap((one) => {
    const fault = tlsFaultOf(one);
    return fault === null ? [] : [{ host: displayName(one.exchange), fault, isPlain: one.tls === null }];
  });
  const worst = bad.find((one) => !one.isPlain) ?? bad[0];
  if (worst !== undefined) {
    const isEnforced = (sts ?? []).some((one) => one.mode === 'enforce');
    const reason = `${worst.host}${worst.isPlain ? '' : ':'} ${worst.fault}`;
    return { name, verdict: isEnforced ? 'forbid' : 'warn', reason };
  }
  const expiry = firstExpiry(observations, now);
  if (expiry === null) return { name, verdict: 'skipped', reason: 'no certificate was seen' };
  const reason = `certificate good for ${expiry.daysLeft} days`;
  return { name, verdict: expiry.isSoon ? 'warn' : 'ok', reason };
};

/** RFC 8461 §5: a sender must not deliver to a host that an enforced policy does not list; the mail queues, then
 *  bounces when its own retry window ends. */
export const mtaSts: Guard = ({ sts, to }) => {
  const name = 'mta-sts';
  if (sts === null) return { name, verdict: 'skipped', reason: 'the policy was not looked up' };
  if (to.kind === 'address') {
    return { name, verdict: 'ok', reason: 'exchange names stay the same, only their addresses move' };
  }
  for (const policy of sts) {
    if (policy.mode !== 'enforce') continue;
    const [missing] = unlistedBy(
      policy,
      to.mx.map((mx) => mx.exchange),
    );
    if (missing !== undefined) {
      const host = displayName(missing);
      return {
        name,
        verdict: 'forbid',
        reason: `the enforced policy of ${policy.domain} does not list ${host}`,
      };
    }
  }
  const unknown = sts.find((one) => one.mode === 'unknown');
  if (unknown !== undefined) {
    return {
      name,
      verdict: 'warn',
      reason: `policy of ${unknown.domain}: ${unknown.reason ?? 'not found out'}`,
    };
  }
  const enforced = sts.filter((one) => one.mode === 'enforce').length;
  return enforced > 0
    ? { name, verdict: 'ok', reason: `MTA-STS (enforce) lists every exchange of ${to.name}` }
    : { name, verdict: 'ok', reason: 'no MTA-STS policy enforces' };
};

/** Never leave the only path that takes mail for one that is not seen to. */
export const lastPath: Guard = ({ active, target, to, observations }) => {
  const name = 'last-path';
  const isActiveWorking = active !== null && isUsable(active.status);
  const isTargetWorking = isUsable(target.status) || observations.some((one) => one.verdict === 'pass');
  return isActiveWorking && !isTargetWorking
    ? { name, verdict: 'forbid', reason: `the active path takes mail, ${to.name} is not seen to` }
    : { name, verdict: 'ok', reason: 'a path that takes mail is left' };
};
