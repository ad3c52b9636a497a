// Gathers what is to be known of a domain: its MX first, since all else depends on them, then everything at once.

import { AbortWatch } from '../dns/abort-watch.ts';
import { abortReasonOf } from '../dns/exchange.ts';
import { Gate } from '../dns/gate.ts';
import type { AuthorityReader, Resolver } from '../dns/reader.ts';
import type { DomainFacts, ExchangeFacts, MxFacts, TextFacts } from '../model/audit.ts';
import { type DomainName, parseDomainName, root } from '../model/domain-name.ts';
import type { StsFacts, StsReading } from '../model/sts.ts';
import { type DaneRead, type ExchangeProbe, Exchanges, isExchangeUnknown } from './exchanges.ts';
import { spfText, stsText, textFactsOf, tlsRptText } from './facts.ts';
import type { FactsTaker, Gatherer, GatherCounters, GatherWants } from './gather.ts';
import { Memo } from './memo.ts';
import type { MxSource, MxTaker } from './mx-source.ts';
import { Tally } from './tally.ts';
import { YoungHeap } from './young-heap.ts';
import { Zones } from './zones.ts';

export type StsRead = (domain: DomainName, signal: AbortSignal) => Promise<StsReading>;

export interface GathererParts {
  readonly mx: MxSource;
  readonly resolver: Resolver;
  readonly reader: AuthorityReader;
  /** Null = never asked, whatever is wanted. */
  readonly readSts: StsRead | null;
  readonly readDane: DaneRead | null;
  readonly probe: ExchangeProbe | null;
  /** Ends what is out, and closes what the parts were made of. */
  readonly closing: AbortController;
  /** Whether `mx` asks in threads of its own. */
  readonly hasThreads: boolean;
  readonly onClose: () => void;
}

/** Of one set; Exim looks at no more, Postfix at five addresses. */
const maxExchangesOfSet = 50;
/** Policies kept: a domain named again soon is not asked again. */
const maxPolicies = 10_000;
/** Policy hosts asked at once; most stand on a few servers of a few providers. */
const policyManners = { concurrency: 16, perSecond: 50 };

/** Domains by which threads have the memory they need. */
const threadsGrown = 20_000;

const noPolicy = { sts: null, stsId: null } as const;
const noExchanges: readonly ExchangeFacts[] = [];

/** All that is asked about the exchanges of one set. */
interface KnownSet {
  readonly wants: GatherWants;
  readonly exchanges: readonly ExchangeFacts[];
}

export class DnsGatherer implements Gatherer {
  readonly #parts: GathererParts;
  readonly #tally = new Tally();
  readonly #youngHeap: YoungHeap;
  readonly #zones: Zones;
  readonly #exchanges: Exchanges;
  readonly #policies: Memo<DomainName, StsReading>;
  readonly #policyGate = new Gate(policyManners);
  readonly #aborts = new AbortWatch();
  /** Of sets that nothing else is asked of, whoever publishes them; by the very set. */
  readonly #known = new WeakMap<MxFacts['mx'], KnownSet>();

