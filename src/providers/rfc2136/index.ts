// A name server that takes dynamic updates. One zone's changes travel in one signed UPDATE over TCP and happen all or
// not at all. Never writes what it did not expect, never sends an UPDATE twice without having read in between.
// RFC 2136; RFC 8945.
//
// Compare-and-set: prerequisites compare values and not TTLs (RFC 2136 §3.2.3). So each RRset is read first, a TTL
// that differs from `expected` is a conflict too, and the zone's SOA, read before the RRsets, is one more prerequisite:
// whoever changes the zone in between makes it fail, and a replayed or delayed UPDATE finds a later serial. Where the
// serial that is served is not the one prerequisites see (in-line signing, SOA-EDIT) it is left out, and a TTL-only
// edit between reading and writing goes unseen. Hence `values` and not `full`. Our own updates of a zone go one by one:
// each would otherwise take the serial from under the others, and a run that moves many routes of a zone would fail.

import { rcodes } from '../../dns/message.ts';
import { parseTsigSecret, type TsigAlgorithm, type TsigKey } from '../../dns/tsig.ts';
import { makeUpdate } from '../../dns/update.ts';
import { ConfigError } from '../../errors.ts';
import type { DomainName } from '../../model/domain-name.ts';
import type { ServerAddress } from '../../model/route.ts';
import { formatRrset, isSameRrset, maxTtl, type Rrset } from '../../model/rrset.ts';
import type { Secret } from '../../model/secret.ts';
import { sanitise } from '../../model/text.ts';
import { checkChanges, type Standing, standingOf, unwritten } from '../changes.ts';
import { providerKinds } from '../kinds.ts';
import type {
  Provider,
  ProviderCapabilities,
  ReplaceOutcome,
  RrsetQuestion,
  ZoneChange,
} from '../provider.ts';
import { Conversation, type NoAnswer } from './api.ts';
import type { Live } from './convert.ts';
import { readZone, type Wanted, type ZoneReading } from './reading.ts';
import { aliased, neverAgreed, noAnswerOf, type RefusedRequest, refusalOf } from './refusals.ts';
import { Turns } from './turns.ts';

const capabilities: ProviderCapabilities = {
  compareAndSet: 'values',
  hasAtomicBatch: true,
  // A message has 65,535 octets: room for a hundred RRsets of five values, expected and desired, at 60 octets each.
  maxBatch: 100,
  minTtl: 0,
  maxTtl,
  publishSeconds: providerKinds.rfc2136.publishSeconds,
};

/** How often an UPDATE is tried while others keep changing the zone: one more than a busy zone's writers meet by chance. */
const maxAttempts = 4;
/** Pauses before reading back after a lost reply; ms. A server that was slow to answer may be about to apply. */
const readBackPausesMs = [0, 500, 2000] as const;

export interface Rfc2136Options {
  readonly name: string;
  readonly server: ServerAddress;
  readonly tsig: {
    readonly name: DomainName;
    readonly algorithm: TsigAlgorithm;
    /** Base64, as key files have it. */
    readonly secret: Secret;
  } | null;
  /** Bound of each connection and of each answer; ms. */
  readonly timeoutMs: number;
}

/** `runtime/clock.ts` has one; providers know only this much of it. */
export interface Rfc2136Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Throws ConfigError where the secret is not base64. */
export function createRfc2136Provider(
  options: Rfc2136Options,
  deps: { readonly clock: Rfc2136Clock },
): Provider {
  return new Rfc2136Provider(options, deps.clock);
}

function keyOf(options: Rfc2136Options): TsigKey | null {
  if (options.tsig === null) return null;
  const { name, algorithm } = options.tsig;
  const secret = parseTsigSecret(options.tsig.secret.reveal());
  if (secret === null)
    throw new ConfigError('secret-unreadable', `provider ${options.name}: the TSIG secret is not base64`, {
      hint: 'Give the text between the quotes of the key file, as tsig-keygen prints it.',
    });
  return { name, algorithm, secret };
}

class Rfc2136Provider implements Provider {
  readonly name: string;
  readonly label: string;
  readonly capabilities = capabilities;
  readonly #server: string;
  readonly #key: TsigKey | null;
  readonly #clock: Rfc2136Clock;
  readonly #open: () => Conversation;
  readonly #turns = new Turns();

  constructor(options: Rfc2136Options, clock: Rfc2136Clock) {
    const { address, port } = options.server;
    this.name = options.name;
    this.#server = port === 53 ? address : `${address}#${port}`;
    this.label = `rfc2136 ${this.#server}`;
    const key = keyOf(options);
    this.#key = key;
    this.#clock = clock;
    this.#open = () =>
      new Conversation({
        server: options.server,
        key,
        timeoutMs: options.timeoutMs,
        nowSeconds: () => this.#nowSeconds(),
      });
  }

  async readRrset(
    zone: DomainName,
    owner: DomainName,
    type: Rrset['type'],
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
    const talk = this.#open();
    try {
      const { live } = await this.#read(talk, zone, questions, signal);
      return live.map((one) => one.rrset);
    } finally {
      talk.close();
    }
  }

