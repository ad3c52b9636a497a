// PowerDNS by its HTTP API. The API knows no precondition: this reads, compares and writes, under the route's lease
// that keeps mxctl from racing itself; against others' hands in between nothing helps but rfc2136, which the same
// server speaks. What was written is read back.

import { ProviderError } from '../../errors.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import { isSameRrset, maxTtl, type Rrset, type RrType } from '../../model/rrset.ts';
import { checkChanges, standingOf, unwritten } from '../changes.ts';
import { providerKinds } from '../kinds.ts';
import type {
  Provider,
  ProviderCapabilities,
  ReplaceOutcome,
  RrsetQuestion,
  ZoneChange,
} from '../provider.ts';
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

/** Pauses before reading back after a lost reply; ms. */
const readBackPausesMs = [0, 500, 2000] as const;

export interface PowerdnsClock {
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export function createPowerdnsProvider(
  options: PowerdnsAccess & { readonly name: string },
  deps: { readonly clock: PowerdnsClock },
): Provider {
  return new PowerdnsProvider(options, deps.clock);
}

class PowerdnsProvider implements Provider {
  readonly name: string;
  readonly label: string;
  readonly capabilities = capabilities;
  readonly #api: PowerdnsApi;
  readonly #clock: PowerdnsClock;

  constructor(options: PowerdnsAccess & { readonly name: string }, clock: PowerdnsClock) {
    this.name = options.name;
    this.#api = new PowerdnsApi(options);
    this.label = `powerdns ${this.#api.host}`;
    this.#clock = clock;
  }

  async readRrset(
    zone: DomainName,
    owner: DomainName,
    type: RrType,
    signal: AbortSignal,
  ): Promise<Rrset | null> {
    return rrsetIn(await this.#api.readZone(zone, signal), owner, type);
  }

  async readRrsets(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly (Rrset | null)[]> {
    const held = await this.#api.readZone(zone, signal);
    return questions.map(({ owner, type }) => rrsetIn(held, owner, type));
  }

  async replaceRrsets(
    zone: DomainName,
    changes: readonly ZoneChange[],
    signal: AbortSignal,
  ): Promise<readonly ReplaceOutcome[]> {
    checkChanges(zone, changes, capabilities.maxBatch);
    if (changes.length === 0) return [];
    const before = await this.readRrsets(zone, changes, signal);
    const standings = changes.map((change, at) => standingOf(change, before[at] ?? null));
    if (standings.includes('conflict') || !standings.includes('write')) return unwritten(changes, before);
    signal.throwIfAborted();
    const pending = changes.filter((_, at) => standings[at] === 'write');
    const sent = await this.#api.patchRrsets(zone, pending.map(patchOf), signal);
    const reason = sent.outcome === 'lost' ? sent.reason : null;
    return this.#readBack(zone, changes, { before, reason });
  }

  /** What became of a write: by its RRsets, not by its reply. An abort does not stop this. */
  async #readBack(
    zone: DomainName,
    changes: readonly ZoneChange[],
    sent: { readonly before: readonly (Rrset | null)[]; readonly reason: string | null },
  ): Promise<readonly ReplaceOutcome[]> {
    const never = new AbortController().signal;
    let unread = 'not read back';
    for (const pauseMs of readBackPausesMs) {
      await this.#clock.sleep(pauseMs, never);
      let live: readonly (Rrset | null)[];
      try {
        live = await this.readRrsets(zone, changes, never);
      } catch (error) {
        unread = error instanceof Error ? error.message : 'unknown failure';
        continue;
      }
      const isUntouched = changes.every((_, at) => isSameRrset(live[at] ?? null, sent.before[at] ?? null));
      // A server that lost its reply may still be at it.
      if (isUntouched) continue;
      return changes.map((change, at) => outcomeOf(change, live[at] ?? null, sent.before[at] ?? null));
    }
    if (unread !== 'not read back') {
      const reason = `${sent.reason ?? 'written'}, and reading back failed: ${unread}`;
      return changes.map(() => ({ state: 'unknown', reason }));
    }
    throw new ProviderError(
      'provider-unreachable',
      `the change of ${displayName(zone)} was not applied: ${sent.reason ?? 'the API took it and holds the old records'}`,
      { hint: 'nothing was changed; try again, and see the log of the server', retryable: true },
    );
  }

  async readNotes(zone: DomainName, signal: AbortSignal): Promise<readonly string[]> {
    const trap = serialTrap(await this.#api.readZone(zone, signal));
    return trap === null ? [] : [trap];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function outcomeOf(change: ZoneChange, live: Rrset | null, before: Rrset | null): ReplaceOutcome {
  if (!isSameRrset(live, change.desired)) return { state: 'conflict', live };
  return { state: isSameRrset(before, live) ? 'unchanged' : 'applied' };
}
