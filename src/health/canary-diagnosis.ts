// Where the fault is, from the canaries of all paths side by side: a path is blamed only where another one delivered in
// the same window. Both late is the mailbox or our network, and moving DNS would help nobody.

import type { Canary, CanaryPolicy, MailboxLook } from '../model/canary.ts';
import type { Fate } from '../model/fate.ts';
import type { PathHealth } from '../model/hop-health.ts';
import { canaryVerdict, isTroubled, unusualMs, type CanaryStatus, type CanaryVerdict } from './canary.ts';

/**
 * path      this path is late or swallows, another one delivers
 * mailbox   every path is late: the mailbox, or our network
 * unproven  late, and nothing to compare with
 * vantage   no path took a canary from here
 * policy    a path refuses the canary while its SMTP probe passes
 * mailbox-unread  the mailbox could not be read: nothing is known
 * mailbox-clock   the mailbox's clock is far off: arrivals are placed by what was seen
 * forged          letters with tokens of a stranger's making lie in the mailbox: they count for nothing
 */
export type CanaryFindingKind =
  'path' | 'mailbox' | 'unproven' | 'vantage' | 'policy' | 'mailbox-unread' | 'mailbox-clock' | 'forged';

export interface CanaryFinding {
  readonly kind: CanaryFindingKind;
  /** Null where it concerns all of them. */
  readonly path: string | null;
  /** For people, one sentence. */
  readonly text: string;
}

export interface CanaryReport {
  readonly policy: CanaryPolicy;
  readonly look: MailboxLook | null;
  readonly verdicts: ReadonlyMap<string, CanaryVerdict>;
  readonly findings: readonly CanaryFinding[];
}

export interface CanaryEvidence {
  readonly policy: CanaryPolicy;
  readonly canaries: readonly Canary[];
  readonly look: MailboxLook | null;
  /** What SMTP probes say of the paths. */
  readonly health: ReadonlyMap<string, PathHealth>;
  readonly now: number;
}

export function diagnoseCanaries(evidence: CanaryEvidence): CanaryReport {
  const { policy, canaries, look, now } = evidence;
  const verdicts = new Map(
    policy.paths.map((path) => [path, canaryVerdict(path, canaries, policy, look, now)] as const),
  );
  const all = [...verdicts.values()];
  const findings = [
    ...unread(look, now),
    ...all.flatMap((one) => lateness(one, all, policy)),
    ...handOvers(all, evidence),
    ...oddities(look),
  ];
  return { policy, look, verdicts, findings: findings.filter(isFirstOfItsText) };
}

function isFirstOfItsText(one: CanaryFinding, at: number, list: readonly CanaryFinding[]): boolean {
  return list.findIndex((other) => other.text === one.text) === at;
}

function unread(look: MailboxLook | null, now: number): CanaryFinding[] {
  if (look?.fault == null) return [];
  const since = look.readAt === null ? 'never read yet' : `last read ${age(now - look.readAt)} ago`;
  const text = `canaries tell nothing now: ${look.fault} (mailbox ${since})`;
  return [{ kind: 'mailbox-unread', path: null, text }];
}

/** Less is seconds of rounding and a look that came late; ms. */
const tellableSkewMs = 300_000;

/** What does no harm, and somebody should know. Without numbers that change from look to look. */
function oddities(look: MailboxLook | null): CanaryFinding[] {
  const skewMs = look?.skewMs ?? 0;
  const direction = skewMs > 0 ? 'ahead' : 'behind';
  return [
    ...(Math.abs(skewMs) < tellableSkewMs
      ? []
      : [
          {
            kind: 'mailbox-clock' as const,
            path: null,
            text: `the clock of the mailbox is ${age(Math.abs(skewMs))} ${direction}: arrivals are placed by what was seen`,
          },
        ]),
    ...(look === null || look.forged === 0 || look.fault !== null
      ? []
      : [
          {
            kind: 'forged' as const,
            path: null,
            text: "the mailbox holds letters with tokens of a stranger's making; they count for nothing",
          },
        ]),
  ];
}

function lateness(
  verdict: CanaryVerdict,
  all: readonly CanaryVerdict[],
  policy: CanaryPolicy,
): CanaryFinding[] {
  if (!isTroubled(verdict.status)) return [];
  const others = all.filter((one) => one !== verdict);
  const control = others.find((one) => isControl(one, verdict, policy));
  if (control !== undefined) {
    const text = `${what(verdict)}, ${control.path} delivers in ${age(control.lastLatencyMs ?? 0)}: the fault is in ${verdict.path}`;
    return [{ kind: 'path', path: verdict.path, text: `${text}${whatNext(verdict, policy)}` }];
  }
  if (others.some((one) => isTroubled(one.status))) {
    const paths = all.filter((one) => isTroubled(one.status)).map((one) => one.path);
    const text = `canaries are late by ${paths.join(' and ')} alike: the mailbox or our network, not a path`;
    return [{ kind: 'mailbox', path: null, text }];
  }
  const text = `${what(verdict)}, and no other path delivered a canary meanwhile to compare with`;
  return [{ kind: 'unproven', path: verdict.path, text }];
}

