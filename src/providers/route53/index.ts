// Amazon Route 53. One zone's changes travel in as few batches as its limits force, each all or nothing, as DELETE of
// exactly what stands there and CREATE of what is wanted: compare-and-set over values and TTL. Never UPSERTs, never
// sends a batch again without having read in between, unless Route 53 said that it did not look at it.

import type { DomainName } from '../../model/domain-name.ts';
import { maxTtl } from '../../model/rrset.ts';
import { standingOf } from '../changes.ts';
import { providerKinds } from '../kinds.ts';
import type { Provider, ProviderCapabilities, RrsetQuestion, ZoneChange } from '../provider.ts';
import type { RateBudgets } from '../rate-budget.ts';
import { judge, type Outcomes, type Pending, type ProviderClock, ZoneProvider } from '../zone-provider.ts';
import { Route53Api } from './api.ts';
import type { Route53Config } from './config.ts';
import { checkType, type Live } from './convert.ts';
import { CallFailure } from './failures.ts';
import { Pace, rate } from './pace.ts';
import { readLive } from './reading.ts';
import { refusalOf } from './refusals.ts';
import { Writing } from './writing.ts';
import { checkOwners, findZone, type HostedZone } from './zones.ts';

const capabilities: ProviderCapabilities = {
  compareAndSet: 'full',
  hasAtomicBatch: true,
  // Split here, by elements and characters.
  maxBatch: Number.MAX_SAFE_INTEGER,
  minTtl: 0,
  maxTtl,
  publishSeconds: providerKinds.route53.publishSeconds,
};

/** What was read is good as the expectation of a write for this long; ms. However old it is, a batch that does not meet
 *  it is refused; this only keeps a long-running `auto` from trying what is surely stale. */
const freshMs = 600_000;

export interface Route53Deps {
  readonly clock: ProviderClock;
  readonly budgets: RateBudgets;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** The name servers that the parent delegates a zone to; null where DNS does not say. */
  readonly lookupNs: (zone: DomainName, signal: AbortSignal) => Promise<readonly DomainName[] | null>;
}

export function createRoute53Provider(
  options: Omit<Route53Config, 'type'> & { readonly name: string },
  deps: Route53Deps,
): Provider {
  return new Route53Provider(options, deps);
}

/** Whose rate is spent: two blocks with other credentials may still be one account, which is not known before the first
 *  call; a refusal is waited out then. */
function payerOf({ roleArn, profile, endpoint }: Omit<Route53Config, 'type'>): string {
  return [roleArn?.split(':')[4] ?? profile ?? 'environment', endpoint ?? ''].join(' ').trim();
}

class Route53Provider extends ZoneProvider {
  readonly name: string;
  readonly capabilities = capabilities;
  readonly #options: Omit<Route53Config, 'type'>;
  readonly #deps: Route53Deps;
  readonly #api: Route53Api;
  readonly #pace: Pace;
  readonly #zones = new Map<DomainName, Promise<HostedZone>>();
  readonly #zoneIds = new Map<DomainName, string>();
  /** As last read, by zone: the raw strings that a DELETE must echo. */
  readonly #seen = new Map<DomainName, { readonly at: number; readonly live: Map<string, Live> }>();
  #account: Promise<string | null> | null = null;
  #knownAccount: string | null = null;

  constructor(options: Omit<Route53Config, 'type'> & { readonly name: string }, deps: Route53Deps) {
    super();
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    this.#api = new Route53Api(options);
    this.#pace = new Pace(deps.clock, deps.random, deps.budgets.of(`route53 ${payerOf(options)}`, rate));
  }

  /** Names the account once it is known: a plan reads first. */
  get label(): string {
    return this.#knownAccount === null ? 'route53' : `route53 (account ${this.#knownAccount})`;
  }

  zoneId(zone: DomainName): string | null {
    return this.#zoneIds.get(zone) ?? null;
  }

