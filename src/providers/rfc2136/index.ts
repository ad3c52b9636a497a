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
import { isSameRrset, maxTtl, type Rrset } from '../../model/rrset.ts';
import type { Secret } from '../../model/secret.ts';
import { providerKinds } from '../kinds.ts';
import type { Provider, ProviderCapabilities, RrsetQuestion } from '../provider.ts';
import { Turns } from '../turns.ts';
import {
  confirm,
  type Due,
  judge,
  type Outcomes,
  type Pending,
  type ProviderClock,
  readBack,
  ZoneProvider,
} from '../zone-provider.ts';
import { Conversation, type NoAnswer } from './api.ts';
import type { Live } from './convert.ts';
import { readZone, type ZoneReading } from './reading.ts';
import { aliased, neverAgreed, noAnswerOf, type RefusedRequest, refusalOf } from './refusals.ts';

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

/** Throws ConfigError where the secret is not base64. */
export function createRfc2136Provider(
  options: Rfc2136Options,
  deps: { readonly clock: ProviderClock },
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

class Rfc2136Provider extends ZoneProvider {
  readonly name: string;
  readonly label: string;
  readonly capabilities = capabilities;
  readonly #server: string;
  readonly #key: TsigKey | null;
  readonly #clock: ProviderClock;
  readonly #open: () => Conversation;
  readonly #turns = new Turns();

  constructor(options: Rfc2136Options, clock: ProviderClock) {
    super();
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

  protected async see(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Live[]> {
    const talk = this.#open();
    try {
      return (await this.#read(talk, zone, questions, signal)).live;
    } finally {
      talk.close();
    }
  }

  protected replace(zone: DomainName, pending: readonly Pending[], signal: AbortSignal): Promise<Outcomes> {
    return this.#turns.take(zone, async () => {
      signal.throwIfAborted();
      const talk = this.#open();
      try {
        return await this.#write(talk, zone, pending, signal);
      } finally {
        talk.close();
      }
    });
  }

  async #write(
    talk: Conversation,
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
  ): Promise<Outcomes> {
    const questions = pending.map((one) => one.change);
    let required: Rrset | null = null;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const { soa, live } = await this.#read(talk, zone, questions, signal);
      const judged = judge(pending, live);
      if ('settled' in judged) return judged.settled;
      const { due } = judged;
      const alias = due.find((one) => one.live.isAlias && one.change.type !== 'CNAME');
      if (alias !== undefined) throw aliased(alias.change.owner, alias.change.type);
      // The serial we required is still served, and yet the prerequisites failed: they see another one.
      const isSerialHidden = required !== null && isSameRrset(required, soa);
      const changes = due.map((one) => one.change);
      const update = makeUpdate({ id: 0, zone, changes, also: isSerialHidden ? [] : [soa] });
      const asked = await talk.update(update, signal);
      if (asked.kind === 'not-sent') throw noAnswerOf(this.#server, asked);
      if (asked.kind !== 'answer') return this.#readBack(zone, due, asked, signal);
      const { rcode } = asked.message;
      // Signed, and yet Knot 3.2 says so of an ignored TTL too (2026-08), hence the look.
      if (rcode === rcodes.NOERROR)
        return confirm(
          due,
          (again, never) => this.see(zone, again, never),
          `${this.#server} took the update`,
        );
      if (rcode !== rcodes.NXRRSET && rcode !== rcodes.YXRRSET)
        throw refusalOf(asked, this.#request(zone, 'update'));
      required = soa;
    }
    throw neverAgreed(this.#server, zone, maxAttempts);
  }

  async #readBack(
    zone: DomainName,
    due: readonly Due<Live>[],
    lost: NoAnswer,
    signal: AbortSignal,
  ): Promise<Outcomes> {
    const outcomes = await readBack({
      due,
      see: (again, never) => this.see(zone, again, never),
      clock: this.#clock,
      pausesMs: readBackPausesMs,
      what: `no reply to the update (${lost.reason})`,
    });
    if (outcomes !== null) return outcomes;
    signal.throwIfAborted();
    throw noAnswerOf(this.#server, lost, 'the update was not applied');
  }

  #read(
    talk: Conversation,
    zone: DomainName,
    wanted: readonly RrsetQuestion[],
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
