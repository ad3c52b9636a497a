// DNS over HTTPS (RFC 8484), where 53/udp is closed or rewritten: our own octets in a POST, over one HTTP/2 connection a
// server (§5.2), which is kept. The certificate must be good; redirects are not followed; answers are as little believed
// as those over UDP. The name in the URL is looked up by the system.

import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { getCACertificates } from 'node:tls';
import type { ServerAddress } from '../model/route.ts';
import { type Answered, type DnsClient, politePerSecond } from './client.ts';
import {
  abortReasonOf,
  closed,
  describeFailure,
  type Exchanged,
  failureOf,
  isDohUrl,
  isLoopback,
  pause,
} from './exchange.ts';
import { Gate } from './gate.ts';
import type { Message } from './message.ts';
import { maxMessageOctets } from './octets.ts';
import { type AskOptions, type DnsQuestion, encodeQuery, judgeAnswer } from './question.ts';

export interface DohOptions {
  /** PEM; trusted besides the CAs Node trusts. */
  readonly caCertificates?: readonly string[];
  /** Streams of one connection; public servers allow 100. */
  readonly maxInFlightPerServer?: number;
  /** null = 1,000, and no limit for a server on loopback. */
  readonly maxPerSecondPerServer?: number | null;
}

/** Below the 100 streams that RFC 9113 §6.5.2 tells servers to allow. */
const defaultInFlight = 64;
/** Pause before the second try; ms. */
const retryDelayMs = 100;
/** An idle connection goes after this; ms. */
const idleMs = 10_000;
/** RFC 8484 §6. */
const mediaType = 'application/dns-message';
/** RFC 8484 §4.1: so that HTTP caches see equal questions as equal. */
const queryId = 0;

interface Connection {
  readonly session: ClientHttp2Session;
  /** When the last answer came; ms of performance.now(). */
  answeredAt: number;
}

interface Peer {
  readonly url: URL;
  readonly gate: Gate;
  connection: Connection | null;
}

/** Asks servers whose address is a URL; all others are left to `plain`, which is closed with this. */
export function createDohClient(plain: DnsClient, options: DohOptions = {}): DnsClient {
  return new DohClient(plain, options);
}

class DohClient implements DnsClient {
  readonly #plain: DnsClient;
  readonly #options: DohOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #closing = new AbortController();

  constructor(plain: DnsClient, options: DohOptions) {
    this.#plain = plain;
    this.#options = options;
  }

  ask(
    server: ServerAddress,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Answered> {
    return isDohUrl(server.address)
      ? this.#ask(server, question, options, signal)
      : this.#plain.ask(server, question, options, signal);
  }

  close(): void {
    this.#closing.abort();
    for (const { connection } of this.#peers.values()) connection?.session.destroy();
    this.#peers.clear();
    this.#plain.close();
  }

  async #ask(
    server: ServerAddress,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Answered> {
    const peer = this.#peerOf(server);
    for (let attempt = 1; ; attempt++) {
      await peer.gate.enter(signal);
      const got = await this.#exchange(peer, question, options, signal).finally(() => peer.gate.leave());
      if (got.ok) return { ok: true, message: got.answer, via: 'https' };
      if (attempt >= options.attempts || got.fault === 'closed') {
        return {
          ok: false,
          fault: got.fault,
          reason: describeFailure(server, got, options.timeoutMs, attempt),
        };
      }
      await pause(retryDelayMs * 2 ** (attempt - 1), signal);
    }
  }

  async #exchange(
    peer: Peer,
    question: DnsQuestion,
    options: AskOptions,
    signal: AbortSignal,
  ): Promise<Exchanged<Message>> {
    const connection = await this.#connectionOf(peer);
    if (this.#isClosed()) return closed;
    if (signal.aborted) throw abortReasonOf(signal);
    const octets = encodeQuery({ question, options, hasEdns: true }, queryId);
    const startedAt = performance.now();
    const got = await post(connection.session, peer.url, octets, options.timeoutMs, signal);
    if (!got.ok) {
      // Nothing came from there since: maybe the connection is dead, and the next question must not wait for that.
      if (got.fault === 'timeout' && connection.answeredAt < startedAt) connection.session.destroy();
      return this.#isClosed() ? closed : got;
    }
    connection.answeredAt = performance.now();
    const verdict = judgeAnswer(got.answer, queryId, question);
    return verdict.ok ? verdict : { ok: false, fault: 'broken', detail: verdict.why };
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #connectionOf(peer: Peer): Promise<Connection> {
    const { connect } = await import('node:http2');
    const { connection } = peer;
    if (connection?.session.destroyed === false && !connection.session.closed) return connection;
    const { caCertificates = [] } = this.#options;
    const ca = caCertificates.length > 0 ? { ca: [...getCACertificates('default'), ...caCertificates] } : {};
    const session = connect(peer.url.origin, ca);
    // Each question tells it by itself.
    session.on('error', () => {});
    // GOAWAY: what is out ends, new questions take a new connection.
    session.on('goaway', () => session.close());
    session.setTimeout(idleMs, () => session.close());
    session.unref();
    peer.connection = { session, answeredAt: 0 };
    return peer.connection;
  }

  #peerOf(server: ServerAddress): Peer {
    const known = this.#peers.get(server.address);
    if (known !== undefined) return known;
    const url = new URL(server.address);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isOurs = host === 'localhost' || isLoopback({ address: host, port: 0 });
    const peer = {
      url,
      gate: new Gate({
        concurrency: this.#options.maxInFlightPerServer ?? defaultInFlight,
        perSecond: this.#options.maxPerSecondPerServer ?? (isOurs ? Infinity : politePerSecond),
      }),
      connection: null,
    };
    this.#peers.set(server.address, peer);
    return peer;
  }
}

/** RFC 8484 §4.1. Rejects only on abort. */
function post(
  session: ClientHttp2Session,
  url: URL,
  octets: Uint8Array,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Exchanged<Uint8Array>> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream | null = null;
    let chunks: Buffer[] = [];
    let received = 0;
    const settle = (got: Exchanged<Uint8Array>) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      chunks = [];
      resolve(got);
      stream?.close();
    };
    const broken = (detail: string) => settle({ ok: false, fault: 'broken', detail });
    const onAbort = () => {
      reject(abortReasonOf(signal));
      settle(closed);
    };
    const timer = setTimeout(() => {
      const detail = session.connecting ? 'no connection' : `${received} octets came`;
      settle({ ok: false, fault: 'timeout', detail });
    }, timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      stream = session.request({
        ':method': 'POST',
        ':path': `${url.pathname}${url.search}`,
        accept: mediaType,
        'content-type': mediaType,
        'content-length': octets.length,
      });
    } catch (error) {
      settle(failureOf(error instanceof Error ? error : new Error('not sent', { cause: error })));
      return;
    }
    // What ended the connection before it was one, such as a certificate, is the cause of what the stream tells.
    stream.on('error', (error: Error) =>
      settle(failureOf(error.cause instanceof Error ? error.cause : error)),
    );
    stream.on('close', () => broken('closed the connection before the answer was whole'));
    stream.on('response', (headers) => {
      const type = headers['content-type'] ?? '';
      if (headers[':status'] !== 200) broken(`HTTP ${Number(headers[':status'])} instead of 200`);
      else if (type.split(';')[0]?.trim().toLowerCase() !== mediaType) broken(`not ${mediaType}`);
    });
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > maxMessageOctets) broken('the answer is longer than a DNS message can be');
      else chunks.push(chunk);
    });
    stream.on('end', () => settle({ ok: true, answer: Buffer.concat(chunks) }));
    stream.end(octets);
  });
}
