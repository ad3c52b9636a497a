// One message there and one back over TCP, for truncated answers and for UPDATE. A connection per question: the
// cases are rare, and a fresh connection has no state to go wrong. RFC 7766; RFC 1035 §4.2.2 (two length octets).
// Never throws for what the network did.

import { connect } from 'node:net';
import type { ServerAddress } from '../model/route.ts';
import { abortReasonOf, type Exchanged, type ExchangeFailure, failureOf, type Verdict } from './exchange.ts';

/** Messages that may come before the right one; a server that sends more is not answering us. */
const maxMessages = 4;

export interface TcpQuestion<T> {
  /** The whole message, without length octets. */
  readonly octets: Uint8Array;
  readonly judge: (octets: Uint8Array) => Verdict<T>;
  /** From the start of the connection to the last octet of the answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Rejects only on abort. A caller that signs takes the raw octets through `judge`. */
export function askOverTcp<T>(server: ServerAddress, question: TcpQuestion<T>): Promise<Exchanged<T>> {
  const { signal } = question;
  if (signal.aborted) return Promise.reject(abortReasonOf(signal));
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    const frames = new FrameReader();
    let messages = 0;
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    };
    const fail = (failure: ExchangeFailure) => {
      settle();
      resolve(failure);
    };
    const onAbort = () => {
      settle();
      reject(abortReasonOf(signal));
    };
    const timer = setTimeout(() => {
      const detail = socket.connecting ? 'no connection' : `${frames.received} octets came`;
      fail({ ok: false, fault: 'timeout', detail });
    }, question.timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => {
      fail(failureOf(error));
    });
    socket.on('close', () => {
      fail({ ok: false, fault: 'broken', detail: 'closed the connection before the answer was whole' });
    });
    socket.on('connect', () => {
      socket.write(framed(question.octets));
    });
    socket.on('data', (chunk) => {
      for (const octets of frames.push(chunk)) {
        const verdict = question.judge(octets);
        messages += 1;
        if (verdict.ok) {
          settle();
          resolve(verdict);
          return;
        }
        if (messages >= maxMessages) {
          fail({ ok: false, fault: 'broken', detail: `sent ${messages} other messages: ${verdict.why}` });
          return;
        }
      }
    });
  });
}

function framed(octets: Uint8Array): Uint8Array {
  const frame = new Uint8Array(octets.length + 2);
  frame[0] = octets.length >> 8;
  frame[1] = octets.length & 0xff;
  frame.set(octets, 2);
  return frame;
}

/** Cuts a stream into messages. Holds at most one unfinished message (65,537 octets) beside a chunk. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  #received = 0;
  /** Octets needed before it is worth joining the chunks: a server may send one octet at a time. */
  #wanted = 2;

  get received(): number {
    return this.#received;
  }

  push(chunk: Buffer): Uint8Array[] {
    this.#received += chunk.length;
    this.#held += chunk.length;
    this.#chunks.push(chunk);
    const messages: Uint8Array[] = [];
    while (this.#held >= this.#wanted) {
      const joined = this.#chunks.length === 1 ? (this.#chunks[0] ?? chunk) : Buffer.concat(this.#chunks);
      const end = 2 + joined.readUInt16BE(0);
      const isWhole = joined.length >= end;
      if (isWhole) messages.push(joined.subarray(2, end));
      const rest = isWhole ? joined.subarray(end) : joined;
      this.#chunks = [rest];
      this.#held = rest.length;
      this.#wanted = isWhole ? 2 : end;
    }
    return messages;
  }
}
