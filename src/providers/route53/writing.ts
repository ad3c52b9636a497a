// Sends the changes of one call, batch after batch, and finds out what became of each. What is thrown was surely not
// applied; after a first batch was, failures are outcomes.

import { AppError, ProviderError } from '../../errors.ts';
import { displayName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';
import { standingOf, unwritten } from '../changes.ts';
import type { ReplaceOutcome, RrsetQuestion } from '../provider.ts';
import type { Route53Api } from './api.ts';
import { batchesOf, type DueChange, recordChangesOf } from './batches.ts';
import type { Live } from './convert.ts';
import { CallFailure } from './failures.ts';
import type { Pace, Route53Clock } from './pace.ts';
import { refusalOf, type RefusedCall } from './refusals.ts';

/** How often a batch is tried while others write the same record sets anew without changing them. */
const maxAttempts = 3;
/** Pauses before reading back after a lost reply; ms. A request that was slow may be about to be applied. */
const readBackPausesMs = [0, 500, 2000] as const;
/** Pauses between looks at whether a change has spread; ms. The last repeats. */
const inSyncPausesMs = [2000, 3000, 5000] as const;
/** "Generally within 60 seconds", says the documentation. Past it the authorities are read anyway; ms. */
const inSyncWithinMs = 60_000;
/** Comment of a ChangeBatch: at most 256 characters. */
const maxComment = 256;

export interface WritingOptions {
  readonly api: Route53Api;
  readonly pace: Pace;
  readonly clock: Route53Clock;
  readonly call: RefusedCall & { readonly zoneId: string };
  /** In CloudTrail and in GetChange: says whose change it was. */
  readonly comment: string;
  readonly read: (questions: readonly RrsetQuestion[], signal: AbortSignal) => Promise<Live[]>;
}

type Outcomes = Map<number, ReplaceOutcome>;

export class Writing {
  readonly #options: WritingOptions;
  #lastChangeId: string | null = null;

  constructor(options: WritingOptions) {
    this.#options = options;
  }

  /** By index of the change. Throws where nothing was applied. */
  async write(due: readonly DueChange[], signal: AbortSignal): Promise<Outcomes> {
    const batches = batchesOf(due);
    if (batches === null) throw tooLarge(this.#options.call);
    const outcomes: Outcomes = new Map();
    let stop: string | null = null;
    for (const batch of batches) {
      stop ??= signal.aborted && outcomes.size > 0 ? 'interrupted before its batch was sent' : null;
      const one: Outcomes =
        stop === null ? await this.#guarded(batch, outcomes, signal) : skipped(batch, stop);
      for (const [index, outcome] of one) outcomes.set(index, outcome);
      stop ??= stopAfter(one);
    }
    await this.#awaitInSync(signal);
    return outcomes;
  }

  /** As `#send`; an error after something was applied is told as outcome. */
  async #guarded(batch: readonly DueChange[], before: Outcomes, signal: AbortSignal): Promise<Outcomes> {
    try {
      return await this.#send(batch, signal);
    } catch (error) {
      const isFirst = ![...before.values()].some((one) => one.state === 'applied');
      if (isFirst || !(error instanceof AppError || signal.aborted)) throw error;
      return skipped(
        batch,
        error instanceof AppError ? error.message : 'interrupted before its batch was sent',
      );
    }
  }

  async #send(batch: readonly DueChange[], signal: AbortSignal): Promise<Outcomes> {
    let due = batch;
    const settled: Outcomes = new Map();
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#submit(due, signal);
      if (failure === null) return outcomesOf(settled, due, { state: 'applied' });
      if (failure.kind === 'lost') return this.#readBack(due, failure, settled, signal);
      if (failure.kind !== 'batch-refused' && failure.kind !== 'odd')
        throw refusalOf(failure, this.#options.call);
      const live = await this.#liveAfter(due, failure, signal);
      if (live === null) return outcomesOf(settled, due, unknownAfter(failure, 'reading back failed'));
      const standings = due.map(({ change }, at) => standingOf(change, live[at]?.rrset ?? null));
      if (standings.includes('conflict')) return conflictIn(due, live, settled);
      due.forEach(({ index }, at) => {
        // Refused by name: somebody else wrote it. Refused for a reason we do not know: it may have been us.
        const state = failure.kind === 'odd' ? 'applied' : 'unchanged';
        if (standings[at] === 'done') settled.set(index, { state });
      });
      const next = due.flatMap((one, at): DueChange[] =>
        standings[at] === 'write' ? [{ ...one, raw: live[at]?.raw ?? null }] : [],
      );
      if (next.length === 0) return settled;
      // What stands there is what we sent: it was refused for another reason, which will not go away.
      const isSame = next.length === due.length && next.every((one, at) => isSameRaw(one, due[at]));
      if (isSame || attempt === maxAttempts) throw refusalOf(failure, this.#options.call);
      due = next;
    }
  }

  /** Null = accepted. Throws only on an abort before anything was sent. */
  async #submit(due: readonly DueChange[], signal: AbortSignal): Promise<CallFailure | null> {
    const { api, pace, call, comment } = this.#options;
    const changes = due.flatMap(recordChangesOf);
    try {
      const submitted = await pace.call(false, signal, () =>
        api.submit(call.zoneId, changes, sanitise(comment, maxComment), signal),
      );
      this.#lastChangeId = submitted.isInSync ? null : submitted.changeId;
      return null;
    } catch (error) {
      if (error instanceof CallFailure) return error;
      throw error;
    }
  }

  /** After a refusal. Null where it cannot be read and the refusal alone does not tell. */
  async #liveAfter(
    due: readonly DueChange[],
    failure: CallFailure,
    signal: AbortSignal,
  ): Promise<readonly Live[] | null> {
    try {
      return await this.#options.read(
        due.map((one) => one.change),
        new AbortController().signal,
      );
    } catch {
      signal.throwIfAborted();
      // InvalidChangeBatch is all or nothing: nothing, then.
      if (failure.kind === 'batch-refused') throw refusalOf(failure, this.#options.call);
      return null;
    }
  }

  /** The reply was lost: what is live decides. Never sends again. */
  async #readBack(
    due: readonly DueChange[],
    lost: CallFailure,
    settled: Outcomes,
    signal: AbortSignal,
  ): Promise<Outcomes> {
    const never = new AbortController().signal;
    for (const pauseMs of readBackPausesMs) {
      await this.#options.clock.sleep(pauseMs, never);
      let live: readonly Live[];
      try {
        live = await this.#options.read(
          due.map((one) => one.change),
          never,
        );
      } catch (error) {
        const why = error instanceof Error ? error.message : 'no answer';
        return outcomesOf(settled, due, unknownAfter(lost, `reading back failed: ${why}`));
      }
      const standings = due.map(({ change }, at) => standingOf(change, live[at]?.rrset ?? null));
      if (standings.every((one) => one === 'write')) continue;
      due.forEach(({ index }, at) => {
        settled.set(
          index,
          standings[at] === 'done'
            ? { state: 'applied' }
            : { state: 'conflict', live: live[at]?.rrset ?? null },
        );
      });
      return settled;
    }
    signal.throwIfAborted();
    throw refusalOf(lost, this.#options.call, 'the change was not applied');
  }

  /** Waits until Route 53 says that every one of its servers has it: those we ask are anycast, so reading them shows one
   *  site of many. The last change speaks for those before it. Without the right to ask there is nothing to wait for. */
  async #awaitInSync(signal: AbortSignal): Promise<void> {
    const { api, pace, clock } = this.#options;
    const changeId = this.#lastChangeId;
    if (changeId === null) return;
    try {
      let waitedMs = 0;
      for (let look = 0; ; look++) {
        const pauseMs = inSyncPausesMs[Math.min(look, inSyncPausesMs.length - 1)] ?? 0;
        waitedMs += pauseMs;
        if (waitedMs > inSyncWithinMs) return;
        await clock.sleep(pauseMs, signal);
        const { isInSync } = await pace.call(true, signal, () => api.readChange(changeId, signal));
        if (isInSync) return;
      }
    } catch (error) {
      // An abort ends the waiting, not the change: what was written is told.
      if (!(error instanceof CallFailure) && !signal.aborted) throw error;
    }
  }
}

