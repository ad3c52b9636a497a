// Asks one DNS server one question: UDP through a pool of connected sockets, TCP where the answer is truncated.
// Never believes what does not match what was asked, never returns part of an RRset, never throws for what the
// network did (only for an abort). RFC 1035 §7; RFC 5452 §9.1 (matching); RFC 6891 §6.2, §7 (EDNS and without).

import type { ServerAddress } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import {
  abortReasonOf,
  type Exchanged,
  type ExchangeFailure,
  type ExchangeFault,
  familyOf,
  formatServer,
  pause,
} from './exchange.ts';
import { Gate } from './gate.ts';
import { type Message, rcodes } from './message.ts';
import { type AskOptions, type DnsQuestion, encodeQuery, judgeAnswer, type Query } from './question.ts';
import { askOverTcp } from './tcp.ts';
import { UdpPool } from './udp-pool.ts';

type Answered =
  | { readonly ok: true; readonly message: Message; readonly via: 'udp' | 'tcp' }
  /** `reason`: one line, e.g. `no answer from 192.0.2.1#53 in 5 s`. */
  | { readonly ok: false; readonly fault: ExchangeFault; readonly reason: string };

export interface DnsClient {
  /** Any answer that matches, errors included, is `ok`. Rejects only on abort, with the signal's reason. */
  ask(
    server: ServerAddress,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Answered>;
  /** What is out ends as `closed`; later questions too. */
  close(): void;
}

export interface DnsClientOptions {
  /** UDP sockets per server. */
  readonly socketsPerServer?: number;
  /** Questions out at once, all servers together. */
  readonly maxInFlight?: number;
  readonly maxInFlightPerServer?: number;
  /** null = 1,000, and no limit for a server on loopback, which is our own. */
  readonly maxPerSecondPerServer?: number | null;
  /** Pause before the second try; doubles with each further one; ms. */
  readonly retryDelayMs?: number;
}

const defaults: Required<DnsClientOptions> = {
  // Each worn out after some hundred uses, so ports change all the time; more would only cost file descriptors
  // where thousands of name servers are asked.
  socketsPerServer: 6,
  // Well below the 1,024 file descriptors many systems grant, should each need its own TCP connection.
  maxInFlight: 512,
  // Fits a default UDP receive buffer (208 KiB) with answers of 1,232 octets.
  maxInFlightPerServer: 128,
  maxPerSecondPerServer: null,
  // A server that refused at once may be restarting; longer would be felt by a person.
  retryDelayMs: 100,
};

/** Public resolvers begin to drop at 1,500 a second and address. */
const politePerSecond = 1000;
/** How long a server that could not do EDNS is asked without; ms. It may be upgraded, or the FORMERR was a fluke. */
const plainForMs = 600_000;
/** Servers remembered as such. */
const maxPlainServers = 1000;

/** RFC 6891 §9; TSIG calls the same number BADSIG, and a query of ours carries none. */
const badVersion = 16;
/** Errors that say "not with EDNS" (RFC 6891 §6.1.3, §7). */
const ednsErrors = new Set<number>([rcodes.FORMERR, rcodes.NOTIMP, badVersion]);

interface Peer {
  readonly pool: UdpPool;
  readonly gate: Gate;
}

export function createDnsClient(options: DnsClientOptions = {}): DnsClient {
  return new PooledClient({ ...defaults, ...options });
}

class PooledClient implements DnsClient {
  readonly #options: Required<DnsClientOptions>;
  readonly #gate: Gate;
  readonly #peers = new Map<string, Peer>();
  readonly #plainUntil = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(options: Required<DnsClientOptions>) {
    this.#options = options;
    this.#gate = new Gate({ concurrency: options.maxInFlight, perSecond: Infinity });
  }

