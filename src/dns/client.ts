// Asks one DNS server one question: UDP through a pool of connected sockets, TCP where the answer is truncated.
// Never believes what does not match what was asked, never returns part of an RRset, never throws for what the
// network did (only for an abort). RFC 1035 §7; RFC 5452 §9.1 (matching); RFC 6891 §6.2, §7 (EDNS and without).

import type { ServerAddress } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import { AbortWatch } from './abort-watch.ts';
import {
  abortReasonOf,
  closed,
  describeFailure,
  type Exchanged,
  type ExchangeFault,
  familyOf,
  formatServer,
  inBrackets,
  isLoopback,
  pause,
} from './exchange.ts';
import { Deadlines } from './deadlines.ts';
import { Gate } from './gate.ts';
import { type Message, rcodes } from './message.ts';
import { Outbox } from './outbox.ts';
import { type AskOptions, type DnsQuestion, encodeQuery, judgeAnswer, type Query } from './question.ts';
import { askOverTcp } from './tcp.ts';
import { UdpPool } from './udp-pool.ts';
import type { Waits } from './udp-socket.ts';

export type Answered =
  | { readonly ok: true; readonly message: Message; readonly via: 'udp' | 'tcp' | 'https' }
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
export const politePerSecond = 1000;
/** How long a server that could not do EDNS is asked without; ms. It may be upgraded, or the FORMERR was a fluke. */
const plainForMs = 600_000;
/** Servers remembered as such. */
const maxPlainServers = 1000;

/** RFC 6891 §9; TSIG calls the same number BADSIG, and a query of ours carries none. */
const badVersion = 16;
/** Errors that say "not with EDNS" (RFC 6891 §6.1.3, §7). */
const ednsErrors = new Set<number>([rcodes.FORMERR, rcodes.NOTIMP, badVersion]);

/** A question on its way. */
interface Asked {
  readonly server: ServerAddress;
  /** The server as text. */
  readonly key: string;
  readonly question: DnsQuestion;
  readonly options: AskOptions;
  readonly signal: AbortSignal;
}

interface Came {
  readonly message: Message;
  readonly via: 'udp' | 'tcp';
}

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
  readonly #waits: Waits = { deadlines: new Deadlines(), aborts: new AbortWatch(), outbox: new Outbox() };
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
    const key = formatServer(server);
    if (!this.#peers.has(key) && familyOf(server) === 0) {
      return { ok: false, fault: 'unreachable', reason: `${sanitise(server.address)} is not an IP address` };
    }
    for (let attempt = 1; ; attempt++) {
      const got = await this.#askInTurn({ server, key, question, options, signal });
      if (got.ok) return { ok: true, message: got.answer.message, via: got.answer.via };
      if (attempt >= options.attempts || got.fault === 'no-route' || got.fault === 'closed') {
        return {
          ok: false,
          fault: got.fault,
          reason: describeFailure(server, got, options.timeoutMs, attempt),
        };
      }
      await pause(this.#options.retryDelayMs * 2 ** (attempt - 1), signal);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const peer of this.#peers.values()) peer.pool.close();
    this.#peers.clear();
  }

  /** One try, when this server and the whole client have room for one more. */
  async #askInTurn(asked: Asked): Promise<Exchanged<Came>> {
    const peer = this.#peerOf(asked);
    // Own server first: those who wait for a slow one must not use up the places of all others.
    if (!peer.gate.tryEnter()) await peer.gate.enter(asked.signal);
    try {
      if (!this.#gate.tryEnter()) await this.#gate.enter(asked.signal);
      try {
        const hasEdns = !this.#isPlain(asked.key);
        const got = await this.#askOverUdp(peer, asked, hasEdns);
        if (!got.ok) return got;
        const message = got.answer;
        return isWhole(message)
          ? { ok: true, answer: { message, via: 'udp' } }
          : await this.#goOn(peer, asked, hasEdns, message);
      } finally {
        this.#gate.leave();
      }
    } finally {
      peer.gate.leave();
    }
  }

  #askOverUdp(
    peer: Peer,
    { question, options, signal }: Asked,
    hasEdns: boolean,
  ): Promise<Exchanged<Message>> {
    if (this.#closing.signal.aborted) return Promise.resolve(closed);
    if (signal.aborted) return Promise.reject(abortReasonOf(signal));
    const query: Query = { question, options, hasEdns };
    return peer.pool.ask({
      encode: (id) => encodeQuery(query, id),
      judge: (octets, id) => judgeAnswer(octets, id, question),
      timeoutMs: options.timeoutMs,
      signal,
    });
  }

  /** The rare rest: TCP after a truncated answer, and once more without EDNS. */
  async #goOn(peer: Peer, asked: Asked, hasEdns: boolean, message: Message): Promise<Exchanged<Came>> {
    const query: Query = { question: asked.question, options: asked.options, hasEdns };
    const came: Exchanged<Came> = message.isTruncated
      ? await this.#exchangeOverTcp(asked, query, message.id)
      : { ok: true, answer: { message, via: 'udp' } };
    if (!hasEdns || !came.ok || !ednsErrors.has(came.answer.message.rcode)) return came;
    const again = await this.#askOverUdp(peer, asked, false);
    const plain = again.ok ? await this.#goOn(peer, asked, false, again.answer) : again;
    if (plain.ok && !ednsErrors.has(plain.answer.message.rcode)) this.#rememberPlain(asked.key);
    return plain;
  }

  /** RFC 2181 §9: a truncated answer is not used, not even the part that is there. */
  async #exchangeOverTcp(asked: Asked, query: Query, id: number): Promise<Exchanged<Came>> {
    const { server, signal } = asked;
    if (this.#closing.signal.aborted) return closed;
    const got = await askOverTcp(server, {
      octets: encodeQuery(query, id),
      judge: (octets) => judgeAnswer(octets, id, query.question),
      timeoutMs: query.options.timeoutMs,
      signal: AbortSignal.any([signal, this.#closing.signal]),
    }).catch((error: unknown) => {
      if (signal.aborted) throw abortReasonOf(signal);
      if (this.#closing.signal.aborted) return closed;
      throw error;
    });
    if (!got.ok) return { ...got, detail: `over TCP, after a truncated answer${inBrackets(got.detail)}` };
    return { ok: true, answer: { message: got.answer, via: 'tcp' } };
  }

  #peerOf({ server, key }: Asked): Peer {
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const { socketsPerServer, maxInFlightPerServer, maxPerSecondPerServer } = this.#options;
    const perSecond = maxPerSecondPerServer ?? (isLoopback(server) ? Infinity : politePerSecond);
    const gate = new Gate({ concurrency: maxInFlightPerServer, perSecond });
    const pool = new UdpPool(server, socketsPerServer, this.#waits, () => {
      // Idle for longer than the rate limit remembers: nothing is lost, and 10,000 zones leave nothing behind.
      if (gate.isIdle) this.#peers.delete(key);
    });
    const peer = { pool, gate };
    this.#peers.set(key, peer);
    return peer;
  }

  #isPlain(key: string): boolean {
    if (this.#plainUntil.size === 0) return false;
    return (this.#plainUntil.get(key) ?? 0) > performance.now();
  }

  #rememberPlain(key: string): void {
    if (this.#plainUntil.size >= maxPlainServers) this.#plainUntil.clear();
    this.#plainUntil.set(key, performance.now() + plainForMs);
  }
}

/** True where nothing is left to ask. */
function isWhole(message: Message): boolean {
  return !message.isTruncated && !ednsErrors.has(message.rcode);
}
