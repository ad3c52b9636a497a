// Sends the changes of one call, batch after batch, and finds out what became of each. What is thrown was surely not
// applied; after a first batch was, failures are outcomes.

import { ProviderError } from '../../errors.ts';
import { displayName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';
import { standingOf } from '../changes.ts';
import type { ReplaceOutcome } from '../provider.ts';
import {
  judge,
  type Outcomes,
  outcomesOf,
  type ProviderClock,
  readBack,
  type See,
  writeInTurn,
} from '../zone-provider.ts';
import type { Route53Api } from './api.ts';
import { batchesOf, type DueChange, recordChangesOf } from './batches.ts';
import type { Live } from './convert.ts';
import { CallFailure } from './failures.ts';
import type { Pace } from './pace.ts';
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
  readonly clock: ProviderClock;
  readonly call: RefusedCall & { readonly zoneId: string };
  /** In CloudTrail and in GetChange: says whose change it was. */
  readonly comment: string;
  readonly see: See<Live>;
}

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
    const outcomes = await writeInTurn(batches, signal, (batch) => this.#send(batch, signal));
    await this.#awaitInSync(signal);
    return outcomes;
  }

  async #send(batch: readonly DueChange[], signal: AbortSignal): Promise<Outcomes> {
    let due = batch;
    const settled = new Map<number, ReplaceOutcome>();
    const withSettled = (outcomes: Outcomes): Outcomes => new Map([...settled, ...outcomes]);
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#submit(due, signal);
      if (failure === null) return withSettled(outcomesOf(due, () => ({ state: 'applied' })));
      if (failure.kind === 'lost') return withSettled(await this.#settleLost(due, failure, signal));
      if (failure.kind !== 'batch-refused' && failure.kind !== 'odd')
        throw refusalOf(failure, this.#options.call);
      const live = await this.#liveAfter(due, failure, signal);
      if (live === null) return withSettled(outcomesOf(due, () => unknownAfter(failure)));
      // Refused by name: somebody else wrote it. Refused for a reason we do not know: it may have been us.
      const state = failure.kind === 'odd' ? 'applied' : 'unchanged';
      due.forEach(({ index, change }, at) => {
        if (standingOf(change, live[at]?.rrset ?? null) === 'done') settled.set(index, { state });
      });
      const judged = judge(due, live);
      if ('settled' in judged) return new Map([...judged.settled, ...settled]);
      const next = judged.due;
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
      return await this.#options.see(
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

  async #settleLost(due: readonly DueChange[], lost: CallFailure, signal: AbortSignal): Promise<Outcomes> {
    const { see, clock, call } = this.#options;
    const what = `no clear reply to the change (${lost.code}: ${lost.message})`;
    const outcomes = await readBack({ due, see, clock, pausesMs: readBackPausesMs, what });
    if (outcomes !== null) return outcomes;
    signal.throwIfAborted();
    throw refusalOf(lost, call, 'the change was not applied');
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

function unknownAfter(failure: CallFailure): ReplaceOutcome {
  const what = `no clear reply to the change (${failure.code}: ${failure.message})`;
  return { state: 'unknown', reason: sanitise(`${what}, and reading back failed`, 600) };
}

function isSameRaw(a: DueChange, b: DueChange | undefined): boolean {
  return b !== undefined && JSON.stringify(a.live.raw) === JSON.stringify(b.live.raw);
}

function tooLarge({ zone }: RefusedCall): ProviderError {
  return new ProviderError(
    'provider-refused',
    `an RRset of zone ${displayName(zone)} is too large for one change of Route 53`,
    { hint: 'One request takes 1,000 values or 32,000 characters: give the name fewer or shorter values.' },
  );
}
