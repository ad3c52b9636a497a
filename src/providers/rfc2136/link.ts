// One TCP connection to the server: questions one after the other without waiting for answers, which come in any order; a
// write by itself. Knows whether a message was sent at all, because what was sent may have been applied. RFC 1035 §4.2.2
// (two length octets); RFC 7766 §6.2.1 (connections are reused), §6.2.1.1 (pipelining) and §7 (order of answers).

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

/** Questions out at once: BIND 9 works on 23 of one connection (TCP_CLIENTS_PER_CONN) and leaves more unread meanwhile. */
const maxOutstanding = 20;

/** What came over one connection. */
interface Exchanged {
  /** By place in the list of messages. */
  readonly replies: ReadonlyMap<number, Uint8Array>;
  /** Why it ended before every message was answered; null where none is missing. */
  readonly reason: string | null;
}

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
  /** One, once the server has left questions unanswered that were out together. */
  #window = maxOutstanding;

  constructor(server: ServerAddress, timeoutMs: number) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks over the open connection, or a new one if there is none; one outcome per message, in order. The messages' ids
   *  differ. Rejects only on abort. */
  async read(messages: readonly Uint8Array[], signal: AbortSignal): Promise<Carried[]> {
    const carried = new Map<number, Carried>();
    let left = [...messages.keys()];
    let missing: Carried = { kind: 'lost', reason: 'not asked' };
    while (left.length > 0) {
      const isReused = this.#socket !== null;
      const socket = await this.#connected(signal);
      missing = typeof socket === 'string' ? { kind: 'not-sent', reason: socket } : missing;
      if (typeof socket === 'string') break;
      const asked = left;
      const octets = asked.flatMap((at) => messages[at] ?? []);
      const { replies, reason } = await this.#converse(socket, octets, {
        window: this.#window,
        signal,
        isWrite: false,
      });
      for (const [at, reply] of replies) carried.set(asked[at] ?? at, { kind: 'reply', octets: reply });
      left = asked.filter((_, at) => !replies.has(at));
      missing = { kind: 'lost', reason: reason ?? 'no reply' };
      // A server may close an idle connection just as we ask, or after as many answers as it likes. A question is free
      // to be asked again; then one by one, as long as each connection brings something.
      if (replies.size === 0 && !isReused) break;
      if (left.length > 0 && replies.size > 0) this.#window = 1;
    }
    return [...messages.keys()].map((at) => carried.get(at) ?? missing);
  }

  /** Tells over a connection of its own. Rejects on abort only as long as nothing was sent. */
  async write(octets: Uint8Array, signal: AbortSignal): Promise<Carried> {
    this.close();
    const socket = await this.#connected(signal);
    if (typeof socket === 'string') return { kind: 'not-sent', reason: socket };
    const { replies, reason } = await this.#converse(socket, [octets], { window: 1, signal, isWrite: true });
    const reply = replies.get(0);
    return reply === undefined
      ? { kind: 'lost', reason: reason ?? 'no reply' }
      : { kind: 'reply', octets: reply };
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  /** The open connection or a new one, or why there is none. */
  async #connected(signal: AbortSignal): Promise<Socket | string> {
    if (isAborted(signal)) throw abortReasonOf(signal);
    if (this.#socket !== null) return this.#socket;
    const opened = await this.#open(signal);
    if (typeof opened === 'string') return opened;
    this.#socket = opened;
    if (isAborted(signal)) throw abortReasonOf(signal);
    return opened;
  }

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

  /** Sends the messages, at most `window` of them unanswered at any time. Rejects on abort of what is no write. */
  #converse(
    socket: Socket,
    messages: readonly Uint8Array[],
    how: { readonly window: number; readonly signal: AbortSignal; readonly isWrite: boolean },
  ): Promise<Exchanged> {
    const { window, signal, isWrite } = how;
    return new Promise((resolve, reject) => {
      const replies = new Map<number, Uint8Array>();
      /** Places of what is out, by message id. */
      const out = new Map<number, number>();
      let sent = 0;
      let received: Buffer = Buffer.alloc(0);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.off('data', onData).off('error', onError).off('close', onClose).off('end', onClose);
      };
      const end = (reason: string | null) => {
        settle();
        if (reason !== null) this.close();
        resolve({ replies, reason });
      };
      const onData = (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        for (let reply = firstOf(received); reply !== null && out.size > 0; reply = firstOf(received)) {
          received = received.subarray(reply.length + lengthOctets);
          // Of an id that nobody gave: whoever waits longest sees that it is no answer.
          const id = out.has(idOf(reply)) ? idOf(reply) : (out.keys().next().value ?? 0);
          replies.set(out.get(id) ?? 0, Uint8Array.from(reply));
          out.delete(id);
          send();
        }
        if (out.size > 0) return;
        // One message, one reply: more is not ours, and makes the last one doubtful.
        if (received.length > 0) replies.delete([...replies.keys()].at(-1) ?? 0);
        end(received.length > 0 ? 'more octets than replies have' : null);
      };
      const onError = (error: Error) => {
        end(reasonOf(error));
      };
      const onClose = () => {
        end('connection closed before the reply');
      };
      const onAbort = () => {
        if (!isWrite) {
          settle();
          this.close();
          reject(abortReasonOf(signal));
          return;
        }
        clearTimeout(timer);
        timer = setTimeout(end, Math.min(abortGraceMs, this.#timeoutMs), 'interrupted before the reply');
      };
      /** Anew with each reply, so that it bounds the wait for one. */
      const send = () => {
        const due: Uint8Array[] = [];
        for (; out.size < window && sent < messages.length; sent++) {
          const octets = messages[sent] ?? new Uint8Array();
          out.set(idOf(octets), sent);
          due.push(Uint8Array.of(octets.length >> 8, octets.length & 0xff), octets);
        }
        // One write call, one segment where it fits: some servers read the length and the message as one.
        if (due.length > 0) socket.write(Buffer.concat(due));
        if (!isAborted(signal)) timer.refresh();
      };
      let timer = setTimeout(end, this.#timeoutMs, `no reply in ${this.#timeoutMs} ms`);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('data', onData).on('error', onError).on('close', onClose).on('end', onClose);
      send();
    });
  }
}

const lengthOctets = 2;

/** The first whole message; null where it has not all arrived. */
function firstOf(received: Buffer): Buffer | null {
  if (received.length < lengthOctets) return null;
  const end = lengthOctets + received.readUInt16BE(0);
  return received.length < end ? null : received.subarray(lengthOctets, end);
}

const idOf = (message: Uint8Array) => ((message[0] ?? 0) << 8) | (message[1] ?? 0);
