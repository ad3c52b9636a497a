// One connected UDP socket and the questions that are out on it. Connected: the kernel drops what comes from any
// other address or port, and hands us the ICMP error when nobody listens. What does not match is ignored and the
// wait goes on, because taking the first datagram is what a forger hopes for (RFC 5452 §9.1).

import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import type { ServerAddress } from '../model/route.ts';
import type { AbortWatch, Watch } from './abort-watch.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import {
  abortReasonOf,
  type Exchanged,
  type ExchangeFailure,
  failureOf,
  familyOf,
  type Verdict,
} from './exchange.ts';
import type { Outbox } from './outbox.ts';

/** RFC 1035 §4.1.1: ids are 16 bits. */
const idSpace = 65_536;
/** RFC 1035 §4.1.1: octets of a header; anything shorter is noise. */
const headerOctets = 12;

export interface UdpQuestion<T> {
  /** The whole message under this id. */
  readonly encode: (id: number) => Uint8Array;
  readonly judge: (octets: Uint8Array, id: number) => Verdict<T>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What goes on around a question; one for all sockets of a client. */
export interface Waits {
  readonly deadlines: Deadlines;
  readonly aborts: AbortWatch;
  readonly outbox: Outbox;
}

/** A question that is out. */
class Waiting<T> {
  readonly id: number;
  readonly #question: UdpQuestion<T>;
  readonly #socket: UdpSocket;
  readonly #resolve: (exchanged: Exchanged<T>) => void;
  readonly #reject: (error: Error) => void;
  readonly #straysBefore: number;
  readonly #waits: Waits;
  readonly #deadline: Deadline;
  readonly #watch: Watch;
  #ignored = 0;
  #lastWhy = '';

  constructor(
    id: number,
    question: UdpQuestion<T>,
    socket: UdpSocket,
    waits: Waits,
    [resolve, reject]: [(exchanged: Exchanged<T>) => void, (error: Error) => void],
  ) {
    this.id = id;
    this.#question = question;
    this.#socket = socket;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#straysBefore = socket.strays;
    this.#waits = waits;
    this.#deadline = waits.deadlines.start(question.timeoutMs, () => this.#onDeadline());
    this.#watch = waits.aborts.join(question.signal, () => this.#onAbort());
  }

  offer(octets: Uint8Array): void {
    const verdict = this.#question.judge(octets, this.id);
    if (verdict.ok) {
      this.#settle();
      this.#resolve(verdict);
    } else {
      this.#ignored += 1;
      this.#lastWhy = verdict.why;
    }
  }

  fail(failure: ExchangeFailure): void {
    this.#settle();
    this.#resolve(failure);
  }

  #onDeadline(): void {
    this.fail(silence(this.#ignored, this.#lastWhy, this.#socket.strays - this.#straysBefore));
  }

  #onAbort(): void {
    this.#settle();
    this.#reject(abortReasonOf(this.#question.signal));
  }

  #settle(): void {
    this.#waits.deadlines.stop(this.#deadline);
    this.#waits.aborts.leave(this.#watch);
    this.#socket.forget(this);
  }
}

type Outstanding = Pick<Waiting<unknown>, 'id' | 'offer' | 'fail'>;

export class UdpSocket {
  readonly openedAt = performance.now();
  readonly #socket: Socket;
  readonly #waits: Waits;
  /** Some dozens at most, so looked through: see chain.ts for what is wrong with a Map. */
  readonly #waiting: Outstanding[] = [];
  readonly #onDrained: () => void;
  /** Datagrams held until the socket is connected; null from then on. */
  #backlog: Uint8Array[] | null = [];
  #uses = 0;
  #strays = 0;
  #isRetired = false;
  #isClosed = false;

