// Cloudflare DNS by its API. The RRsets of one zone are replaced in one batch, one database transaction, in which
// records keep their ids, comments and tags wherever a value replaces a value. Never sends a batch again without having
// read in between, never deletes in one call and posts in the next.
//
// Compare-and-set is weak, for the API has no precondition. Records are read just before the batch and addressed by id:
// one that was deleted or made anew meanwhile fails the whole batch (81044), and so does a value that somebody else
// added (81058). Not seen is an edit in place in the moment between reading and writing; another value that is added
// then is found by reading back.

import { createHash } from 'node:crypto';

import type { DomainName } from '../../model/domain-name.ts';
import type { Secret } from '../../model/secret.ts';
import { sanitise } from '../../model/text.ts';
import { providerKinds } from '../kinds.ts';
import type { Provider, ProviderCapabilities, RrsetQuestion } from '../provider.ts';
import type { Rate, RateBudgets } from '../rate-budget.ts';
import { judge, type Outcomes, type Pending, type ProviderClock, ZoneProvider } from '../zone-provider.ts';
import { CloudflareApi } from './api.ts';
import type { CloudflareConfig } from './config.ts';
import { isProxied, type Live, oddities } from './convert.ts';
import { readLive } from './reading.ts';
import { checkWritable, writeChanges } from './writing.ts';
import { Zones } from './zones.ts';

const defaultUrl = 'https://api.cloudflare.com/client/v4';

/** 1,200 requests in five minutes for all tokens of a user, and whoever exceeds them is shut out for five minutes,
 *  dashboard included (developers.cloudflare.com, "Rate limits"). At most 250 + 300 s * 3 = 1,150 are made here. */
const rate: Rate = { burst: 250, perSecond: 3 };

export type CloudflareOptions = Omit<CloudflareConfig, 'type' | 'token'> & {
  readonly name: string;
  readonly token: Secret;
};

export interface CloudflareDeps {
  readonly clock: ProviderClock;
  readonly budgets: RateBudgets;
}

export function createCloudflareProvider(options: CloudflareOptions, deps: CloudflareDeps): Provider {
  return new CloudflareProvider(options, deps);
}

class CloudflareProvider extends ZoneProvider {
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly #options: CloudflareOptions;
  readonly #clock: ProviderClock;
  readonly #api: CloudflareApi;
  readonly #zones: Zones;
  /** What was odd about RRsets as last read, by zone and RRset. */
  readonly #odd = new Map<DomainName, Map<string, readonly string[]>>();

  constructor(options: CloudflareOptions, { clock, budgets }: CloudflareDeps) {
    super();
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
    const token = options.token.reveal().trim();
    const account = createHash('sha256').update(token).digest('hex');
    this.#api = new CloudflareApi(
      { token, url: options.endpoint ?? defaultUrl, timeoutMs: options.timeoutMs },
      { clock, budget: budgets.of(`cloudflare ${account}`, rate) },
    );
    this.#zones = new Zones(this.#api, options);
    this.capabilities = {
      compareAndSet: 'weak',
      hasAtomicBatch: true,
      // Split here, by operations on records.
      maxBatch: Number.MAX_SAFE_INTEGER,
      minTtl: options.ttlBounds.least,
      maxTtl: options.ttlBounds.most,
      publishSeconds: providerKinds.cloudflare.publishSeconds,
    };
  }

  /** Names the account once it is known: a plan reads first. */
  get label(): string {
    const { accountId } = this.#options;
    const account = this.#zones.account ?? (accountId === null ? null : { id: accountId });
    if (account === null) return 'cloudflare';
    const called = account.name === undefined ? '' : ` ${sanitise(account.name, 40)}`;
    return `cloudflare (account ${account.id}${called})`;
  }

  zoneId(zone: DomainName): string | null {
    return this.#zones.known(zone)?.id ?? null;
  }

  readNotes(zone: DomainName): Promise<readonly string[]> {
    return Promise.resolve([...(this.#odd.get(zone)?.values() ?? [])].flat());
  }

  async describeTarget(exchange: DomainName, signal: AbortSignal): Promise<string | null> {
    const zone = await this.#zones.holding(exchange, signal);
    if (zone === null) return null;
    const records = await this.#api.listRecords(zone, { owner: exchange }, signal);
    return isProxied(records ?? [])
      ? 'its address is proxied by Cloudflare (orange cloud), whose HTTP proxies take no mail: set it to DNS only'
      : null;
  }

  protected async replace(
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
  ): Promise<Outcomes> {
    const changes = pending.map((one) => one.change);
    checkWritable(changes, this.#options.ttlBounds);
    const found = await this.#zones.find(zone, signal);
    const readAt = this.#clock.now();
    const judged = judge(pending, await this.see(zone, changes, signal));
    if ('settled' in judged) return judged.settled;
    const options = {
      api: this.#api,
      zone: found,
      clock: this.#clock,
      maxOperations: this.#options.maxOperations,
      see: (again: readonly RrsetQuestion[], readSignal: AbortSignal) => this.see(zone, again, readSignal),
    };
    return writeChanges(options, judged.due, readAt, signal);
  }

  protected async see(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Live[]> {
    const found = await this.#zones.find(zone, signal);
    const live = await readLive(this.#api, found, questions, signal);
    const odd = this.#odd.get(zone) ?? new Map<string, readonly string[]>();
    questions.forEach(({ owner, type }, at) => {
      const one = live[at];
      if (one !== undefined) odd.set(`${owner} ${type}`, oddities(one));
    });
    this.#odd.set(zone, odd);
    return live;
  }
}
