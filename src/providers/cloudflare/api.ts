// The calls that are made, and when one is made again. A read is repeated after 429, 5xx and silence until a deadline;
// a write never is, for its outcome must be read back first. All of one token spend from one budget.

import type { z } from 'zod';
import type { ProviderError } from '../../errors.ts';
import { type DomainName, displayName } from '../../model/domain-name.ts';
import type { RrType } from '../../model/rrset.ts';
import type { RateBudget } from '../rate-budget.ts';
import type { Operations } from './convert.ts';
import { noAnswerError, refusalOf, type RefusedVerb, strangeAnswer, throttledError } from './refusals.ts';
import {
  batchAnswer,
  type CloudflareRecord,
  type CloudflareZone,
  type Failure,
  failureAnswer,
  recordsAnswer,
  zoneAnswer,
  zonesAnswer,
} from './shapes.ts';
import { type Answer, answerOf, type Client, NoAnswer, openClient } from './transport.ts';

export interface ApiOptions {
  readonly token: string;
  /** With the version's path. */
  readonly url: string;
  /** Bound of one exchange; ms. */
  readonly timeoutMs: number;
}

export interface ApiDeps {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly budget: RateBudget;
}

/** What became of a batch. */
export type Written =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly status: number; readonly failures: readonly Failure[] }
  /** Surely not applied; may be sent again then, after a look. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }
  | { readonly kind: 'not-sent' | 'lost'; readonly reason: string };

/** A person waits: longer than this a read is not repeated, nor a 429 sat out; ms. */
export const longestWaitMs = 30_000;
/** Tries of one read: with the pauses below some seconds, more only after `retry-after`. */
const maxTries = 4;
/** Before the second, third and fourth try, without a `retry-after`; ms. */
const pausesMs = [250, 1000, 3000] as const;
/** What a 429 without `retry-after` is taken to ask for: the window of the documented limit; ms. */
const unsaidRetryMs = 300_000;
/** After an abort, how long a write that is out may still be answered; ms. */
const abortGraceMs = 3000;
/** Records of a page: half a MiB, and one page for nearly every question. */
const recordsPerPage = 1000;
/** The most that the zone list gives at once. */
const zonesPerPage = 50;
/** A million records, or fifty thousand zones of one name: an answer that goes on after that is not believed. */
const maxPages = 1000;

export interface ZoneAt {
  readonly id: string;
  readonly name: DomainName;
}

interface Call {
  readonly verb: RefusedVerb;
  readonly zone: DomainName;
  readonly send: (client: Client, options: { signal: AbortSignal }) => Promise<Response>;
}

export class CloudflareApi {
  readonly host: string;
  readonly #client: Client;
  readonly #clock: ApiDeps['clock'];
  readonly #budget: RateBudget;

  constructor(options: ApiOptions, deps: ApiDeps) {
    this.host = new URL(options.url).host;
    this.#client = openClient(options);
    this.#clock = deps.clock;
    this.#budget = deps.budget;
  }