  async replaceRrsets(
    zone: DomainName,
    changes: readonly ZoneChange[],
    signal: AbortSignal,
  ): Promise<readonly ReplaceOutcome[]> {
    checkChanges(zone, changes, capabilities.maxBatch);
    if (changes.length === 0) return [];
    return this.#turns.take(zone, async () => {
      signal.throwIfAborted();
      const talk = this.#open();
      try {
        return await this.#replace(talk, zone, changes, signal);
      } finally {
        talk.close();
      }
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #replace(
    talk: Conversation,
    zone: DomainName,
    changes: readonly ZoneChange[],
    signal: AbortSignal,
  ): Promise<readonly ReplaceOutcome[]> {
    let required: Rrset | null = null;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const { soa, live } = await this.#read(talk, zone, changes, signal);
      const rrsets = live.map((one) => one.rrset);
      const standings = changes.map((change, index) => standingOf(change, rrsets[index] ?? null));
      if (standings.includes('conflict') || !standings.includes('write')) return unwritten(changes, rrsets);
      const alias = changes.find((change, index) => live[index]?.isAlias === true && change.type !== 'CNAME');
      if (alias !== undefined) throw aliased(alias.owner, alias.type);
      // The serial we required is still served, and yet the prerequisites failed: they see another one.
      const isSerialHidden = required !== null && isSameRrset(required, soa);
      const due = changes.filter((_, index) => standings[index] === 'write');
      const update = makeUpdate({ id: 0, zone, changes: due, also: isSerialHidden ? [] : [soa] });
      const asked = await talk.update(update, signal);
      if (asked.kind === 'not-sent') throw noAnswerOf(this.#server, asked);
      if (asked.kind !== 'answer') return this.#readBack(zone, changes, standings, asked, signal);
      const { rcode } = asked.message;
      if (rcode === rcodes.NOERROR) return this.#confirm(talk, zone, changes, standings);
      if (rcode !== rcodes.NXRRSET && rcode !== rcodes.YXRRSET)
        throw refusalOf(asked, this.#request(zone, 'update'));
      required = soa;
    }
    throw neverAgreed(this.#server, zone, maxAttempts);
  }

  /** The server said it was done, signed. Knot 3.2 says so of an ignored TTL too (2026-08), hence the look. */
  async #confirm(
    talk: Conversation,
    zone: DomainName,
    changes: readonly ZoneChange[],
    standings: readonly Standing[],
  ): Promise<readonly ReplaceOutcome[]> {
    let live: readonly Live[];
    try {
      // Not the caller's signal: what was written is told, even to somebody who gave up.
      live = (await this.#read(talk, zone, changes, new AbortController().signal)).live;
    } catch {
      live = changes.map(({ desired }) => ({ rrset: desired, isAlias: false }));
    }
    return changes.map((change, index) => {
      if (standings[index] === 'done') return { state: 'unchanged' };
      const rrset = live[index]?.rrset ?? null;
      if (isSameRrset(rrset, change.desired)) return { state: 'applied' };
      const now = rrset === null ? 'no such RRset' : formatRrset(rrset).join(', ');
      return {
        state: 'unknown',
        reason: sanitise(`${this.#server} took the update, and yet it answers: ${now}`),
      };
    });
  }

  /** The reply was lost: what is live decides. Never sends again. */
  async #readBack(
    zone: DomainName,
    changes: readonly ZoneChange[],
    standings: readonly Standing[],
    lost: NoAnswer,
    signal: AbortSignal,
  ): Promise<readonly ReplaceOutcome[]> {
    const never = new AbortController().signal;
    const talk = this.#open();
    try {
      for (const pauseMs of readBackPausesMs) {
        await this.#clock.sleep(pauseMs, never);
        const { live } = await this.#read(talk, zone, changes, never);
        const now = changes.map((change, index) => standingOf(change, live[index]?.rrset ?? null));
        if (changes.every((_, index) => now[index] === standings[index])) continue;
        return changes.map((_, index): ReplaceOutcome => {
          if (now[index] !== 'done') return { state: 'conflict', live: live[index]?.rrset ?? null };
          return { state: standings[index] === 'done' ? 'unchanged' : 'applied' };
        });
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : 'no answer';
      const reason = sanitise(`no reply to the update (${lost.reason}), and reading back failed: ${why}`);
      return changes.map(() => ({ state: 'unknown', reason }));
    } finally {
      talk.close();
    }
    signal.throwIfAborted();
    throw noAnswerOf(this.#server, lost, 'the update was not applied');
  }

  #read(
    talk: Conversation,
    zone: DomainName,
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<ZoneReading> {
    return readZone(talk, this.#request(zone, 'query'), wanted, signal);
  }

  #request(zone: DomainName, verb: RefusedRequest['verb']): RefusedRequest {
    return { server: this.#server, zone, key: this.#key, verb, nowSeconds: this.#nowSeconds() };
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}
