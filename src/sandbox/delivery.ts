// One delivery of one letter to one address over SMTP: a plain client that does send DATA, which the program proper
// never does. It speaks in clear: an opportunistic sender does not judge certificates (RFC 7435 §3), so STARTTLS would
// change no fate here. RFC 5321 §3.3, §4.2, §4.5.2 (dots), §4.5.3.2 (timeouts, here compressed).

import { type Socket, connect } from 'node:net';
import { sanitise } from '../model/text.ts';
import type { Letter } from './letter.ts';

export type DeliveryStage = 'connect' | 'banner' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'end-of-data';

/** Where it ended: `end-of-data` with a 2xx is the only success. */
export interface DeliveryResult {
  readonly stage: DeliveryStage;
  /** The reply that settled it; null where none came. */
  readonly code: number | null;
  /** Reply or fault in one printable line. */
  readonly text: string;
}

export interface DeliveryTarget {
  readonly address: string;
  readonly port: number;
  /** Source address. */
  readonly localAddress: string;
  readonly ehloName: string;
  /** Bound of every stage; ms. */
  readonly timeoutMs: number;
}

/** RFC 5321 §4.5.3.1.5 allows 512 octets a line; so much for a whole reply is generous. */
const maxReplyOctets = 16_384;

/** RFC 5321 §4.2.1: continuation lines, then the last one with its code and text. */
const wholeReply = /^(?:\d{3}-.*\r?\n)*(\d{3})(?: (.*))?\r?\n/;

class Fault extends Error {}

/** Lines in, lines out, one pending read at a time. */
class Dialogue {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #buffer = '';
  #isConnected = false;
  #end: string | null = null;
  #wake: () => void = () => {};

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      this.#isConnected = true;
      this.#wake();
    });
    socket.on('data', (chunk: string) => {
      this.#buffer += chunk;
      if (this.#buffer.length > maxReplyOctets) this.#finish('reply too long');
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#finish(faultText(error)));
    socket.on('close', () => this.#finish('connection closed'));
    socket.on('end', () => this.#finish('connection closed'));
  }

  #finish(why: string): void {
    this.#end ??= why;
    this.#wake();
  }

  async connected(): Promise<void> {
    await this.#until(() => this.#isConnected);
  }

  /** One whole reply, continuation lines joined. Throws Fault. */
  async reply(): Promise<{ code: number; text: string }> {
    await this.#until(() => wholeReply.test(this.#buffer));
    const [whole = '', code = '', text = ''] = wholeReply.exec(this.#buffer) ?? [];
    this.#buffer = this.#buffer.slice(whole.length);
    return { code: Number(code), text: sanitise(`${code} ${text}`) };
  }

  async command(text: string): Promise<{ code: number; text: string }> {
    this.#socket.write(text, 'latin1');
    return this.reply();
  }

  /** Waits until `isMet`, the connection's end or the timeout, whichever is first. */
  async #until(isMet: () => boolean): Promise<void> {
    const timer = setTimeout(() => {
      this.#finish(`no answer for ${this.#timeoutMs / 1000} s`);
    }, this.#timeoutMs);
    try {
      while (!isMet()) {
        if (this.#end !== null) throw new Fault(this.#end);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

function faultText(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'connection refused';
  if (error.code === 'ECONNRESET') return 'connection reset';
  return error.code ?? 'connection failed';
}

/** RFC 5321 §4.5.2: a line that begins with a dot gets another one. */
const dotStuffed = (text: string): string => text.replace(/^\./gm, '..');

/** Whatever the remote does comes back as a result. */
export async function deliver(
  letter: Letter,
  target: DeliveryTarget,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const socket = connect({ host: target.address, port: target.port, localAddress: target.localAddress });
  const onAbort = () => socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  let stage: DeliveryStage = 'connect';
  const dialogue = new Dialogue(socket, target.timeoutMs);
  try {
    await dialogue.connected();
    const script: readonly [DeliveryStage, string | null, number][] = [
      ['banner', null, 2],
      ['ehlo', `EHLO ${target.ehloName}\r\n`, 2],
      ['mail', `MAIL FROM:<${letter.from}>\r\n`, 2],
      ...letter.to.map((to): [DeliveryStage, string, number] => ['rcpt', `RCPT TO:<${to}>\r\n`, 2]),
      ['data', 'DATA\r\n', 3],
      ['end-of-data', `${dotStuffed(letter.text)}.\r\n`, 2],
    ];
    let reply = { code: 0, text: '' };
    for (const [next, line, wanted] of script) {
      stage = next;
      reply = line === null ? await dialogue.reply() : await dialogue.command(line);
      if (Math.floor(reply.code / 100) !== wanted) break;
    }
    socket.end('QUIT\r\n');
    return { stage, ...reply };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { stage, code: null, text: error.message };
  } finally {
    signal.removeEventListener('abort', onAbort);
    // The reply is in; waiting for the 221 would only hold the socket.
    socket.destroySoon();
    setImmediate(() => socket.destroy());
  }
}
