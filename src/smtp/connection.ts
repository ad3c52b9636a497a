// One client connection: connects, says a command, reads its reply, turns to TLS, hands over a message, says goodbye.
// Outcomes are values; it throws only on abort or on what cannot be said. Never speaks unasked, never retries.
// RFC 5321 §3.1 to §3.8, RFC 3207.

import net from 'node:net';
import type tls from 'node:tls';

import type { DomainName } from '../model/domain-name.ts';
import type { TlsFacts } from '../model/observation.ts';
import { tlsFactsOf } from './certificate.ts';
import { formatCommand, type Command } from './command.ts';
import { formatContent } from './content.ts';
import { failed, faultOf, type Outcome, type SmtpFault } from './fault.ts';
import { ReplyParser, type ParsedReply } from './reply.ts';
import { handshake } from './tls.ts';
import { within, type SmtpClock } from './wait.ts';

export interface Endpoint {
  /** IPv4 or IPv6 text. */
  readonly address: string;
  readonly port: number;
  /** Local address to speak from; null = the system's choice. */
  readonly sourceAddress: string | null;
}

export async function connectSmtp(
  to: Endpoint,
  clock: SmtpClock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome<SmtpConnection>> {
  if (net.isIP(to.address) === 0) return failed('local', 'not an IP address');
  const socket = new net.Socket();
  try {
    const fault = await within<SmtpFault | 'connected'>(clock, timeoutMs, signal, (done) => {
      socket.once('connect', () => done('connected'));
      // Stays for good: a socket error nobody listens to would end the process.
      socket.on('error', (error) => done(faultOf(error, to.address)));
      // A bad port throws here; so does nothing else.
      socket.connect({
        host: to.address,
        port: to.port,
        ...(to.sourceAddress === null ? {} : { localAddress: to.sourceAddress }),
      });
      return () => {};
    });
    if (fault === 'connected') return { ok: true, value: new SmtpConnection(socket, to.address, clock) };
    socket.destroy();
    return fault === null ? failed('timeout', 'no connection') : { ok: false, fault };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

export class SmtpConnection {
  readonly #address: string;
  readonly #clock: SmtpClock;
  #socket: net.Socket;
  readonly #parser = new ReplyParser();
  /** How the connection ended; null while it lives. */
  #end: SmtpFault | null = null;
  #wake: () => void = () => {};

  constructor(socket: net.Socket, address: string, clock: SmtpClock) {
    this.#socket = socket;
    this.#address = address;
    this.#clock = clock;
    // A command is one small segment and waits for its answer: Nagle's delay (RFC 896) helps nobody here.
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** True where nothing can be said any more. */
  get isOver(): boolean {
    return this.#end !== null || this.#parser.fault !== null;
  }

  /** The next reply, whether it answers a command or came by itself (RFC 5321 §3.8: a 421 may come at any time).
   *  `timeout` where not all of it came in `timeoutMs`, however many octets trickled in. */
  async readReply(timeoutMs: number, signal: AbortSignal): Promise<Outcome<ParsedReply>> {
    const outcome =
      this.#poll() ??
      (await within<Outcome<ParsedReply>>(this.#clock, timeoutMs, signal, (done) => {
        this.#wake = () => {
          const next = this.#poll();
          if (next !== null) done(next);
        };
        return () => {
          this.#wake = () => {};
        };
      }));
    return outcome ?? failed('timeout', this.#parser.isMidReply ? 'answer not finished' : 'no answer');
  }

  /** Says one command and waits for one reply: RFC 2920 pipelining is for senders in a hurry, and gets a client that
   *  was not offered it refused for good. */
  say(command: Command, timeoutMs: number, signal: AbortSignal): Promise<Outcome<ParsedReply>> {
    const line = formatCommand(command);
    if (this.#end === null) this.#socket.write(line);
    return this.readReply(timeoutMs, signal);
  }

  /** Asks to hand over a message. Not among the commands of `say`, so that a probe cannot come to it by mistake. */
  askData(timeoutMs: number, signal: AbortSignal): Promise<Outcome<ParsedReply>> {
    if (this.#end === null) this.#socket.write('DATA\r\n');
    return this.readReply(timeoutMs, signal);
  }

  /** Writes the message with its final dot, after DATA was answered with 354; the reply is read as any other. Once
   *  true, nobody on this side can know that it was not taken (RFC 5321 §4.5.3.2.6). False where something had come
   *  before a word of it was said, or nothing can be said any more: then nothing was written. */
  sendContent(message: Uint8Array): boolean {
    const content = formatContent(message);
    if (this.#end !== null || this.#parser.hasLeftovers) return false;
    this.#socket.write(content);
    return true;
  }

  /** The handshake, after STARTTLS was answered with 220. Where it fails nothing more can be said. */
  async startTls(
    exchange: DomainName,
    context: tls.SecureContext,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Outcome<TlsFacts>> {
    // RFC 3207 §4.2: what came in clear must not be read as if it came in TLS (CVE-2011-0411). Senders drop it;
    // a probe says so, because somebody on the way or a broken server put it there.
    if (this.#parser.hasLeftovers) return this.#breakOff('bytes in clear text after the STARTTLS reply');
    if (this.#end !== null) return { ok: false, fault: this.#end };
    this.#unlisten(this.#socket);
    const bound = { clock: this.#clock, timeoutMs, signal };
    const outcome = await handshake(this.#socket, exchange, context, bound);
    if (outcome === null) {
      this.#end = { kind: 'tls', text: 'TLS handshake not finished' };
      return failed('timeout', this.#end.text);
    }
    if (!outcome.ok) {
      this.#end = outcome.fault;
      return outcome;
    }
    this.#socket = outcome.value;
    this.#listen(outcome.value);
    return { ok: true, value: tlsFactsOf(outcome.value, exchange) };
  }

  /** Ends it at once. */
  destroy(): void {
    this.#end ??= { kind: 'closed', text: 'connection closed' };
    this.#socket.destroy();
  }

  #breakOff(text: string): Outcome<never> {
    this.#end = { kind: 'protocol', text };
    return { ok: false, fault: this.#end };
  }

  #poll(): Outcome<ParsedReply> | null {
    const reply = this.#parser.take();
    if (reply !== null) return { ok: true, value: reply };
    if (this.#parser.fault !== null) return failed('protocol', this.#parser.fault);
    return this.#end === null ? null : { ok: false, fault: this.#end };
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#parser.push(chunk);
    // What follows a fault is never read: let the other side's window fill up instead of our memory.
    if (this.#parser.fault !== null) this.#socket.pause();
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#end ??= { kind: 'closed', text: 'connection closed' };
    this.#wake();
  };

  readonly #onError = (error: Error): void => {
    this.#end ??= faultOf(error, this.#address);
    this.#wake();
  };

  #listen(socket: net.Socket): void {
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('close', this.#onEnd)
      .on('error', this.#onError);
  }

  #unlisten(socket: net.Socket): void {
    socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('close', this.#onEnd)
      .off('error', this.#onError);
  }
}