  async ask(
    server: ServerAddress,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Answered> {
    if (familyOf(server) === 0) {
      return { ok: false, fault: 'unreachable', reason: `${sanitise(server.address)} is not an IP address` };
    }
    for (let attempt = 1; ; attempt++) {
      const got = await this.#inTurn(server, signal, (peer) =>
        this.#try(peer, server, question, options, signal),
      );
      if (got.ok) return { ok: true, ...got.answer };
      if (attempt >= options.attempts || got.fault === 'no-route' || got.fault === 'closed') {
        return { ok: false, fault: got.fault, reason: describe(server, got, options.timeoutMs, attempt) };
      }
      await pause(this.#options.retryDelayMs * 2 ** (attempt - 1), signal);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const peer of this.#peers.values()) peer.pool.close();
    this.#peers.clear();
  }

  /** Runs `work` when this server and the whole client have room for one more. */
  async #inTurn<T>(
    server: ServerAddress,
    signal: AbortSignal,
    work: (peer: Peer) => Promise<Exchanged<T>>,
  ): Promise<Exchanged<T>> {
    const peer = this.#peerOf(server);
    // Own server first: those who wait for a slow one must not use up the places of all others.
    await peer.gate.enter(signal);
    try {
      await this.#gate.enter(signal);
      try {
        if (this.#closing.signal.aborted) return closed;
        return await work(peer);
      } finally {
        this.#gate.leave();
      }
    } finally {
      peer.gate.leave();
    }
  }

  async #try(
    peer: Peer,
    server: ServerAddress,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Exchanged<{ message: Message; via: 'udp' | 'tcp' }>> {
    const key = formatServer(server);
    const isPlain = (this.#plainUntil.get(key) ?? 0) > performance.now();
    let got = await this.#exchange(peer, server, { question, options, hasEdns: !isPlain }, signal);
    if (!isPlain && got.ok && ednsErrors.has(got.answer.message.rcode)) {
      got = await this.#exchange(peer, server, { question, options, hasEdns: false }, signal);
      if (got.ok && !ednsErrors.has(got.answer.message.rcode)) this.#rememberPlain(key);
    }
    return got;
  }

  async #exchange(
    peer: Peer,
    server: ServerAddress,
    query: Query,
    signal: AbortSignal,
  ): Promise<Exchanged<{ message: Message; via: 'udp' | 'tcp' }>> {
    if (signal.aborted) throw abortReasonOf(signal);
    const { timeoutMs } = query.options;
    const overUdp = await peer.pool.ask({
      encode: (id) => encodeQuery(query, id),
      judge: (octets, id) => judgeAnswer(octets, id, query.question),
      timeoutMs,
      signal,
    });
    if (!overUdp.ok) return overUdp;
    if (!overUdp.answer.isTruncated) return { ok: true, answer: { message: overUdp.answer, via: 'udp' } };
    if (this.#closing.signal.aborted) return closed;
    // RFC 2181 §9: a truncated answer is not used, not even the part that is there.
    const id = overUdp.answer.id;
    const overTcp = await askOverTcp(server, {
      octets: encodeQuery(query, id),
      judge: (octets) => judgeAnswer(octets, id, query.question),
      timeoutMs,
      signal: AbortSignal.any([signal, this.#closing.signal]),
    }).catch((error: unknown) => {
      if (signal.aborted) throw abortReasonOf(signal);
      if (this.#closing.signal.aborted) return closed;
      throw error;
    });
    if (!overTcp.ok)
      return { ...overTcp, detail: `over TCP, after a truncated answer${tail(overTcp.detail)}` };
    return { ok: true, answer: { message: overTcp.answer, via: 'tcp' } };
  }

  #peerOf(server: ServerAddress): Peer {
    const key = formatServer(server);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const { socketsPerServer, maxInFlightPerServer, maxPerSecondPerServer } = this.#options;
    const perSecond = maxPerSecondPerServer ?? (isLoopback(server) ? Infinity : politePerSecond);
    const gate = new Gate({ concurrency: maxInFlightPerServer, perSecond });
    const pool = new UdpPool(server, socketsPerServer, () => {
      // Idle for longer than the rate limit remembers: nothing is lost, and 10,000 zones leave nothing behind.
      if (gate.isIdle) this.#peers.delete(key);
    });
    const peer = { pool, gate };
    this.#peers.set(key, peer);
    return peer;
  }

  #rememberPlain(key: string): void {
    if (this.#plainUntil.size >= maxPlainServers) this.#plainUntil.clear();
    this.#plainUntil.set(key, performance.now() + plainForMs);
  }
}

function isLoopback({ address }: ServerAddress): boolean {
  return address.startsWith('127.') || address === '::1';
}

const closed: ExchangeFailure = { ok: false, fault: 'closed', detail: 'the client was closed' };

function describe(server: ServerAddress, failure: ExchangeFailure, timeoutMs: number, tries: number): string {
  const to = formatServer(server);
  const detail = tail(failure.detail);
  const count = tries > 1 ? `, ${tries} tries` : '';
  switch (failure.fault) {
    case 'timeout':
      return `no answer from ${to} in ${formatMs(timeoutMs)}${count}${detail}`;
    case 'no-route':
      return `no route from here to ${to}${detail}`;
    case 'refused':
      return `${to} refused the connection${count}${detail}`;
    case 'unreachable':
      return `could not ask ${to}${count}${detail}`;
    case 'broken':
      return `no usable answer from ${to}${count}${detail}`;
    case 'closed':
      return `${to} was not asked: the DNS client is closed`;
  }
}

function tail(detail: string): string {
  return detail === '' ? '' : ` (${detail})`;
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 100) / 10} s`;
}