function outcomesOf(settled: Outcomes, due: readonly DueChange[], outcome: ReplaceOutcome): Outcomes {
  for (const { index } of due) settled.set(index, outcome);
  return settled;
}

function skipped(batch: readonly DueChange[], reason: string): Outcomes {
  return outcomesOf(new Map(), batch, { state: 'skipped', reason });
}

function stopAfter(outcomes: Outcomes): string | null {
  const states = new Set([...outcomes.values()].map((one) => one.state));
  if (states.has('skipped') || states.has('conflict')) return 'an earlier batch of the zone was not applied';
  return states.has('unknown') ? 'what became of an earlier batch of the zone is not known' : null;
}

function conflictIn(due: readonly DueChange[], live: readonly Live[], settled: Outcomes): Outcomes {
  const outcomes = unwritten(
    due.map((one) => one.change),
    live.map((one) => one.rrset),
  );
  due.forEach(({ index }, at) => {
    const outcome = outcomes[at];
    if (outcome !== undefined) settled.set(index, outcome);
  });
  return settled;
}

function unknownAfter(failure: CallFailure, why: string): ReplaceOutcome {
  const reason = sanitise(
    `no clear reply to the change (${failure.code}: ${failure.message}), and ${why}`,
    600,
  );
  return { state: 'unknown', reason };
}

function isSameRaw(a: DueChange, b: DueChange | undefined): boolean {
  return b !== undefined && JSON.stringify(a.raw) === JSON.stringify(b.raw);
}

function tooLarge({ zone }: RefusedCall): ProviderError {
  return new ProviderError(
    'provider-refused',
    `an RRset of zone ${displayName(zone)} is too large for one change of Route 53`,
    { hint: 'One request takes 1,000 values or 32,000 characters: give the name fewer or shorter values.' },
  );
}
