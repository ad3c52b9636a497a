// From live to desired: the ordered changes of a plan, the canonical text its digest is made over, and the
// invariants no plan may break. Every prefix of a plan is a safe state: each change replaces one RRset whole.

import type { Action, ActionKind, Plan, RrsetChange } from '../model/change.ts';
import type { MailPath } from '../model/mail-path.ts';
import { isNullMx, parseMx } from '../model/mx.ts';
import { type Route, ttlAt } from '../model/route.ts';
import { formatRrset, isSameRrset, maxTtl, type Rrset } from '../model/rrset.ts';
import { desiredRrset, type LiveRrsets, placesOf, rrsetKey } from './published.ts';

/** Changes that take every RRset of the route to `path` with `ttl`, or the nearest that its provider takes; those that
 *  already are so are left out. An owner's
 *  new addresses are written before others of it are removed, so that no prefix leaves it without any. */
export function changesTo(route: Route, path: MailPath, live: LiveRrsets, ttl: number): RrsetChange[] {
  const changes: RrsetChange[] = [];
  for (const { records, owner, type } of placesOf(route)) {
    const expected = live.get(rrsetKey(owner, type)) ?? null;
    const desired = desiredRrset(route, path, { owner, type }, ttlAt(records, ttl));
    const { provider, zone } = records;
    if (!isSameRrset(expected, desired)) changes.push({ provider, zone, owner, type, expected, desired });
  }
  if (path.kind === 'mx') return changes;
  return [...Map.groupBy(changes, (one) => one.owner).values()].flatMap((own) => [
    ...own.filter((one) => one.desired !== null),
    ...own.filter((one) => one.desired === null),
  ]);
}

/** Seconds the path is published with: `failover_ttl` while failed over and for the probation after a return. */
export function ttlFor(route: Route, kind: ActionKind): number {
  return kind === 'raise-ttl' ? route.ttl : Math.min(route.failoverTtl, route.ttl);
}

/** The TTL that the route asks for where the provider of this change does not take it; null where it does. */
export function declaredTtl(
  route: Route,
  kind: ActionKind,
  { provider, zone, desired }: RrsetChange,
): number | null {
  // A rollback puts back what was there, whatever the route asks for.
  if (kind === 'rollback' || desired === null) return null;
  const records = route.records.find((one) => one.provider === provider && one.zone === zone);
  const ttl = ttlFor(route, kind);
  return records === undefined || desired.ttl === ttl || desired.ttl !== ttlAt(records, ttl) ? null : ttl;
}

/** The exact way back: what an action replaced, values and TTL, whatever today's config says. Changes that never
 *  reached the provider are left out. */
export function rollbackChanges(action: Action): RrsetChange[] {
  return action.plan.changes
    .filter((_, at) => ['applied', 'confirmed'].includes(action.changeStates[at] ?? 'pending'))
    .map((change) => ({ ...change, expected: change.desired, desired: change.expected }))
    .reverse();
}

/** The text a plan's digest is computed over: what is written where, and from what. Not when, nor why. */
export function canonicalPlanText(route: string, changes: readonly RrsetChange[]): string {
  const side = (mark: string, rrset: Rrset | null) =>
    rrset === null ? [`${mark} (absent)`] : formatRrset(rrset).map((line) => `${mark} ${line}`);
  return [
    `mxctl-plan-v1 ${route}`,
    ...changes.flatMap((change) => [
      `@ ${change.provider} ${change.zone} ${change.owner} ${change.type}`,
      ...side('-', change.expected),
      ...side('+', change.desired),
    ]),
  ].join('\n');
}

/** Digits of a plan's digest that people see and type. */
const idDigits = 6;

export function planOf(
  intent: Pick<Plan, 'route' | 'kind' | 'from' | 'to' | 'madeAt'>,
  changes: readonly RrsetChange[],
  digest: (text: string) => string,
): Plan {
  const full = digest(canonicalPlanText(intent.route, changes));
  return { ...intent, id: full.slice(0, idDigits), digest: full, changes };
}

/** What no plan may do; empty for a sound plan. The MX RRset is never empty (RFC 5321 §5.1: without MX the sender
 *  takes the domain's own address), null MX never stands beside another (RFC 7505 §3). `live` tells what an owner still
 *  has where the plan does not touch it; without it that is taken to be enough. */
export function planFaults(changes: readonly RrsetChange[], live: LiveRrsets = new Map()): string[] {
  return [...changes.flatMap(changeFaults), ...emptiedOwners(changes, live)];
}

function changeFaults(change: RrsetChange): string[] {
  const { desired, owner, type } = change;
  if (desired === null)
    return type === 'MX' ? [`${owner} MX would be removed: mail would fall to its A record`] : [];
  const faults: string[] = [];
  if (desired.rdata.length === 0) faults.push(`${owner} ${type} would be empty`);
  if (desired.owner !== owner || desired.type !== type)
    faults.push(`${owner} ${type} would be written elsewhere`);
  if (!Number.isInteger(desired.ttl) || desired.ttl < 0 || desired.ttl > maxTtl)
    faults.push(`${owner} ${type} would have a TTL of ${desired.ttl}`);
  return type === 'MX' ? [...faults, ...mxFaults(desired)] : faults;
}

function mxFaults(rrset: Rrset): string[] {
  const values = rrset.rdata.map(parseMx);
  if (values.includes(null)) return [`${rrset.owner} MX would hold what is not an MX value`];
  const hasNull = values.some((mx) => mx !== null && isNullMx(mx));
  return hasNull && values.length > 1 ? [`${rrset.owner} MX would mix null MX with others`] : [];
}

/** Owners of an address route that some prefix of the plan leaves without any address. */
function emptiedOwners(changes: readonly RrsetChange[], live: LiveRrsets): string[] {
  const held = new Map(live);
  for (const one of changes) held.set(rrsetKey(one.owner, one.type), one.expected);
  const emptied = changes.filter((one) => {
    held.set(rrsetKey(one.owner, one.type), one.desired);
    if (one.desired !== null || (one.type !== 'A' && one.type !== 'AAAA')) return false;
    return held.get(rrsetKey(one.owner, one.type === 'A' ? 'AAAA' : 'A')) === null;
  });
  return emptied.map((one) => `${one.owner} would be left without any address`);
}
