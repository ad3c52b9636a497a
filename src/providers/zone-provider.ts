// The frame of every adapter: one RRset is read by way of many; what must never be sent is refused; what stands as
// wanted is left, what stands otherwise is a conflict; batches go one by one; a lost reply is resolved by reading back.
// An adapter says how it reads and how it writes, and keeps at its own lines what is true of its provider alone. Sends
// nothing by itself, and never asks an adapter to send a second time.

import { AppError } from '../errors.ts';
import type { DomainName } from '../model/domain-name.ts';
import { formatRrset, isSameRrset, type Rrset, type RrType } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import { checkChanges, type Standing, standingOf } from './changes.ts';
import type {
  Provider,
  ProviderCapabilities,
  ReplaceOutcome,
  RrsetQuestion,
  ZoneChange,
} from './provider.ts';

/** What stands at one owner and type; an adapter adds what it must know to write there. */
export interface Seen {
  readonly rrset: Rrset | null;
}

export interface Pending {
  /** In the caller's list. */
  readonly index: number;
  readonly change: ZoneChange;
}

/** To be written over what was seen there. */
export interface Due<S extends Seen> extends Pending {
  readonly live: S;
}

/** By index in the caller's list. */
export type Outcomes = ReadonlyMap<number, ReplaceOutcome>;

/** Reads in the order asked. */
export type See<S extends Seen> = (
  changes: readonly ZoneChange[],
  signal: AbortSignal,
) => Promise<readonly S[]>;

/** `runtime/clock.ts` has one; providers know only this much of it. */
export interface ProviderClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What was written is told, even to somebody who gave up: no abort ends the looks after a write. */
const never = new AbortController().signal;

/** A failed look after a lost reply is taken again within this time: a server that restarts refuses at once, and a
 *  network that is gone keeps a person waiting; ms. */
const lookAgainWithinMs = 3000;

/** Characters of a reason: a few RRsets, or an error's text. */
const longestReason = 600;

export abstract class ZoneProvider implements Provider {
  abstract readonly name: string;
  abstract readonly label: string;
  abstract readonly capabilities: ProviderCapabilities;

