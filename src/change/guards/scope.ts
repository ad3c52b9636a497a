// Guards on whether this is ours to move now: pauses, brakes, drift, blast radius, and whether the fault is ours.

import { bindsRoute } from '../../model/brake.ts';
import { type Action, isFlip } from '../../model/change.ts';
import { displayName } from '../../model/domain-name.ts';
import type { LiveMatch } from '../published.ts';
import type { Guard, GuardContext } from './context.ts';

/** Binds a person too: somebody asked for hands off, by name and with a reason. */
export const paused: Guard = ({ pauses, now, route }) => {
  const name = 'paused';
  const pause = pauses.find((one) => one.until > now && (one.route === null || one.route === route.name));
  if (pause === undefined) return { name, verdict: 'ok', reason: 'not paused' };
  const until = new Date(pause.until).toISOString().slice(0, 16);
  const what = pause.route === null ? 'every route is paused' : 'paused';
  return { name, verdict: 'forbid', reason: `${what} by ${pause.by} until ${until}Z: ${pause.reason}` };
};

/** A name or two are told, of more the number. */
function named(owners: readonly string[]): string {
  return owners.length <= 2 ? `at ${owners.join(' and ')}` : `at ${owners.length} names`;
}

/** One line about live RRsets that no path would publish. */
export function describeDrift(live: LiveMatch): string {
  switch (live.kind) {
    case 'path':
      return `DNS publishes ${live.path}`;
    case 'mixed':
      return `owners publish different paths: ${[...Map.groupBy(live.paths, ([, path]) => path)]
        .map(([path, own]) => `${path} ${named(own.map(([owner]) => displayName(owner)))}`)
        .join(', ')}`;
    case 'drift': {
      const [place, rrset] = live.foreign[0] ?? [undefined, null];
      const values = rrset === null ? 'nothing' : rrset.rdata.slice(0, 3).join(', ');
      return `no path publishes what ${place === undefined ? 'DNS' : `${displayName(place.owner)} ${place.type}`} holds: ${values}`;
    }
    case 'unseen':
      return `${live.places.length} RRset(s) could not be read`;
  }
}

/** Where that is our own doing, the way out. */
function describeHalf(live: LiveMatch, actions: readonly Action[]): string {
  const last = actions.find(isFlip);
  if (live.kind !== 'mixed' || last?.state !== 'partial') return '';
  return `; change ${last.plan.id} was carried out in part: mxctl rollback ${last.plan.id} undoes just that`;
}

/** A lagging secondary warns: a move that most resolvers see beats none. A revert forbids: never fight another tool. */
export const liveDrift: Guard = ({ live, revert, disagreement, actions }) => {
  const name = 'live-drift';
  if (live.kind !== 'path')
    return { name, verdict: 'forbid', reason: describeDrift(live) + describeHalf(live, actions) };
  if (revert !== null) return { name, verdict: 'forbid', reason: revert };
  if (disagreement !== null) return { name, verdict: 'warn', reason: disagreement };
  return { name, verdict: 'ok', reason: describeDrift(live) };
};

/** A brake that tripped holds `auto` until a person resumes; a person's own move is their answer to it. */
export const brake: Guard = ({ brakes, route, vantageName, isAuto }) => {
  const name = 'brake';
  const held = brakes.find((one) => bindsRoute(one, route.name, vantageName));
  if (held === undefined) return { name, verdict: 'ok', reason: 'no brake has tripped' };
  const since = new Date(held.at).toISOString().slice(0, 16);
  const resume = held.route === null ? 'mxctl resume' : `mxctl resume ${held.route}`;
  const reason = `auto is braked since ${since}Z by ${held.kind} (${held.reason}), until: ${resume}`;
  return { name, verdict: isAuto ? 'forbid' : 'warn', reason };
};

/** Counts owner names: moving one domain and moving five hundred are different decisions. */
export const blastRadius: Guard = (context: GuardContext) => {
  const name = 'blast-radius';
  const { maxDomains, maxFailingShare } = context.route.failover;
  const domains = new Set(context.changes.map((one) => one.owner)).size;
  const total = domains + context.movedThisRun;
  if (total > maxDomains) {
    return {
      name,
      verdict: 'forbid',
      reason: `${total} domains in one run, the most allowed is ${maxDomains}`,
      // A route that is too large by itself is no reason to hold the others.
      trips: { kind: 'domains-per-run', scope: domains > maxDomains ? 'route' : 'all' },
    };
  }
  if (context.isAuto && context.kind !== 'raise-ttl' && context.failingShare > maxFailingShare) {
    const share = Math.round(context.failingShare * 100);
    return {
      name,
      verdict: 'forbid',
      reason: `${share} % of all routes meet silence at once: a fault of ours is likelier`,
      trips: { kind: 'failing-share', scope: 'vantage' },
    };
  }
  return { name, verdict: 'ok', reason: `${domains} domain(s), most allowed ${maxDomains}` };
};

export const vantageFault: Guard = ({ vantage }) => {
  const name = 'vantage-fault';
  if (vantage === 'fault') {
    return {
      name,
      verdict: 'forbid',
      reason: 'nothing answers from here, references included: the fault is ours',
    };
  }
  return {
    name,
    verdict: 'ok',
    reason: vantage === 'ok' ? 'other hosts answer from here' : 'hops answer from here',
  };
};

/** With `quorum: 1` one machine decides; with more, that many must see the same. */
export const quorum: Guard = ({ route, votes, kind, isAuto }) => {
  const name = 'quorum';
  const needed = route.failover.quorum;
  if (needed <= 1 || kind === 'raise-ttl') return { name, verdict: 'ok', reason: 'one vantage decides' };
  const isLeaving = kind === 'failover' || kind === 'relapse';
  const short = [
    ...(isLeaving && votes.activeDown < needed
      ? [`${votes.activeDown} of ${needed} see the active path down`]
      : []),
    ...(votes.targetUp < needed ? [`${votes.targetUp} of ${needed} see the target up`] : []),
  ];
  if (short.length === 0) return { name, verdict: 'ok', reason: `${needed} vantages agree` };
  return { name, verdict: isAuto ? 'forbid' : 'warn', reason: short.join(', ') };
};
