// PowerDNS by its HTTP API. The API knows no precondition: this reads, compares and writes, under the route's lease
// that keeps mxctl from racing itself; against others' hands in between nothing helps but rfc2136, which the same
// server speaks. What was written is read back.

import { ProviderError } from '../../errors.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import { maxTtl } from '../../model/rrset.ts';
import { providerKinds } from '../kinds.ts';
import type { Provider, ProviderCapabilities, RrsetQuestion } from '../provider.ts';
import { Turns } from '../turns.ts';
import {
  confirm,
  judge,
  type Outcomes,
  type Pending,
  type ProviderClock,
  readBack,
  type Seen,
  ZoneProvider,
} from '../zone-provider.ts';
import { PowerdnsApi, type PowerdnsAccess } from './api.ts';
import { patchOf, rrsetIn, serialTrap } from './convert.ts';

const capabilities: ProviderCapabilities = {
  compareAndSet: 'none',
  hasAtomicBatch: true,
  // One PATCH is one transaction; a thousand RRsets are some 200 KiB of JSON, well within its default body limit.
  maxBatch: 1000,
  minTtl: 0,
  maxTtl,
  publishSeconds: providerKinds.powerdns.publishSeconds,
};

/** Pauses before reading back after a lost reply; ms. A transaction that was slow may be about to be committed. */
const readBackPausesMs = [0, 500, 2000] as const;

export function createPowerdnsProvider(
  options: PowerdnsAccess & { readonly name: string },
  deps: { readonly clock: ProviderClock },
): Provider {
  return new PowerdnsProvider(options, deps.clock);
}

class PowerdnsProvider extends ZoneProvider {
  readonly name: string;
  readonly label: string;
  readonly capabilities = capabilities;
  readonly #api: PowerdnsApi;
  readonly #clock: ProviderClock;
  readonly #turns = new Turns();

  constructor(options: PowerdnsAccess & { readonly name: string }, clock: ProviderClock) {
    super();
    this.name = options.name;
    this.#api = new PowerdnsApi(options);
    this.label = `powerdns ${this.#api.host}`;
    this.#clock = clock;
  }

  async readNotes(zone: DomainName, signal: AbortSignal): Promise<readonly string[]> {
    const trap = serialTrap(await this.#api.readZone(zone, signal));
    return trap === null ? [] : [trap];
  }

  protected async see(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Seen[]> {
    const held = await this.#api.readZone(zone, signal);
    return questions.map(({ owner, type }) => ({ rrset: rrsetIn(held, owner, type) }));
  }

  protected async replace(
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
  ): Promise<Outcomes> {
    // One zone after the other: on SQLite a second writer at the same moment is turned away, HTTP 500 (4.7.3, seen
    // 2026-11).
    const written = await this.#turns.take('', () => this.#write(zone, pending, signal));
    if ('settled' in written) return written.settled;
    const { due, sent } = written;
    const see = (again: readonly RrsetQuestion[], never: AbortSignal) => this.see(zone, again, never);
    // Read back also after success: nothing compared what was there with what was expected.
    if (sent.outcome === 'applied') return confirm(due, see, `${this.#api.host} took the change`);
    if (sent.outcome === 'not-sent') throw this.#unapplied(zone, sent.reason);
    const lost = { due, see, clock: this.#clock, pausesMs: readBackPausesMs };
    const outcomes = await readBack({ ...lost, what: `no reply to the change (${sent.reason})` });
    if (outcomes !== null) return outcomes;
    signal.throwIfAborted();
    throw this.#unapplied(zone, sent.reason);
  }

  async #write(zone: DomainName, pending: readonly Pending[], signal: AbortSignal) {
    signal.throwIfAborted();
    const changes = pending.map((one) => one.change);
    const judged = judge(pending, await this.see(zone, changes, signal));
    if ('settled' in judged) return judged;
    const { due } = judged;
    const patches = due.map((one) => patchOf(one.change));
    return { due, sent: await this.#api.patchRrsets(zone, patches, signal) };
  }

  #unapplied(zone: DomainName, reason: string): ProviderError {
    return new ProviderError(
      'provider-unreachable',
      `no answer from the API at ${this.#api.host} to the change of ${displayName(zone)}: ${reason}; it was not applied`,
      { hint: 'try again, and see the log of the server', retryable: true },
    );
  }
}