/** Delivered to the mailbox when the canary of the other was missing there already: not a moment before, for a mailbox
 *  that stops holds both up, and shows it by one path sooner than by the other. What was missing for `delayed_after`
 *  then is proof, whatever becomes of the control: the blame stays though it fails too, or the mailbox stops. */
function isControl(one: CanaryVerdict, late: CanaryVerdict, policy: CanaryPolicy): boolean {
  if (one.lastInTimeArrivedAt === null || late.since === null) return false;
  const missingMs = one.lastInTimeArrivedAt - late.since;
  const suspectMs = unusualMs(late.usualMs, policy);
  return missingMs >= policy.delayedAfterMs || (one.status === 'ok' && missingMs >= suspectMs);
}

function what(verdict: CanaryVerdict): string {
  const { path, status, owed, oldestMs } = verdict;
  const count = `${owed.length} canar${owed.length === 1 ? 'y' : 'ies'}`;
  if (status === 'bounced') return `${path} bounces canaries (${verdict.bounce ?? 'no reason given'})`;
  if (status === 'swallowed') return `${path} accepted ${count} that never arrived`;
  if (owed.length === 0) return `${path} delivered canaries up to ${age(verdict.worstMs ?? 0)} late`;
  return `${path} holds ${count}, the oldest for ${age(oldestMs ?? 0)}`;
}

function whatNext({ status, owed, streak }: CanaryVerdict, { rise }: CanaryPolicy): string {
  if (streak === 0) return '';
  if (owed.length === 0 || streak < rise) return `; ${streak} of ${rise} in time since`;
  return status === 'swallowed'
    ? '; new ones arrive: replay what is missing, then mxctl incident replayed'
    : '; new ones arrive, these are still on their way';
}

function handOvers(all: readonly CanaryVerdict[], { policy, health, now }: CanaryEvidence): CanaryFinding[] {
  const tried = all.filter((one) => one.newest !== null);
  const failing = tried.filter((one) => isNotTaken(one.newest));
  const [first] = failing;
  if (first === undefined) return [];
  if (tried.length > 1 && failing.length === tried.length && failing.every((one) => !isRefusal(one.newest))) {
    const text = `no path took a canary from here (${first.newest?.summary ?? ''}): this machine or its network`;
    return [{ kind: 'vantage', path: null, text }];
  }
  return failing.flatMap((one) => refusal(one, { policy, health, now }));
}

function isNotTaken(newest: Canary | null): boolean {
  return newest !== null && ['deferred', 'refused', 'unreachable'].includes(newest.state);
}

function isRefusal(newest: Canary | null): boolean {
  return newest?.state === 'refused';
}

/** A first 4yz is greylisting as it should be (RFC 6647 §2.1); one that lasts is not. */
function refusal(
  { path, newest }: CanaryVerdict,
  { policy, health, now }: Pick<CanaryEvidence, 'policy' | 'health' | 'now'>,
): CanaryFinding[] {
  const status = health.get(path)?.status;
  const isWell = status === 'ok' || status === 'degraded';
  if (newest === null || !isWell) return [];
  const isLasting = newest.state === 'deferred' && now - newest.sentAt > policy.delayedAfterMs;
  if (newest.state !== 'refused' && !isLasting) return [];
  const word = newest.state === 'refused' ? 'refuses' : 'keeps deferring';
  const text = `${path} ${word} the canary (${newest.summary}) though its SMTP probe passes: its policy, not an outage`;
  return [{ kind: 'policy', path, text }];
}

const fates: Partial<Readonly<Record<CanaryStatus, Fate>>> = {
  delayed: 'delayed',
  swallowed: 'swallowed',
  bounced: 'bounced',
};

/** Health of the paths with what canaries add: a path that takes mail and does not deliver it is down. */
export function withCanaries(
  health: ReadonlyMap<string, PathHealth>,
  report: CanaryReport | null,
): Map<string, PathHealth> {
  return new Map(
    [...health].map(([path, one]) => {
      const finding = report?.findings.find((other) => other.kind === 'path' && other.path === path);
      const verdict = report?.verdicts.get(path);
      const takesMail = one.status === 'ok' || one.status === 'degraded';
      if (finding === undefined || verdict === undefined || !takesMail) return [path, one];
      const fate = fates[verdict.status] ?? one.fate;
      return [path, { ...one, status: 'down', fate, reason: finding.text, failingSince: verdict.since }];
    }),
  );
}

const secondMs = 1000;

/** Coarse, for a sentence that must not change with every run: `45s`, `14m`, `3h`. */
function age(ms: number): string {
  if (ms < secondMs) return 'under 1s';
  if (ms < 60 * secondMs) return `${Math.round(ms / secondMs)}s`;
  return ms < 7200 * secondMs
    ? `${Math.floor(ms / (60 * secondMs))}m`
    : `${Math.floor(ms / (3600 * secondMs))}h`;
}
