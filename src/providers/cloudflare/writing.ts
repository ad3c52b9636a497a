// Sends the changes of one call, batch after batch, and finds out what became of each. What is thrown was surely not
// applied; after a first batch was, failures are outcomes.

import { exitCodes, ProviderError } from '../../errors.ts';
import { displayName } from '../../model/domain-name.ts';
import type { TtlBounds } from '../../model/route.ts';
import type { RrType } from '../../model/rrset.ts';
import type { ZoneChange } from '../provider.ts';
import {
  confirm,
  type Due,
  judge,
  type Outcomes,
  outcomesOf,
  type ProviderClock,
  readBack,
  type See,
  writeInTurn,
} from '../zone-provider.ts';
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

export interface WritingOptions {
  readonly api: CloudflareApi;
  readonly zone: ZoneAt;
  readonly clock: ProviderClock;
  readonly maxOperations: number;
  readonly see: See<Live>;
}

/** By index of the change; `readAt` is when `due` was read. Throws where nothing was applied. */
export async function writeChanges(
  options: WritingOptions,
  due: readonly Due<Live>[],
  readAt: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const written = await writeInTurn(batchesOf(due, options), signal, (batch) =>
    writeBatch(options, batch, readAt, signal),
  );
  // What somebody added meanwhile only shows now.
  const done = due.filter(({ index }) => written.get(index)?.state === 'applied');
  if (done.length === 0) return written;
  return new Map([...written, ...(await confirm(done, options.see, `${options.api.host} took the batch`))]);
}

/** In order, as full as they go; an RRset is never torn apart. */
function batchesOf(due: readonly Due<Live>[], { maxOperations, zone }: WritingOptions): Due<Live>[][] {
  const batches: Due<Live>[][] = [];
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

async function writeBatch(
  options: WritingOptions,
  batch: readonly Due<Live>[],
  readAt: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const { api, zone, clock } = options;
  let due = batch;
  let lookedAt = readAt;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    // First, for it may wait long.
    await api.turn(signal);
    if (attempt > 1 || clock.now() - lookedAt > freshMs) {
      lookedAt = clock.now();
      const live = await options.see(
        due.map((one) => one.change),
        signal,
      );
      const judged = judge(due, live);
      if ('settled' in judged) return judged.settled;
      ({ due } = judged);
    }
    if (due.some((one) => isLocked(one.live.records))) throw lockedError(zone.name);
    const operations = joined(due.map((one) => operationsFor(one.change, one.live)));
    const written = await api.batch(zone, operations, signal);
    switch (written.kind) {
      case 'done':
        return outcomesOf(due, () => ({ state: 'applied' }));
      case 'lost':
        return settleLost(options, due, written.reason, signal);
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

async function settleLost(
  { api, see, clock }: WritingOptions,
  due: readonly Due<Live>[],
  reason: string,
  signal: AbortSignal,
): Promise<Outcomes> {
  const what = `no reply to the batch (${reason})`;
  const outcomes = await readBack({ due, see, clock, pausesMs: readBackPausesMs, what });
  if (outcomes !== null) return outcomes;
  signal.throwIfAborted();
  throw noAnswerError(api.host, reason, 'the batch was not applied');
}
