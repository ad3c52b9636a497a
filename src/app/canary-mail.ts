// Looks for canaries where they should arrive: one look a distinct mailbox, whatever number of routes share it. What is
// found is written to the store before it is taken out of the mailbox. Never decides.

import { AppError } from '../errors.ts';
import { placeArrival } from '../health/arrival-time.ts';
import { hourOf, latencyHours } from '../health/canary-hours.ts';
import type { Canary, MailboxLook } from '../model/canary.ts';
import type { Route } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import type { ArrivalMailbox, FoundLetter, MailboxAnswer } from '../probes/canary.ts';
import { readCanaries, type RouteCanaries } from './canary-judge.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';

/** Mailboxes looked into at once. */
const parallelMailboxes = 8;
/** A clock that is behind, and time zones of IMAP's day-wise search, are covered by the mailbox; this covers a look that
 *  was cut off; ms. */
const overlapMs = 60_000;

type MailDeps = Pick<Deps, 'store' | 'clock' | 'canary'>;

/** Looks into every mailbox in which something may have come, and settles what came. A mailbox that cannot be read is a
 *  value: it must keep no route from being decided. */
export async function collectCanaries(
  routes: readonly Route[],
  deps: MailDeps,
  signal: AbortSignal,
): Promise<Map<string, RouteCanaries>> {
  const known = new Map<string, RouteCanaries>();
  for (const route of routes) {
    const stored = await readCanaries(route, deps);
    if (stored !== null) known.set(route.name, { ...stored, ...(await openProbe(route, stored.look, deps)) });
  }
  // Nobody looks for these; `status` must know why all the same.
  await writeLooks(
    [...known].filter(([, { probe }]) => probe === null),
    deps,
  );
  const groups = Map.groupBy(
    [...known].filter(([, one]) => isWorthALook(one, deps.clock.now())),
    ([, one]) => one.probe?.mailboxKey ?? '',
  );
  await mapBounded([...groups.values()], parallelMailboxes, async (group) => {
    const [probe] = group.flatMap(([, one]) => one.probe ?? []);
    const settled =
      probe === undefined
        ? group.map(([name, one]) => [name, one] as const)
        : await lookInto(probe.openMailbox(), group, deps, signal);
    for (const [name, one] of settled) known.set(name, one);
  });
  return known;
}

async function openProbe(
  route: Route,
  look: MailboxLook | null,
  deps: MailDeps,
): Promise<Pick<RouteCanaries, 'probe' | 'look'>> {
  try {
    return { probe: await deps.canary(route), look };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { probe: null, look: failedLook(look, withHint(error), deps.clock.now()) };
  }
}

function failedLook(before: MailboxLook | null, fault: string, now: number): MailboxLook {
  return {
    readAt: before?.readAt ?? null,
    triedAt: now,
    fault: sanitise(fault),
    skewMs: before?.skewMs ?? null,
    forged: before?.forged ?? 0,
  };
}

function isWaitedFor(canary: Canary): boolean {
  return canary.arrivedAt === null && ['handed', 'unknown', 'swallowed', 'lost'].includes(canary.state);
}

/** Something is on its way, or it has not been looked for so long that nobody would know of a wrong password. */
function isWorthALook({ canaries, look, policy, probe }: RouteCanaries, now: number): boolean {
  if (probe === null) return false;
  return canaries.some(isWaitedFor) || look === null || now - look.triedAt >= policy.everyMs;
}

type Group = readonly (readonly [string, RouteCanaries])[];

/** One look for all routes of the group; their canaries as they are after it. Closes the mailbox. */
async function lookInto(
  mailbox: ArrivalMailbox,
  group: Group,
  deps: Pick<Deps, 'store' | 'clock'>,
  signal: AbortSignal,
): Promise<(readonly [string, RouteCanaries])[]> {
  try {
    const { after, settledTokens } = await lookOnce(mailbox, group, deps, signal);
    if (settledTokens.size > 0) await mailbox.remove(settledTokens, signal);
    return after;
  } finally {
    await mailbox.close();
  }
}

export interface LookOutcome {
  readonly after: (readonly [string, RouteCanaries])[];
  /** Of letters and notifications that are on record, and may go. */
  readonly settledTokens: ReadonlySet<string>;
}

/** Looks and writes down; leaves the mailbox as it is. */
export async function lookOnce(
  mailbox: ArrivalMailbox,
  group: Group,
  deps: Pick<Deps, 'store' | 'clock'>,
  signal: AbortSignal,
): Promise<LookOutcome> {
  const answer = await answerOf(mailbox, sinceOf(group, deps.clock.now()), signal);
  const now = deps.clock.now();
  if (answer.outcome === 'unreadable') {
    const after = group.map(
      ([name, one]) => [name, { ...one, look: failedLook(one.look, answer.reason, now) }] as const,
    );
    await writeLooks(after, deps);
    return { after, settledTokens: new Set() };
  }
  return settle(answer, group, now, deps);
}

