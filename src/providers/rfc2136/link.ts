// One TCP connection to the server, one message out at a time. Knows whether a message was sent at all, because what
// was sent may have been applied. RFC 1035 §4.2.2 (two length octets); RFC 7766 §6.2.1 (connections are reused).

import { connect, type Socket } from 'node:net';

import type { ServerAddress } from '../../model/route.ts';

export type Carried =
  | { readonly kind: 'reply'; readonly octets: Uint8Array }
  /** Nothing left this machine. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** It was sent and no whole reply came: who knows. */
  | { readonly kind: 'lost'; readonly reason: string };

/** After an abort, how long a write that is out may still be answered; ms. A primary answers in milliseconds, and
 *  reading back on another connection could overtake a write that nobody waits for. */
const abortGraceMs = 3000;

const reasonOf = (error: Error) => {
  const code: unknown = 'code' in error ? error.code : null;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'connection closed before the reply';
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'connection failed';
};

const abortReasonOf = (signal: AbortSignal) =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });

/** A call, so that the compiler does not take the first look for the last. */
const isAborted = (signal: AbortSignal) => signal.aborted;

export class Link {
  readonly #server: ServerAddress;
  readonly #timeoutMs: number;
  #socket: Socket | null = null;

  constructor(server: ServerAddress, timeoutMs: number) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks over the open connection, or a new one if there is none. Rejects only on abort. */
  async read(octets: Uint8Array, signal: AbortSignal): Promise<Carried> {
    const isReused = this.#socket !== null;
    const carried = await this.#exchange(octets, signal, false);
    // A server may close an idle connection just as we ask. A question is free to be asked again.
    return carried.kind === 'lost' && isReused ? this.#exchange(octets, signal, false) : carried;
  }

  /** Tells over a connection of its own. Rejects on abort only as long as nothing was sent. */
  write(octets: Uint8Array, signal: AbortSignal): Promise<Carried> {
    this.close();
    return this.#exchange(octets, signal, true);
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #exchange(octets: Uint8Array, signal: AbortSignal, isWrite: boolean): Promise<Carried> {
    if (isAborted(signal)) throw abortReasonOf(signal);
    if (this.#socket === null) {
      const opened = await this.#open(signal);
      if (typeof opened === 'string') return { kind: 'not-sent', reason: opened };
      this.#socket = opened;
      if (isAborted(signal)) throw abortReasonOf(signal);
    }
    const socket = this.#socket;
    const carried = await this.#converse(socket, octets, signal, isWrite).catch((error: unknown) => {
      this.close();
      throw error;
    });
    if (carried.kind !== 'reply') this.close();
    return carried;
  }

  /** A connected socket, or why there is none. */
  #open(signal: AbortSignal): Promise<Socket | string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#server.address, port: this.#server.port, noDelay: true });
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.removeAllListeners();
        // Whatever happens to it between two messages shows at the next one.
        socket.on('error', () => {});
        socket.on('close', () => {
          if (this.#socket === socket) this.#socket = null;
        });
      };
      const fail = (reason: string) => {
        settle();
        socket.destroy();
        resolve(reason);
      };
      const onAbort = () => {
        settle();
        socket.destroy();
        reject(abortReasonOf(signal));
      };
      const timer = setTimeout(() => {
        fail(`no connection in ${this.#timeoutMs} ms`);
      }, this.#timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('error', (error) => {
        fail(reasonOf(error));
      });
      socket.on('connect', () => {
        settle();
        resolve(socket);
      });
    });
  }

  #converse(socket: Socket, octets: Uint8Array, signal: AbortSignal, isWrite: boolean): Promise<Carried> {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.off('data', onData).off('error', onError).off('close', onClose).off('end', onClose);
      };
      const lose = (reason: string) => {
        settle();
        resolve({ kind: 'lost', reason });
      };
      const onData = (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < 2) return;
        const length = received.readUInt16BE(0);
        if (received.length < length + 2) return;
        settle();
        // One question, one reply: more is not ours.
        if (received.length > length + 2) resolve({ kind: 'lost', reason: 'more octets than one reply has' });
        else resolve({ kind: 'reply', octets: Uint8Array.from(received.subarray(2)) });
      };
      const onError = (error: Error) => {
        lose(reasonOf(error));
      };
      const onClose = () => {
        lose('connection closed before the reply');
      };
      const onAbort = () => {
        if (!isWrite) {
          settle();
          reject(abortReasonOf(signal));
          return;
        }
        clearTimeout(timer);
        timer = setTimeout(lose, Math.min(abortGraceMs, this.#timeoutMs), 'interrupted before the reply');
      };
      let timer = setTimeout(lose, this.#timeoutMs, `no reply in ${this.#timeoutMs} ms`);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('data', onData).on('error', onError).on('close', onClose).on('end', onClose);
      // One write call, one segment where it fits: some servers read the length and the message as one.
      socket.write(Buffer.concat([Uint8Array.of(octets.length >> 8, octets.length & 0xff), octets]));
    });
  }
}