  constructor(parts: GathererParts) {
    this.#parts = parts;
    this.#youngHeap = new YoungHeap(parts.hasThreads ? threadsGrown : 0);
    const { resolver, reader, readDane, probe } = parts;
    const common = { resolver, tally: this.#tally, signal: parts.closing.signal };
    this.#zones = new Zones({ ...common, reader });
    this.#exchanges = new Exchanges({ ...common, zones: this.#zones, readDane, probe });
    this.#policies = new Memo({
      size: maxPolicies,
      find: (domain) => this.#readPolicy(domain),
      // One request a host and run, whatever came of it.
      isUnknown: () => false,
    });
  }

  get counters(): GatherCounters {
    return this.#tally;
  }

  /** What an exchange or a policy is asked for serves other domains too, so an abort ends the wait, not the work. */
  gather(domain: DomainName, wants: GatherWants, signal: AbortSignal): Promise<DomainFacts> {
    if (signal.aborted) return Promise.reject(abortReasonOf(signal));
    return new Promise((resolve, reject) => {
      const watch = this.#aborts.join(signal, () => reject(abortReasonOf(signal)));
      this.gatherFor(domain, wants, {
        take: (facts) => {
          this.#aborts.leave(watch);
          resolve(facts);
        },
        fail: (error) => {
          this.#aborts.leave(watch);
          reject(error);
        },
      });
    });
  }

  gatherFor(domain: DomainName, wants: GatherWants, taker: FactsTaker): void {
    this.#tally.domains += 1;
    this.#youngHeap.watch(this.#tally.domains);
    this.#parts.mx.read(domain, new Asked(this, domain, wants, taker));
  }

  /** Goes on where the MX are known. */
  takeMx(mx: MxFacts, domain: DomainName, wants: GatherWants, taker: FactsTaker): void {
    this.#tally.count(mx);
    const known = mx.outcome === 'found' ? this.#known.get(mx.mx) : undefined;
    if (known?.wants === wants) {
      taker.take(factsOf(domain, mx, known.exchanges));
      return;
    }
    this.#gather(domain, mx, wants).then(
      (facts) => taker.take(facts),
      (error: unknown) =>
        taker.fail(error instanceof Error ? error : new Error('gathering failed', { cause: error })),
    );
  }

  async close(): Promise<void> {
    this.#parts.closing.abort(new Error('the gatherer was closed'));
    await this.#parts.mx.close();
    this.#parts.onClose();
  }

  async #gather(domain: DomainName, mx: MxFacts, wants: GatherWants): Promise<DomainFacts> {
    const published = exchangesOf(mx);
    const others = failoverHostsOf(published, wants);
    const { dane, deep } = wants;
    const exchangeWants = { dane, deep, nameServers: published.length + others.length > 1 };
    const known = this.#exchanges.factsOf(published, exchangeWants);
    const isMore = wants.sts || wants.tlsRpt || wants.spf || wants.authorities;
    if (!isMore && mx.outcome !== 'absent' && others.length === 0) {
      const exchanges: readonly ExchangeFacts[] = Array.isArray(known) ? known : await known;
      // What is unknown is asked again some time.
      if (mx.outcome === 'found' && !exchanges.some(isExchangeUnknown))
        this.#known.set(mx.mx, { wants, exchanges });
      return factsOf(domain, mx, exchanges);
    }
    // Nothing below a name that does not exist (RFC 8020 §2).
    const isThere = mx.outcome !== 'nxdomain';
    const [exchanges, failover, own, authorities, policy, tlsRpt, spf] = await Promise.all([
      known,
      this.#exchanges.factsOf(others, exchangeWants),
      mx.outcome === 'absent' ? this.#exchanges.addressesOf(domain) : null,
      wants.authorities && isThere ? this.#zones.authoritiesOf(domain) : null,
      wants.sts && isThere ? this.#policyOf(domain) : null,
      wants.tlsRpt && isThere ? this.#textOf(`_smtp._tls.${domain}`, tlsRptText) : null,
      wants.spf && isThere ? this.#textOf(domain, spfText) : null,
    ]);
    const { sts, stsId } = policy ?? noPolicy;
    return { domain, mx, exchanges, failover, own, authorities, sts, stsId, tlsRpt, spf };
  }

  async #policyOf(domain: DomainName): Promise<{ sts: StsFacts | null; stsId: string | null }> {
    if (this.#parts.readSts === null) return { sts: null, stsId: null };
    const record = await this.#textOf(`_mta-sts.${domain}`, stsText);
    // Nearly all domains: no announcement, no request.
    if (record.outcome !== 'found' && record.outcome !== 'unknown') {
      const reason = 'no policy is announced';
      const sts = { domain: domain.slice(0, -1), mode: 'absent', patterns: [], reason, fault: null } as const;
      return { sts, stsId: null };
    }
    const { id, ...sts } = await this.#policies.get(domain);
    return { sts, stsId: id };
  }

  async #readPolicy(domain: DomainName): Promise<StsReading> {
    const { readSts, closing } = this.#parts;
    if (readSts === null) throw new RangeError('no reader of policies');
    this.#tally.policies += 1;
    await this.#policyGate.enter(closing.signal);
    try {
      return await readSts(domain, closing.signal);
    } finally {
      this.#policyGate.leave();
    }
  }

  async #textOf(text: string, meant: RegExp): Promise<TextFacts> {
    const parsed = parseDomainName(text);
    // Too long to have any.
    if (!parsed.ok) return { outcome: 'absent', values: [], reason: null };
    const lookup = await this.#parts.resolver.lookup(parsed.name, 'TXT', this.#parts.closing.signal);
    this.#tally.count(lookup);
    return textFactsOf(lookup, meant);
  }
}

/** A domain whose MX are asked for. */
class Asked implements MxTaker {
  readonly #gatherer: DnsGatherer;
  readonly #domain: DomainName;
  readonly #wants: GatherWants;
  readonly #taker: FactsTaker;

  constructor(gatherer: DnsGatherer, domain: DomainName, wants: GatherWants, taker: FactsTaker) {
    this.#gatherer = gatherer;
    this.#domain = domain;
    this.#wants = wants;
    this.#taker = taker;
  }

  takeMx(mx: MxFacts): void {
    this.#gatherer.takeMx(mx, this.#domain, this.#wants, this.#taker);
  }

  fail(error: Error): void {
    this.#taker.fail(error);
  }
}

/** Of a domain that nothing else was asked of. */
function factsOf(domain: DomainName, mx: MxFacts, exchanges: readonly ExchangeFacts[]): DomainFacts {
  return {
    domain,
    mx,
    exchanges,
    failover: noExchanges,
    own: null,
    authorities: null,
    sts: null,
    stsId: null,
    tlsRpt: null,
    spf: null,
  };
}

/** Each once, in the order of preference; not the root of a null MX (RFC 7505 §3), which is no host. */
function exchangesOf({ mx }: MxFacts): DomainName[] {
  const exchanges: DomainName[] = [];
  for (const { exchange } of mx) {
    if (exchange === root || exchanges.includes(exchange)) continue;
    exchanges.push(exchange);
    if (exchanges.length === maxExchangesOfSet) break;
  }
  return exchanges;
}

function failoverHostsOf(published: readonly DomainName[], wants: GatherWants): readonly DomainName[] {
  if (wants.failoverHosts === undefined || published.length === 0) return [];
  const others = wants.failoverHosts(published).filter((host) => !published.includes(host));
  return [...new Set(others)].slice(0, maxExchangesOfSet);
}