/** A secret that cannot be read is no reason to end a round either. */
async function answerOf(
  mailbox: ArrivalMailbox,
  sinceAt: number,
  signal: AbortSignal,
): Promise<MailboxAnswer> {
  try {
    return await mailbox.look(sinceAt, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return { outcome: 'unreadable', reason: withHint(error) };
  }
}

function withHint({ message, hint }: AppError): string {
  return hint === null ? message : `${message}: ${hint}`;
}

function sinceOf(group: Group, now: number): number {
  const waited = group.flatMap(([, one]) => one.canaries.filter(isWaitedFor).map((canary) => canary.sentAt));
  const shortest = Math.min(...group.map(([, one]) => one.policy.delayedAfterMs));
  return Math.min(now - shortest, ...waited) - overlapMs;
}

async function settle(
  answer: Extract<MailboxAnswer, { outcome: 'read' }>,
  group: Group,
  now: number,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<LookOutcome> {
  const idOf = tokenReader(group);
  const ids = [...answer.letters, ...answer.bounces].flatMap((one) => idOf(one.token) ?? []);
  const ours = new Map(
    group.flatMap(([, one]) => one.canaries.map((canary) => [canary.id, canary] as const)),
  );
  // What arrived long ago and was left in the mailbox, and canaries of routes that this run does not look at.
  const others = await deps.store.findCanaries(ids.filter((id) => !ours.has(id)));
  const rows = new Map([...others.map((one) => [one.id, one] as const), ...ours]);
  const looks = new Map(group.map(([name, one]) => [name, one.look] as const));
  const changed = new Map<string, Canary>();
  const skews = new Map<string, number>();
  let forged = 0;
  const letters = Map.groupBy(answer.letters, (one) => idOf(one.token) ?? '');
  for (const [id, copies] of letters) {
    const row = rows.get(id);
    if (id === '') forged = copies.length;
    else if (row !== undefined) {
      const look = looks.get(row.route) ?? null;
      const { canary, skewMs } = arrived(row, copies, look, now);
      changed.set(id, canary);
      if (skewMs !== null) skews.set(row.route, skewMs);
    }
  }
  for (const bounce of answer.bounces) {
    const row = rows.get(idOf(bounce.token) ?? '');
    if (row === undefined || row.arrivedAt !== null || changed.has(row.id)) continue;
    changed.set(row.id, {
      ...row,
      state: 'bounced',
      bounce: sanitise(bounce.text),
      handedAt: row.handedAt ?? row.sentAt,
    });
  }
  await deps.store.writeCanaries([...changed.values()]);
  const after = group.map(([name, one]) => {
    const skewMs = skews.get(name) ?? one.look?.skewMs ?? null;
    // Of what lies behind the letters that one look takes nothing is known: nothing unseen ages.
    const readAt = answer.isCut ? (one.look?.readAt ?? null) : now;
    const fault = answer.isCut ? cutText(forged) : null;
    const look: MailboxLook = { readAt, triedAt: now, fault, skewMs, forged };
    const canaries = one.canaries.map((canary) => changed.get(canary.id) ?? canary);
    return [name, { ...one, canaries, look }] as const;
  });
  await writeLooks(after, deps);
  await writeHours(after, [...changed.values()], deps);
  return { after, settledTokens: new Set([...changed.values()].map((one) => one.token)) };
}

/** Of any token, made once for each key: hundreds of routes share one, and a stranger may send thousands of letters. */
const sampleId = '0'.repeat(26);

/** The id of a token that a route of the group made; null for any other. */
function tokenReader(group: Group): (token: string) => string | null {
  const probes = group.flatMap(([, { probe }]) => probe ?? []);
  const byKey = [...new Map(probes.map((one) => [one.tokenOf(sampleId), one])).values()];
  const known = new Map<string, string | null>();
  return (token) => {
    const before = known.get(token);
    if (before !== undefined) return before;
    let id: string | null = null;
    for (const probe of byKey) id ??= probe.idOf(token);
    known.set(token, id);
    return id;
  };
}

function cutText(forged: number): string {
  const strange = forged === 0 ? '' : ` (${forged} of a stranger's making)`;
  return `the mailbox holds more letters with tokens than one look takes${strange}: clear it, or give canaries one of their own`;
}

/** The first copy counts; a second one comes where the reply to the first was lost (RFC 5321 §4.5.3.2.6). */
function arrived(
  row: Canary,
  copies: readonly FoundLetter[],
  look: MailboxLook | null,
  now: number,
): { readonly canary: Canary; readonly skewMs: number | null } {
  if (row.arrivedAt !== null)
    return { canary: { ...row, copies: Math.max(row.copies, copies.length) }, skewMs: null };
  const handedAt = row.handedAt ?? row.sentAt;
  const window = { earliestAt: Math.max(handedAt, look?.readAt ?? 0), latestAt: now };
  const placed = copies
    .map((one) => ({
      one,
      ...placeArrival(one.storedAt ?? one.trace.at(-1)?.at ?? null, window, look?.skewMs ?? null),
    }))
    .sort((a, b) => a.arrivedAt - b.arrivedAt);
  const [first] = placed;
  if (first === undefined) return { canary: row, skewMs: null };
  const canary: Canary = {
    ...row,
    state: 'arrived',
    handedAt,
    arrivedAt: first.arrivedAt,
    summary: first.one.isBySubject ? `${row.summary}; a filter took its header fields off` : row.summary,
    isSpam: copies.every((one) => one.isSpam),
    copies: copies.length,
    isBySubject: copies.every((one) => one.isBySubject),
    trace: first.one.trace,
    nextAttemptAt: null,
  };
  return { canary, skewMs: first.skewMs };
}

async function writeLooks(after: Group, deps: Pick<Deps, 'store'>): Promise<void> {
  await deps.store.writeMailboxLooks(
    after.flatMap(([route, { look }]) => (look === null ? [] : [{ route, look }])),
  );
}

/** The hours that the changed canaries were handed over in, from all that is known of them. */
async function writeHours(
  after: Group,
  changed: readonly Canary[],
  deps: Pick<Deps, 'store'>,
): Promise<void> {
  const routes = new Set(changed.map((one) => one.route));
  const hours = new Set(changed.map((one) => `${one.route} ${hourOf(one.handedAt ?? 0)}`));
  const ofChanged = after.filter(([name]) => routes.has(name));
  const rows = ofChanged.flatMap(([name, { canaries }]) =>
    latencyHours(canaries, 0).filter((one) => hours.has(`${name} ${one.hourAt}`)),
  );
  await deps.store.writeLatencyHours(rows);
}