  /** Every zone of that name that the token sees, whatever its status. */
  async findZones(
    name: DomainName,
    accountId: string | null,
    signal: AbortSignal,
  ): Promise<CloudflareZone[]> {
    const account = accountId === null ? {} : { account: { id: accountId } };
    const zones = await this.#pages(zonesAnswer, signal, (page) => ({
      verb: 'zones',
      zone: name,
      send: (client, options) =>
        client.zones
          .list({ name: displayName(name), ...account, page, per_page: zonesPerPage }, options)
          .asResponse(),
    }));
    return zones ?? [];
  }

  async readZone(id: string, name: DomainName, signal: AbortSignal): Promise<CloudflareZone> {
    const call: Call = {
      verb: 'zones',
      zone: name,
      send: (client, options) => client.zones.get({ zone_id: id }, options).asResponse(),
    };
    return (await this.#read(call, zoneAnswer, signal)).result;
  }

  /** Records of one name, of one type, or both; null where they have more pages than `mostPages`. */
  listRecords(
    zone: ZoneAt,
    wanted: { readonly owner?: DomainName; readonly type?: RecordType },
    signal: AbortSignal,
    mostPages = maxPages,
  ): Promise<CloudflareRecord[] | null> {
    return this.#pages(recordsAnswer, signal, (page) => this.#recordsCall(zone, wanted, page), mostPages);
  }

  /** Waits until the budget allows one more request. Throws ProviderError where that is told to take long. */
  async turn(signal: AbortSignal): Promise<void> {
    const heldMs = this.#budget.heldForMs();
    if (heldMs > longestWaitMs) throw throttledError(this.host, heldMs);
    await this.#budget.take(signal);
    signal.throwIfAborted();
  }

  /** One batch, one database transaction, sent once, in a `turn` that the caller has taken. Rejects on abort only as long as nothing was sent. */
  async batch(zone: ZoneAt, operations: Operations, signal: AbortSignal): Promise<Written> {
    signal.throwIfAborted();
    const grace = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => grace.abort(), abortGraceMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const params = { zone_id: zone.id, ...operations } as unknown as Parameters<
        Client['dns']['records']['batch']
      >[0];
      return this.#written(
        await answerOf(() => this.#client.dns.records.batch(params, { signal: grace.signal }).asResponse()),
      );
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: error.kind, reason: error.reason };
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #written(answer: Answer): Written {
    const { status, body } = answer;
    if (status === 429) return { kind: 'throttled', retryAfterMs: this.#held(answer) };
    if (status >= 200 && status < 300)
      return batchAnswer.safeParse(body).success
        ? { kind: 'done' }
        : { kind: 'lost', reason: 'the reply is not that of a batch' };
    // A gateway may give up on what the database goes on with.
    if (status >= 500) return { kind: 'lost', reason: `HTTP ${status}` };
    return { kind: 'refused', status, failures: failuresIn(body) };
  }

  #recordsCall(
    zone: ZoneAt,
    { owner, type }: { readonly owner?: DomainName; readonly type?: RecordType },
    page: number,
  ): Call {
    const params = {
      zone_id: zone.id,
      ...(type === undefined ? {} : { type }),
      ...(owner === undefined ? {} : { name: { exact: displayName(owner) } }),
      // The order must hold from page to page.
      order: 'name',
      direction: 'asc',
      page,
      per_page: recordsPerPage,
    } as const;
    return {
      verb: 'read',
      zone: zone.name,
      send: (client, options) => client.dns.records.list(params, options).asResponse(),
    };
  }

  async #pages<Item extends { readonly id: string }>(
    shape: z.ZodType<Page<Item>>,
    signal: AbortSignal,
    callFor: (page: number) => Call,
    mostPages = maxPages,
  ): Promise<Item[] | null> {
    // By id: a record that moved from one page to the next while we read is one record.
    const items = new Map<string, Item>();
    for (let page = 1; ; page++) {
      const { result, result_info: info } = await this.#read(callFor(page), shape, signal);
      for (const item of result) items.set(item.id, item);
      const pages = info.total_pages ?? Math.ceil(info.total_count / info.per_page);
      if (page >= pages) return [...items.values()];
      if (pages > mostPages && mostPages < maxPages) return null;
      if (result.length === 0 || info.page !== page || pages > maxPages)
        throw strangeAnswer(this.host, 'its pages do not add up');
    }
  }

  async #read<T>(call: Call, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const deadline = this.#clock.now() + longestWaitMs;
    for (let attempt = 0; ; attempt++) {
      const tried = await this.#try(call, shape, signal);
      if (!(tried instanceof Failed)) return tried;
      const pauseMs = tried.retryAfterMs ?? pausesMs[attempt] ?? 0;
      const isLast = attempt + 1 >= maxTries || this.#clock.now() + pauseMs > deadline;
      if (!tried.error.retryable || isLast) throw tried.error;
      await this.#clock.sleep(pauseMs, signal);
    }
  }

  async #try<T>(call: Call, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | Failed> {
    await this.turn(signal);
    let answer: Answer;
    try {
      answer = await answerOf(() => call.send(this.#client, { signal }));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAnswer) return new Failed(noAnswerError(this.host, error.reason), null);
      throw error;
    }
    const { status, body } = answer;
    if (status === 429) {
      const retryAfterMs = this.#held(answer);
      return new Failed(throttledError(this.host, retryAfterMs), retryAfterMs);
    }
    if (status < 200 || status >= 300)
      return new Failed(
        refusalOf({ host: this.host, verb: call.verb, zone: call.zone, status, failures: failuresIn(body) }),
        answer.retryAfterMs,
      );
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw strangeAnswer(this.host, `not the documented shape at ${issue?.path.join('.') || 'its top'}`);
  }

  /** Cloudflare blocks every call for a while, so that all of this token wait. */
  #held({ retryAfterMs }: Answer): number {
    const pauseMs = retryAfterMs ?? unsaidRetryMs;
    this.#budget.hold(this.#clock.now() + pauseMs);
    return pauseMs;
  }
}

/** Types that this API has records of, among those mxctl has a name for. */
export type RecordType = Extract<RrType, 'A' | 'AAAA' | 'CNAME' | 'MX' | 'NS' | 'TLSA' | 'TXT'>;

interface Page<Item> {
  readonly result: Item[];
  readonly result_info: {
    readonly page: number;
    readonly total_pages?: number | undefined;
    readonly total_count: number;
    readonly per_page: number;
  };
}

class Failed {
  readonly error: ProviderError;
  readonly retryAfterMs: number | null;

  constructor(error: ProviderError, retryAfterMs: number | null) {
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

function failuresIn(body: unknown): Failure[] {
  const parsed = failureAnswer.safeParse(body);
  if (!parsed.success) return [];
  return parsed.data.errors.flatMap(({ error_chain: chain = [], ...failure }) => [failure, ...chain]);
}
