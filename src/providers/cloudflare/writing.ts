// Sends the changes of one call, batch after batch, and finds out what became of each. What is thrown was surely not
// applied; after a first batch was, failures are outcomes.

import { AppError, exitCodes, ProviderError } from '../../errors.ts';
import { displayName } from '../../model/domain-name.ts';
import type { TtlBounds } from '../../model/route.ts';
import { formatRrset, isSameRrset, type RrType } from '../../model/rrset.ts';
import { sanitise } from '../../model/text.ts';
import { standingOf, unwritten } from '../changes.ts';
import type { ReplaceOutcome, ZoneChange } from '../provider.ts';
import { type CloudflareApi, longestWaitMs, type ZoneAt } from './api.ts';
import { countOf, isLocked, joined, type Live, operationsFor } from './convert.ts';
import {
  isRace,
  lockedError,
  neverAgreed,
  noAnswerError,
  refusalOf,
  throttledError,
  tooLarge,
} from './refusals.ts';

/** How often a batch is made anew while others change the same records. */
const maxAttempts = 4;
/** A look this young is a look just before the write: about what one exchange takes; ms. */
const freshMs = 1000;
/** Pauses before reading back after a lost reply; ms. What was slow to answer may be about to apply. */
const readBackPausesMs = [0, 1000, 3000] as const;

/** Types that a record is posted as with `content` alone. */
const writableTypes: readonly RrType[] = ['A', 'AAAA', 'CNAME', 'MX', 'TXT'];

/** Throws for what the API would not take, before anything is sent. */
export function checkWritable(changes: readonly ZoneChange[], { least, most }: TtlBounds): void {
  for (const { owner, type, desired } of changes) {
    const what = `${displayName(owner)} ${type}`;
    const refuse = (message: string, hint: string) =>
      new ProviderError('provider-refused', message, { hint, exitCode: exitCodes.refused });
    if (!writableTypes.includes(type)) throw refuse(`${what} is not written here`, 'Use the dashboard.');
    if (desired !== null && (desired.ttl < least || desired.ttl > most))
      throw refuse(
        `${what}: Cloudflare takes TTLs from ${least} to ${most} on this plan, not ${desired.ttl}`,
        'Change ttl or failover_ttl, or name the plan of the zone under the provider.',
      );
  }
}

/** A change that is to be written, and what stands there as last read. */
interface Due {
  /** In the caller's list. */
  readonly index: number;
  readonly change: ZoneChange;
  readonly live: Live;
}

export interface WritingOptions {
  readonly api: CloudflareApi;
  readonly zone: ZoneAt;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly maxOperations: number;
  readonly read: (changes: readonly ZoneChange[], signal: AbortSignal) => Promise<readonly Live[]>;
}

type Outcomes = Map<number, ReplaceOutcome>;

const never = new AbortController().signal;

/** By index of the change; `readAt` is when `due` was read. Throws where nothing was applied. */
export async function writeChanges(
  options: WritingOptions,
  due: readonly Due[],
  readAt: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let stop: string | null = null;
  for (const batch of batchesOf(due, options)) {
    const one: Outcomes =
      stop === null ? await guarded(options, batch, outcomes, readAt, signal) : skipped(batch, stop);
    for (const [index, outcome] of one) outcomes.set(index, outcome);
    stop ??= stopAfter(one);
  }
  const done = due.filter(({ index }) => outcomes.get(index)?.state === 'applied');
  if (done.length > 0)
    for (const [index, outcome] of await confirm(options, done)) outcomes.set(index, outcome);
  return outcomes;
}

/** In order, as full as they go; an RRset is never torn apart. */
function batchesOf(due: readonly Due[], { maxOperations, zone }: WritingOptions): Due[][] {
  const batches: Due[][] = [];
  let count = Infinity;
  for (const one of due) {
    const size = countOf(operationsFor(one.change, one.live));
    if (size > maxOperations) throw tooLarge(zone.name, one.change.owner, size, maxOperations);
    count += size;
    if (count > maxOperations) {
      batches.push([]);
      count = size;
    }
    batches.at(-1)?.push(one);
  }
  return batches;
}

/** An error after something was applied is told as an outcome. */
async function guarded(
  options: WritingOptions,
  batch: readonly Due[],
  before: Outcomes,
  readAt: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  try {
    signal.throwIfAborted();
    return await writeBatch(options, batch, readAt, signal);
  } catch (error) {
    const isFirst = ![...before.values()].some((one) => one.state === 'applied');
    if (isFirst || !(error instanceof AppError || signal.aborted)) throw error;
    return skipped(batch, error instanceof AppError ? error.message : 'interrupted before it was sent');
  }
}