  protected async see(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Live[]> {
    for (const { type } of questions) checkType(type);
    const hosted = await this.#zone(zone, questions, signal);
    const live = await this.#read(zone, hosted, questions, signal);
    await this.#learnAccount();
    this.#remember(zone, questions, live);
    return live;
  }

  protected async replace(
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
    operation?: string,
  ): Promise<Outcomes> {
    const changes = pending.map((one) => one.change);
    for (const { type } of changes) checkType(type);
    const hosted = await this.#zone(zone, changes, signal);
    const live = this.#expected(zone, changes) ?? (await this.#read(zone, hosted, changes, signal));
    this.#seen.delete(zone);
    const judged = judge(pending, live);
    if ('settled' in judged) return judged.settled;
    const writing = new Writing({
      api: this.#api,
      pace: this.#pace,
      clock: this.#deps.clock,
      call: { provider: this.name, zone, zoneId: hosted.id },
      comment: operation === undefined ? 'mxctl' : `mxctl ${operation}`,
      see: (questions, readSignal) => this.#read(zone, hosted, questions, readSignal),
    });
    return writing.write(judged.due, signal);
  }

  override async close(): Promise<void> {
    await this.#api.close();
  }

  /** What the changes expect, where it was just read and stands so: saves the second listing of a flip. */
  #expected(zone: DomainName, changes: readonly ZoneChange[]): Live[] | null {
    const seen = this.#seen.get(zone);
    if (seen === undefined || this.#deps.clock.now() - seen.at > freshMs) return null;
    const live = changes.flatMap((change) => {
      const one = seen.live.get(`${change.owner} ${change.type}`);
      return one !== undefined && standingOf(change, one.rrset) === 'write' ? [one] : [];
    });
    return live.length === changes.length ? live : null;
  }

  #remember(zone: DomainName, questions: readonly RrsetQuestion[], live: readonly Live[]): void {
    const pairs = questions.flatMap(({ owner, type }, index) => {
      const one = live[index];
      return one === undefined ? [] : [[`${owner} ${type}`, one] as const];
    });
    this.#seen.set(zone, { at: this.#deps.clock.now(), live: new Map(pairs) });
  }

  async #read(
    zone: DomainName,
    hosted: HostedZone,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<Live[]> {
    try {
      return await readLive(questions, (start, maxItems) =>
        this.#pace.call(true, signal, () => this.#api.listRecords(hosted.id, start, maxItems, signal)),
      );
    } catch (error) {
      throw this.#told(error, zone, hosted.id);
    }
  }

  async #zone(
    zone: DomainName,
    named: readonly { readonly owner: DomainName }[],
    signal: AbortSignal,
  ): Promise<HostedZone> {
    const known = this.#zones.get(zone);
    const finding =
      known ??
      findZone(
        {
          provider: this.name,
          api: this.#api,
          pace: this.#pace,
          hostedZones: this.#options.hostedZones,
          lookupNs: this.#deps.lookupNs,
        },
        zone,
        signal,
      );
    this.#zones.set(zone, finding);
    this.#account ??= this.#api.readAccount(signal);
    try {
      const hosted = await finding;
      this.#zoneIds.set(zone, hosted.id);
      checkOwners(
        zone,
        hosted,
        named.map((one) => one.owner),
      );
      return hosted;
    } catch (error) {
      this.#zones.delete(zone);
      throw this.#told(error, zone, this.#options.hostedZones[zone] ?? null);
    }
  }

  async #learnAccount(): Promise<void> {
    this.#knownAccount = (await this.#account) ?? null;
    if (this.#knownAccount === null) this.#account = null;
  }

  #told(error: unknown, zone: DomainName, zoneId: string | null): unknown {
    if (!(error instanceof CallFailure)) return error;
    if (error.kind === 'no-zone') this.#zones.delete(zone);
    return refusalOf(error, { provider: this.name, zone, zoneId });
  }
}
