// A caching resolver on dns2, UDP and TCP: what a sender's resolver keeps after a flip. It honours TTLs to the letter
// by an injected clock and never serves stale. Its "root" is the list of our authorities: it does not walk delegations.
// RFC 1035 §7.3, RFC 2181 §5.2 and §8 (TTL), RFC 2308 §5 (negative answers), RFC 9520 §3.2 (failures).

import { Packet } from 'dns2';
import { createDnsClient, type DnsClient } from '../dns/client.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { Rrset, RrType } from '../model/rrset.ts';
import type { Clock } from '../runtime/clock.ts';
import { ask, type Reply } from './ask.ts';
import { type DnsListener, listenDns } from './dns-listener.ts';
import { questionOf, respondTo } from './packets.ts';
import { keyOf } from './zone.ts';

export interface CacheEntry {
  readonly name: DomainName;
  readonly type: string;
  readonly rcode: number;
  readonly answers: readonly Rrset[];
  readonly authorities: readonly Rrset[];
  /** Instants; ms. The entry is gone at `expiresAt`. */
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** Half of the 5 s that stub resolvers wait by default (resolv.conf), divided by two authorities. */
const askTimeoutMs = 1250;
/** RFC 9520 §3.2: a failure is remembered for at least 1 s. */
const failureTtl = 1;
/** A day: what Unbound and PowerDNS Recursor clamp to by default. */
const maxTtlSeconds = 86_400;

export class CachingResolver {
  readonly #clock: Clock;
  readonly #authorities: readonly ServerAddress[];
  readonly #random: () => number;
  readonly #client: DnsClient = createDnsClient();
  readonly #cache = new Map<string, CacheEntry>();
  readonly #pending = new Map<string, Promise<CacheEntry>>();
  #listener: DnsListener | null = null;

  constructor(options: { clock: Clock; authorities: readonly ServerAddress[]; random: () => number }) {
    this.#clock = options.clock;
    this.#authorities = options.authorities;
    this.#random = options.random;
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** What it holds now, unexpired. */
  entries(): CacheEntry[] {
    const now = this.#clock.now();
    return [...this.#cache.values()].filter((one) => one.expiresAt > now);
  }

  /** The unexpired entry for one question, or null. */
  cached(name: DomainName, type: string): CacheEntry | null {
    const entry = this.#cache.get(keyOf(name, type));
    return entry === undefined || entry.expiresAt <= this.#clock.now() ? null : entry;
  }

  flush(): void {
    this.#cache.clear();
  }

  async open(address: string, port: number): Promise<void> {
    this.#listener = await listenDns({ address, port, handle: (request) => this.#answer(request) });
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    this.#client.close();
    await Promise.allSettled(this.#pending.values());
  }

  async #answer(request: Packet): Promise<Packet> {
    const question = questionOf(request);
    if ('rcode' in question) return respondTo(request, question.rcode, { ra: true });
    // RFC 8482: nobody needs ANY from a resolver.
    if (question.type === 'ANY') return respondTo(request, Packet.RCODE.NOTIMP, { ra: true });
    const entry = await this.#resolve(question.name, question.type);
    const now = this.#clock.now();
    const aged = (rrset: Rrset) => ({ ...rrset, ttl: remaining(rrset.ttl, entry, now) });
    return respondTo(request, entry.rcode, {
      answers: entry.answers.map(aged),
      authorities: entry.authorities.map(aged),
      ra: true,
    });
  }

  async #resolve(name: DomainName, type: RrType): Promise<CacheEntry> {
    const cached = this.cached(name, type);
    if (cached !== null) return cached;
    const key = keyOf(name, type);
    const pending = this.#pending.get(key) ?? this.#fetch(name, type);
    this.#pending.set(key, pending);
    try {
      const entry = await pending;
      this.#cache.set(key, entry);
      return entry;
    } finally {
      this.#pending.delete(key);
    }
  }

  async #fetch(name: DomainName, type: RrType): Promise<CacheEntry> {
    // Resolvers spread their questions over a zone's servers, so one stale secondary is seen by some of them.
    const servers = this.#authorities
      .map((server) => ({ server, rank: this.#random() }))
      .sort((a, b) => a.rank - b.rank);
    for (const { server } of servers) {
      const context = { client: this.#client, server, timeoutMs: askTimeoutMs, recursionDesired: false };
      const reply = await ask(context, name, type);
      if (reply?.isAuthoritative === true) return this.#entry(name, type, reply);
    }
    const failed = { rcode: Packet.RCODE.SERVFAIL, answers: [], authorities: [] };
    return this.#entry(name, type, { ...failed, isAuthoritative: false });
  }

  #entry(name: DomainName, type: string, reply: Reply): CacheEntry {
    const storedAt = this.#clock.now();
    const ttls = [...reply.answers, ...reply.authorities].map((one) => one.ttl);
    const ttl = reply.isAuthoritative && ttls.length > 0 ? Math.min(...ttls, maxTtlSeconds) : failureTtl;
    const { rcode, answers, authorities } = reply;
    return { name, type, rcode, answers, authorities, storedAt, expiresAt: storedAt + ttl * 1000 };
  }
}

/** Rounded up: an entry that is still held is never told with TTL 0. */
function remaining(ttl: number, entry: CacheEntry, now: number): number {
  return Math.max(0, Math.ceil(ttl - (now - entry.storedAt) / 1000));
}

export async function startResolver(options: {
  clock: Clock;
  authorities: readonly ServerAddress[];
  /** 0..1: which authority is asked first. */
  random: () => number;
  address: string;
  /** 0 = a free one. */
  port: number;
}): Promise<CachingResolver> {
  const resolver = new CachingResolver(options);
  await resolver.open(options.address, options.port);
  return resolver;
}
