// What is wrong with a route, a line a trouble, for the status screen.

import type { RouteStatus } from '../app/status.ts';
import { describeLostDrill } from '../change/drill.ts';
import { describeDrift } from '../change/guards/scope.ts';
import type { Revert } from '../change/revert.ts';
import type { Action } from '../model/change.ts';
import { displayName } from '../model/domain-name.ts';
import type { Fate } from '../model/fate.ts';
import type { PathHealth, RankedHop } from '../model/hop-health.ts';
import { sanitise } from '../model/text.ts';
import { canaryRemarks, canarySummary } from './canary.ts';
import { formatDuration, formatTime } from './duration.ts';
import { describeRevert } from './revert.ts';
import { activeOf, halfDone } from './status-route.ts';
import { hang, type Style, type Tone } from './terminal.ts';
import { describeSplit } from './vantages.ts';

const consequences: Readonly<Record<Fate, string>> = {
  accepted: 'Senders get through.',
  delayed: 'Mail gets through late.',
  deferred: 'Senders defer and retry; nothing bounces yet.',
  bounced: 'Senders give up at once: mail is being lost.',
  swallowed: 'Mail is taken and does not arrive.',
  unknown: 'What senders meet is not known.',
};

export function troublesOf(status: RouteStatus, now: number, style: Style): string[] {
  const lines: { mark: string; tone: Tone; text: string }[] = [];
  const add = (mark: string, tone: Tone, text: string) => lines.push({ mark, tone, text });
  if (status.match.kind !== 'path') add('!!', 'bad', describeDrift(status.match));
  const half = halfDone(status);
  if (half !== null) add('!!', 'bad', halfText(half));
  const lost = describeLostDrill({
    ...status,
    actions: status.lastFlip === null ? [] : [status.lastFlip],
    now,
  });
  if (lost !== null) add('!!', 'bad', lost);
  if (status.revert !== null) add(' !', 'warn', revertText(status.revert));
  if (status.disagreement !== null) add(' !', 'warn', status.disagreement);
  for (const [name, health] of status.health) {
    if (health.status !== 'down' && health.status !== 'degraded') continue;
    const isActive = name === activeOf(status);
    const isBad = isActive && health.status === 'down';
    add(isBad ? '!!' : ' !', isBad ? 'bad' : 'warn', pathTrouble(status, name, health, isActive));
  }
  for (const [name, sight] of status.sights) {
    const split = describeSplit(name, sight);
    if (split !== null) add(' !', 'warn', `${split}.`);
  }
  for (const { kind, text } of status.canary?.findings ?? [])
    if (kind !== 'path') add(' !', 'warn', `${text}.`);
  for (const pause of status.pauses) {
    add(' !', 'warn', `paused for ${formatDuration(pause.until - now)} more by ${pause.by}: ${pause.reason}`);
  }
  for (const action of status.unsettled) add(' !', 'warn', unsettledText(action));
  if (status.clearAt !== null && status.clearAt > now) {
    add(
      '  ',
      'faint',
      `caches may hold replaced records until ${formatTime(status.clearAt)} UTC; keep both paths up`,
    );
  }
  if (status.canary !== null) {
    for (const text of canaryRemarks(status.canary)) add(' !', 'warn', `${text}.`);
    add('  ', 'faint', canarySummary(status.canary, now));
  }
  const { name } = status.route;
  return lines.flatMap(({ mark, tone, text }) => {
    const [first = '', ...rest] = hang(`${mark} ${name}  `, sanitise(text, 600), style.width);
    return [style.paint(tone, first), ...rest];
  });
}

function halfText(action: Action): string {
  const why = action.note === null ? '' : ` (${action.note})`;
  return `change ${action.plan.id} is PARTLY done: ${countText(action)}${why}; to undo just that: mxctl rollback ${action.plan.id}`;
}

function countText({ changeStates }: Action): string {
  const done = changeStates.filter((one) => one === 'applied' || one === 'confirmed').length;
  return `${done} of ${changeStates.length} RRsets changed`;
}

function unsettledText(action: Action): string {
  const { id } = action.plan;
  if (action.state === 'applied')
    return `change ${id} is written, and not every authority answers it yet; mxctl watch ${id} shows which`;
  const why = action.note === null ? '' : ` (${action.note})`;
  return `how change ${id} ended is not known: ${countText(action)} for sure${why}; the next run asks the provider and finishes it, mxctl rollback ${id} undoes it`;
}

function revertText(revert: Revert): string {
  return `${describeRevert(revert)}; the next failover is refused (live-drift). What another tool must be told: mxctl provider ignore-snippet`;
}

function pathTrouble(status: RouteStatus, name: string, health: PathHealth, isActive: boolean): string {
  const failing = health.hops.filter(
    (one) => one.health.status === 'down' || one.health.failingSince !== null,
  );
  const whose = isActive ? '' : `${status.route.keep.includes(name) ? 'backup' : 'standby'} ${name}: `;
  const since = health.failingSince === null ? '' : ` since ${formatTime(health.failingSince)}`;
  const score = ` (${failing.length} of ${health.hops.length})`;
  const isByCanary = isBlamedByCanary(status, name, health);
  const what =
    failing.length === 0 || isByCanary
      ? `${health.reason}.`
      : `${hopNames(failing)}: ${failing[0]?.health.summary ?? ''}${since}${score}.`;
  if (!isActive) return whose + what;
  const domains = `${status.domains} domain${status.domains === 1 ? '' : 's'}.`;
  return `${what} ${consequences[health.fate]} ${domains}`;
}

/** Its hops answer; what is wrong with it only canaries show. */
function isBlamedByCanary({ canary }: RouteStatus, name: string, { reason }: PathHealth): boolean {
  return canary?.findings.some(({ path, text }) => path === name && text === reason) ?? false;
}

function hopNames(hops: readonly RankedHop[]): string {
  const names = [...new Set(hops.map((one) => displayName(one.hop.exchange)))];
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