  constructor(server: ServerAddress, waits: Waits, onDrained: () => void) {
    this.#waits = waits;
    const family = familyOf(server);
    this.#onDrained = onDrained;
    // The address is a literal; going through getaddrinfo would cost a thread each time.
    const lookup = (
      host: string,
      _options: unknown,
      done: (error: null, to: string, family: number) => void,
    ) => {
      done(null, host, family);
    };
    this.#socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup });
    this.#socket.unref();
    this.#socket.on('message', (octets) => {
      this.#onMessage(octets);
    });
    this.#socket.on('error', (error) => {
      this.#failAll(failureOf(error));
    });
    this.#socket.on('connect', () => {
      this.#flush();
    });
    // Not bound first: the kernel picks a random source port, and a source address that fits the route.
    this.#socket.connect(server.port, server.address);
  }

  get uses(): number {
    return this.#uses;
  }

  /** Datagrams that belong to no question. */
  get strays(): number {
    return this.#strays;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** The signal must not be aborted yet. */
  ask<T>(question: UdpQuestion<T>): Promise<Exchanged<T>> {
    return new Promise((resolve, reject) => {
      const id = this.#unusedId();
      const octets = question.encode(id);
      this.#waiting.push(new Waiting(id, question, this, this.#waits, [resolve, reject]));
      this.#uses += 1;
      this.#waits.outbox.add(() => this.#send(octets));
    });
  }

  /** A question whose wait has ended. */
  forget(waiting: Outstanding): void {
    const at = this.#waiting.indexOf(waiting);
    const last = this.#waiting.pop();
    if (last !== undefined && last !== waiting) this.#waiting[at] = last;
    if (this.#waiting.length === 0) this.#onAllSettled();
  }

  /** Takes no new questions; closes once those that are out are settled. */
  retire(): void {
    this.#isRetired = true;
    if (this.isIdle) this.#close();
  }

  /** Settles what is out as `closed`. */
  close(): void {
    this.#failAll({ ok: false, fault: 'closed', detail: 'the client was closed' });
  }

  #unusedId(): number {
    for (;;) {
      const id = randomInt(idSpace);
      if (this.#outstanding(id) === undefined) return id;
    }
  }

  #outstanding(id: number): Outstanding | undefined {
    return this.#waiting.find((waiting) => waiting.id === id);
  }

  #send(octets: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#backlog === null) this.#socket.send(octets, this.#onSent);
    else this.#backlog.push(octets);
  }

  /** Without a callback Node drops the error of a failed send, ECONNREFUSED among them. */
  readonly #onSent = (error: Error | null) => {
    if (error !== null) this.#failAll(failureOf(error));
  };

  #flush(): void {
    const held = this.#backlog ?? [];
    this.#backlog = null;
    for (const octets of held) this.#send(octets);
  }

  #onMessage(octets: Uint8Array): void {
    const isResponse = ((octets[2] ?? 0) & 0x80) !== 0;
    const id = ((octets[0] ?? 0) << 8) | (octets[1] ?? 0);
    const waiting = octets.length < headerOctets || !isResponse ? undefined : this.#outstanding(id);
    if (waiting === undefined) this.#strays += 1;
    else waiting.offer(octets);
  }

  /** An error on a connected socket cannot be told apart by question: all that are out share it. */
  #failAll(failure: ExchangeFailure): void {
    this.#isRetired = true;
    for (const waiting of [...this.#waiting]) waiting.fail(failure);
    this.#close();
  }

  #onAllSettled(): void {
    if (this.#isRetired) this.#close();
    this.#onDrained();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#backlog = null;
    // Still connecting: closing waits for that by itself.
    this.#socket.close();
  }
}

function silence(ignored: number, lastWhy: string, strays: number): ExchangeFailure {
  const total = ignored + strays;
  const why = ignored > 0 ? lastWhy : 'unknown id';
  const detail = total === 0 ? '' : `ignored ${total} ${total === 1 ? 'datagram' : 'datagrams'}: ${why}`;
  return { ok: false, fault: 'timeout', detail };
}