async function writeBatch(
  options: WritingOptions,
  batch: readonly Due[],
  readAt: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const { api, zone, clock } = options;
  const changes = batch.map((one) => one.change);
  let live: readonly Live[] = batch.map((one) => one.live);
  let lookedAt = readAt;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    // First, for it may wait long.
    await api.turn(signal);
    if (attempt > 1 || clock.now() - lookedAt > freshMs) {
      lookedAt = clock.now();
      live = await options.read(changes, signal);
      const rrsets = live.map((one) => one.rrset);
      const standings = changes.map((change, at) => standingOf(change, rrsets[at] ?? null));
      if (standings.includes('conflict') || !standings.includes('write'))
        return outcomesIn(batch, unwritten(changes, rrsets));
    }
    const locked = live.find((one) => isLocked(one.records));
    if (locked !== undefined) throw lockedError(zone.name);
    const operations = joined(changes.map((change, at) => operationsFor(change, live[at] ?? nothing)));
    const written = await api.batch(zone, operations, signal);
    switch (written.kind) {
      case 'done':
        return applied(batch);
      case 'lost':
        return readBack(options, batch, written.reason, signal);
      case 'not-sent':
        throw noAnswerError(api.host, written.reason, 'the batch was not applied');
      case 'throttled':
        if (written.retryAfterMs > longestWaitMs) throw throttledError(api.host, written.retryAfterMs);
        await clock.sleep(written.retryAfterMs, signal);
        break;
      case 'refused':
        if (!isRace(written)) throw refusalOf({ host: api.host, verb: 'write', zone: zone.name, ...written });
    }
  }
  throw neverAgreed(api.host, zone.name, maxAttempts);
}

const nothing: Live = { rrset: null, records: [] };

function applied(batch: readonly Due[]): Outcomes {
  return outcomesIn(
    batch,
    batch.map(() => ({ state: 'applied' })),
  );
}

/** The batches were done; what somebody added meanwhile only shows now. */
async function confirm(options: WritingOptions, batch: readonly Due[]): Promise<Outcomes> {
  let live: readonly Live[];
  try {
    // Not the caller's signal: what was written is told, even to somebody who gave up.
    live = await options.read(
      batch.map((one) => one.change),
      never,
    );
  } catch {
    return applied(batch);
  }
  return outcomesIn(
    batch,
    batch.map(({ change }, at): ReplaceOutcome => {
      const rrset = live[at]?.rrset ?? null;
      if (isSameRrset(rrset, change.desired)) return { state: 'applied' };
      const now = rrset === null ? 'no such RRset' : formatRrset(rrset).join(', ');
      const reason = `${options.api.host} took the batch, and somebody else wrote too; it holds: ${now}`;
      return { state: 'unknown', reason: sanitise(reason, 600) };
    }),
  );
}

/** The reply was lost: what is live decides. Never sends again. */
async function readBack(
  options: WritingOptions,
  batch: readonly Due[],
  lost: string,
  signal: AbortSignal,
): Promise<Outcomes> {
  const changes = batch.map((one) => one.change);
  for (const pauseMs of readBackPausesMs) {
    await options.clock.sleep(pauseMs, never);
    let live: readonly Live[];
    try {
      live = await options.read(changes, never);
    } catch (error) {
      const why = error instanceof Error ? error.message : 'no answer';
      const reason = sanitise(`no reply to the batch (${lost}), and reading back failed: ${why}`, 600);
      return outcomesIn(
        batch,
        batch.map(() => ({ state: 'unknown', reason })),
      );
    }
    const standings = changes.map((change, at) => standingOf(change, live[at]?.rrset ?? null));
    if (standings.every((one) => one === 'write')) continue;
    return outcomesIn(
      batch,
      standings.map((standing, at) =>
        standing === 'done' ? { state: 'applied' } : { state: 'conflict', live: live[at]?.rrset ?? null },
      ),
    );
  }
  signal.throwIfAborted();
  throw noAnswerError(options.api.host, lost, 'the batch was not applied');
}

function outcomesIn(batch: readonly Due[], outcomes: readonly ReplaceOutcome[]): Outcomes {
  return new Map(
    batch.flatMap(({ index }, at) => {
      const outcome = outcomes[at];
      return outcome === undefined ? [] : [[index, outcome] as const];
    }),
  );
}

function skipped(batch: readonly Due[], reason: string): Outcomes {
  return outcomesIn(
    batch,
    batch.map(() => ({ state: 'skipped', reason })),
  );
}

function stopAfter(outcomes: Outcomes): string | null {
  const states = new Set([...outcomes.values()].map((one) => one.state));
  if (states.has('skipped') || states.has('conflict')) return 'an earlier batch of the zone was not applied';
  return states.has('unknown') ? 'what became of an earlier batch of the zone is not known' : null;
}