  /** In the order asked. Throws ProviderError where the provider cannot say. */
  protected abstract see(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Seen[]>;

  /** Compare-and-set of at least one change; a change without an outcome is as desired already. */
  protected abstract replace(
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
    operation?: string,
  ): Promise<Outcomes>;

  async readRrset(
    zone: DomainName,
    owner: DomainName,
    type: RrType,
    signal: AbortSignal,
  ): Promise<Rrset | null> {
    const [rrset] = await this.readRrsets(zone, [{ owner, type }], signal);
    return rrset ?? null;
  }

  async readRrsets(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly (Rrset | null)[]> {
    signal.throwIfAborted();
    return (await this.see(zone, questions, signal)).map((one) => one.rrset);
  }

  async replaceRrsets(
    zone: DomainName,
    changes: readonly ZoneChange[],
    signal: AbortSignal,
    operation?: string,
  ): Promise<readonly ReplaceOutcome[]> {
    checkChanges(zone, changes, this.capabilities.maxBatch);
    if (changes.length === 0) return [];
    signal.throwIfAborted();
    const pending = changes.map((change, index) => ({ index, change }));
    const outcomes = await this.replace(zone, pending, signal, operation);
    return changes.map((_, index) => outcomes.get(index) ?? { state: 'unchanged' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What is left to write, or the outcomes where nothing may be: one foreign RRset spoils an atomic batch. */
export function judge<S extends Seen>(
  pending: readonly Pending[],
  live: readonly S[],
): { readonly settled: Outcomes } | { readonly due: readonly Due<S>[] } {
  const standings = pending.map(({ change }, at) => standingOf(change, live[at]?.rrset ?? null));
  if (standings.includes('conflict') || !standings.includes('write'))
    return { settled: outcomesOf(pending, (_, at) => unwritten(standings[at], live[at]?.rrset ?? null)) };
  const due = pending.flatMap((one, at) => {
    const seen = live[at];
    return standings[at] === 'write' && seen !== undefined ? [{ ...one, live: seen }] : [];
  });
  return { due };
}

function unwritten(standing: Standing | undefined, live: Rrset | null): ReplaceOutcome {
  if (standing === 'done') return { state: 'unchanged' };
  return standing === 'conflict'
    ? { state: 'conflict', live }
    : { state: 'skipped', reason: 'another RRset of the same batch is not as expected' };
}

export function outcomesOf(
  pending: readonly Pending[],
  outcomeOf: (change: ZoneChange, at: number) => ReplaceOutcome | undefined,
): Outcomes {
  return new Map(
    pending.flatMap(({ index, change }, at) => {
      const outcome = outcomeOf(change, at);
      return outcome === undefined ? [] : [[index, outcome] as const];
    }),
  );
}

/** Batch after batch. What is thrown was surely not applied: after a first batch was, a failure is an outcome. */
export async function writeInTurn<P extends Pending>(
  batches: readonly (readonly P[])[],
  signal: AbortSignal,
  send: (batch: readonly P[]) => Promise<Outcomes>,
): Promise<Outcomes> {
  const outcomes = new Map<number, ReplaceOutcome>();
  let stop: string | null = null;
  for (const batch of batches) {
    stop ??= signal.aborted && outcomes.size > 0 ? 'interrupted before its batch was sent' : null;
    const isFirst = ![...outcomes.values()].some((one) => one.state === 'applied');
    const one: Outcomes = stop === null ? await sendOne(batch, isFirst, signal, send) : skipped(batch, stop);
    for (const [index, outcome] of one) outcomes.set(index, outcome);
    stop ??= whyStop(one);
  }
  return outcomes;
}

async function sendOne<P extends Pending>(
  batch: readonly P[],
  isFirst: boolean,
  signal: AbortSignal,
  send: (batch: readonly P[]) => Promise<Outcomes>,
): Promise<Outcomes> {
  try {
    return await send(batch);
  } catch (error) {
    if (isFirst || !(error instanceof AppError || signal.aborted)) throw error;
    return skipped(
      batch,
      error instanceof AppError ? error.message : 'interrupted before its batch was sent',
    );
  }
}

function skipped(batch: readonly Pending[], reason: string): Outcomes {
  return outcomesOf(batch, () => ({ state: 'skipped', reason }));
}

function whyStop(outcomes: Outcomes): string | null {
  const states = new Set([...outcomes.values()].map((one) => one.state));
  if (states.has('skipped') || states.has('conflict')) return 'an earlier batch of the zone was not applied';
  return states.has('unknown') ? 'what became of an earlier batch of the zone is not known' : null;
}

/** The provider said that it was done, and what is live says whether that is so. `took`: `192.0.2.53 took the update`. */
export async function confirm(pending: readonly Pending[], see: See<Seen>, took: string): Promise<Outcomes> {
  let live: readonly Seen[];
  try {
    live = await see(
      pending.map((one) => one.change),
      never,
    );
  } catch {
    return outcomesOf(pending, () => ({ state: 'applied' }));
  }
  return outcomesOf(pending, (change, at) => {
    const rrset = live[at]?.rrset ?? null;
    if (isSameRrset(rrset, change.desired)) return { state: 'applied' };
    const now = rrset === null ? 'no such RRset' : formatRrset(rrset).join(', ');
    return { state: 'unknown', reason: sanitise(`${took}, and yet it holds: ${now}`, longestReason) };
  });
}

export interface LostReply<S extends Seen> {
  readonly due: readonly Due<S>[];
  readonly see: See<Seen>;
  readonly clock: ProviderClock;
  /** Before each look: what was slow to answer may be about to apply; ms. */
  readonly pausesMs: readonly number[];
  /** e.g. `no reply to the update (connection closed before the reply)`. */
  readonly what: string;
}

/** A reply was lost: what is live decides, all or nothing where batches are atomic. Null = nothing was applied. */
export async function readBack<S extends Seen>(lost: LostReply<S>): Promise<Outcomes | null> {
  const { due, see, clock, pausesMs, what } = lost;
  const beganAt = clock.now();
  let unread: string | null = null;
  for (const pauseMs of pausesMs) {
    if (unread !== null && clock.now() - beganAt > lookAgainWithinMs) break;
    await clock.sleep(pauseMs, never);
    let live: readonly Seen[];
    try {
      live = await see(
        due.map((one) => one.change),
        never,
      );
      unread = null;
    } catch (error) {
      unread = error instanceof Error ? error.message : 'no answer';
      continue;
    }
    const standings = due.map(({ change }, at) => standingOf(change, live[at]?.rrset ?? null));
    if (standings.every((one) => one === 'write')) continue;
    return outcomesOf(due, (_, at) =>
      standings[at] === 'done' ? { state: 'applied' } : { state: 'conflict', live: live[at]?.rrset ?? null },
    );
  }
  if (unread === null) return null;
  const reason = sanitise(`${what}, and reading back failed: ${unread}`, longestReason);
  return outcomesOf(due, () => ({ state: 'unknown', reason }));
}
