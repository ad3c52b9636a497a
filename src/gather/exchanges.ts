// Exchanges, each looked up once a run however many domains name it: addresses, whether a missing one could be
// registered by anybody, and where wanted DANE and SMTP.

import { Gate } from '../dns/gate.ts';
import type { Resolver } from '../dns/reader.ts';
import type { AddressFacts, ExchangeFacts } from '../model/audit.ts';
import type { DaneFacts } from '../model/dane.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { Observation } from '../model/observation.ts';
import { addressFactsOf } from './facts.ts';
import { Memo } from './memo.ts';
import { registrableDomainOf } from './registrable.ts';
import type { Tally } from './tally.ts';
import type { Zones } from './zones.ts';

export type DaneRead = (exchange: DomainName, port: number, signal: AbortSignal) => Promise<DaneFacts>;

/** One observation for each address. */
export type ExchangeProbe = (
  exchange: DomainName,
  addresses: readonly string[],
  signal: AbortSignal,
) => Promise<readonly Observation[]>;

export interface ExchangeOptions {
  readonly resolver: Resolver;
  readonly zones: Zones;
  readonly readDane: DaneRead | null;
  readonly probe: ExchangeProbe | null;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

export interface ExchangeWants {
  readonly dane: boolean;
  readonly deep: boolean;
  /** NS of the zone each stands in: where there are others to share a fate with. */
  readonly nameServers: boolean;
}

/** About 1 KB each: what is known of exchanges stays below some 20 MB. */
const maxExchanges = 20_000;
const maxRegistrables = 1000;
/** Some 5 KB for each address, with certificates. */
const maxProbed = 5000;
/** RFC 5321 §4.5.4.1: where TLSA of an exchange stand. */
const smtpPort = 25;
/** SMTP sessions, and exchanges a second: an audit is no load test, and strangers' servers count who connects. */
const probeManners = { concurrency: 8, perSecond: 10 };

const wantBits = { dane: 1, deep: 2, nameServers: 4 } as const;

const bitsOf = (wants: ExchangeWants) =>
  (wants.dane ? wantBits.dane : 0) |
  (wants.deep ? wantBits.deep : 0) |
  (wants.nameServers ? wantBits.nameServers : 0);

/** Facts that serve for a moment only. */
export function isExchangeUnknown({ addresses, dane }: ExchangeFacts): boolean {
  return addresses.outcome === 'unknown' || dane?.outcome === 'unknown';
}

export class Exchanges {
  readonly #options: ExchangeOptions;
  readonly #probeGate = new Gate(probeManners);
  readonly #addresses: Memo<DomainName, AddressFacts>;
  readonly #registrable: Memo<DomainName, AddressFacts['outcome']>;
  readonly #dane: Memo<DomainName, DaneFacts | null>;
  readonly #observations: Memo<DomainName, readonly Observation[]>;
  readonly #byWants: readonly Memo<DomainName, ExchangeFacts>[];

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const isUnknown = ({ outcome }: AddressFacts) => outcome === 'unknown';
    this.#addresses = new Memo({
      size: maxExchanges,
      find: (exchange) => {
        options.tally.exchanges += 1;
        return this.addressesOf(exchange);
      },
      isUnknown,
    });
    this.#registrable = new Memo({
      size: maxRegistrables,
      find: (domain) => this.#existenceOf(domain),
      isUnknown: (outcome) => outcome === 'unknown',
    });
    this.#dane = new Memo({
      size: maxExchanges,
      find: (exchange) => options.readDane?.(exchange, smtpPort, options.signal) ?? Promise.resolve(null),
      isUnknown: (dane) => dane?.outcome === 'unknown',
    });
    this.#observations = new Memo({
      size: maxProbed,
      find: (exchange) => this.#probe(exchange),
      isUnknown: () => false,
    });
    // One for each combination that is met: in a run as a rule one or two.
    this.#byWants = Array.from(
      { length: 8 },
      (_, bits) =>
        new Memo({
          size: maxExchanges,
          find: (exchange) => this.#find(exchange, bits),
          isUnknown: isExchangeUnknown,
        }),
    );
  }

  /** In the order given. At once where all are known. */
  factsOf(
    exchanges: readonly DomainName[],
    wants: ExchangeWants,
  ): ExchangeFacts[] | Promise<ExchangeFacts[]> {
    const memo = this.#byWants[bitsOf(wants)];
    if (memo === undefined) return [];
    const known: ExchangeFacts[] = [];
    for (const exchange of exchanges) {
      const facts = memo.peek(exchange);
      if (facts === undefined) return Promise.all(exchanges.map((one) => memo.get(one)));
      known.push(facts);
    }
    return known;
  }

  async addressesOf(name: DomainName): Promise<AddressFacts> {
    const { resolver, signal, tally } = this.#options;
    const [v4, v6] = await Promise.all([
      resolver.lookup(name, 'A', signal),
      resolver.lookup(name, 'AAAA', signal),
    ]);
    tally.count(v4);
    tally.count(v6);
    return addressFactsOf(v4, v6);
  }

  async #find(exchange: DomainName, bits: number): Promise<ExchangeFacts> {
    const addresses = await this.#addresses.get(exchange);
    const [registrable, nameServers, dane, observations] = await Promise.all([
      addresses.outcome === 'nxdomain' ? this.#registrableOf(exchange) : null,
      (bits & wantBits.nameServers) === 0 ? null : this.#options.zones.nameServersOf(exchange),
      (bits & wantBits.dane) === 0 ? null : this.#dane.get(exchange),
      (bits & wantBits.deep) === 0 ? [] : this.#observations.get(exchange),
    ]);
    return { exchange, addresses, nameServers, registrable, dane, observations };
  }

  async #registrableOf(exchange: DomainName): Promise<ExchangeFacts['registrable']> {
    const domain = await registrableDomainOf(exchange);
    return domain === null ? null : { domain, outcome: await this.#registrable.get(domain) };
  }

  /** NS, because for those a registry answers as long as the domain is registered, whoever serves it. */
  async #existenceOf(domain: DomainName): Promise<AddressFacts['outcome']> {
    const { resolver, signal, tally } = this.#options;
    const lookup = await resolver.lookup(domain, 'NS', signal);
    tally.count(lookup);
    return lookup.outcome === 'failed' ? 'unknown' : lookup.outcome;
  }

  async #probe(exchange: DomainName): Promise<readonly Observation[]> {
    const { probe, signal } = this.#options;
    const { addresses } = await this.#addresses.get(exchange);
    if (probe === null || addresses.length === 0) return [];
    await this.#probeGate.enter(signal);
    try {
      return await probe(exchange, addresses, signal);
    } finally {
      this.#probeGate.leave();
    }
  }
}
