// Puts a gatherer together: which servers are asked, how fast, and in how many threads.

import { availableParallelism } from 'node:os';
import { createAuthorityReader } from '../dns/authoritative.ts';
import { createDnsClient } from '../dns/client.ts';
import { isLoopback } from '../dns/exchange.ts';
import { createDohClient } from '../dns/doh.ts';
import type { Resolver } from '../dns/reader.ts';
import { createResolver } from '../dns/resolver.ts';
import type { ServerAddress } from '../model/route.ts';
import type { DaneRead, ExchangeProbe } from './exchanges.ts';
import type { Gatherer } from './gather.ts';
import { DnsGatherer, type StsRead } from './gatherer.ts';
import { createMxSource } from './mx-source.ts';
import { createThreadedMxSource } from './mx-threads.ts';

export interface GathererOptions {
  /** Asked in this order, the next where one has no answer; none = those of the system. An address may be the URL of
   *  DNS over HTTPS. */
  readonly resolvers: readonly ServerAddress[];
  /** Questions a second to any one server; null = 1,000, and no limit for one on loopback. */
  readonly qps: number | null;
  /** Questions out at once to any one server; null = 128, and 64 over HTTPS. */
  readonly concurrency: number | null;
  /** Made with the resolver that asks at that pace; null = never asked, whatever is wanted. */
  readonly readSts: ((resolver: Resolver) => StsRead) | null;
  readonly readDane: ((resolver: Resolver) => DaneRead) | null;
  readonly probe: ((resolver: Resolver) => ExchangeProbe) | null;
  readonly clock: { now(): number };
  /** Threads that ask for MX where nothing limits the pace; null = by the processor, 0 = none. */
  readonly threads: number | null;
  /** Per server and round; ms; null = 2,500. */
  readonly timeoutMs?: number;
  /** PEM; trusted for DNS over HTTPS besides the CAs Node trusts. */
  readonly caCertificates?: readonly string[];
  /** Of name servers found through NS; only tests have another than 53. */
  readonly authorityPort?: number;
}

/** Longer than a resolver takes for a far and slow zone, as a rule; a second round follows. ms. */
const defaultTimeoutMs = 2500;
/** Rounds over all resolvers: a lost datagram must not make a domain unknown. */
const rounds = 3;
/** To a server of our own machine: what fits its receive buffer as most systems have it. */
const unlimitedInFlight = 256;

/** Two keep this one and the resolver's busy on any machine; each takes 50 MB. */
const mostThreads = 1;

export function createGatherer(options: GathererOptions): Gatherer {
  const { qps, concurrency, clock, timeoutMs = defaultTimeoutMs, caCertificates = [] } = options;
  const manners = {
    maxPerSecondPerServer: qps,
    ...(concurrency === null
      ? {}
      : { maxInFlightPerServer: concurrency, maxInFlight: Math.max(512, concurrency) }),
  };
  const client = createDohClient(createDnsClient(manners), { ...manners, caCertificates });
  const common = { client, clock, timeoutMs, attempts: rounds };
  const resolver = createResolver({ ...common, servers: options.resolvers });
  const unshared = createResolver({ ...common, servers: options.resolvers, isShared: false });
  const { authorityPort: port } = options;
  const reader = createAuthorityReader({ ...common, resolver, ...(port === undefined ? {} : { port }) });
  const closing = new AbortController();
  const ownMx = createMxSource(unshared, closing.signal);
  const threads = threadsOf(options);
  const threadData = {
    servers: options.resolvers,
    timeoutMs,
    attempts: rounds,
    concurrency: concurrency ?? unlimitedInFlight,
  };
  return new DnsGatherer({
    mx: threads > 0 ? createThreadedMxSource(threads, threadData, ownMx) : ownMx,
    resolver,
    reader,
    readSts: options.readSts?.(resolver) ?? null,
    readDane: options.readDane?.(resolver) ?? null,
    probe: options.probe?.(resolver) ?? null,
    closing,
    hasThreads: threads > 0,
    onClose: () => client.close(),
  });
}

/** Several threads cannot keep to a pace together, so only where there is none to keep to. */
function threadsOf({ resolvers, qps, threads }: GathererOptions): number {
  const isUnlimited = qps === null && resolvers.length > 0 && resolvers.every(isLoopback);
  return isUnlimited ? (threads ?? Math.min(mostThreads, availableParallelism() - 1)) : 0;
}
