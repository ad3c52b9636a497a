// A few connected UDP sockets towards one server. A question goes out on a random one, and sockets are replaced as
// they wear, so that neither id nor source port can be predicted (RFC 5452 §9.2) while a burst does not open a
// socket per question. Opens lazily, closes when idle, never holds the process open.

import { randomInt } from 'node:crypto';
import type { ServerAddress } from '../model/route.ts';
import type { Exchanged } from './exchange.ts';
import { type UdpQuestion, UdpSocket, type Waits } from './udp-socket.ts';

/** Uses of one source port: few enough that a port seen once is soon worthless, enough that opening is not felt. */
const maxUses = 250;
/** Same for a slow trickle of questions; ms. */
const maxAgeMs = 10_000;
/** An idle server's sockets go after this: longer than the pause within a burst, shorter than a probe interval; ms. */
const idleMs = 2_000;

export class UdpPool {
  readonly #server: ServerAddress;
  readonly #size: number;
  readonly #waits: Waits;
  readonly #onIdle: () => void;
  readonly #slots = new Map<number, UdpSocket>();
  #idleTimer: NodeJS.Timeout | null = null;

  /** `onIdle` is told when the pool has closed its sockets for lack of work. */
  constructor(server: ServerAddress, size: number, waits: Waits, onIdle: () => void) {
    this.#server = server;
    this.#size = size;
    this.#waits = waits;
    this.#onIdle = onIdle;
  }

  ask<T>(question: UdpQuestion<T>): Promise<Exchanged<T>> {
    return this.#pick().ask(question);
  }

  close(): void {
    for (const socket of this.#slots.values()) socket.close();
    this.#slots.clear();
    // Last: closing drains, and draining sets it.
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
  }

  #pick(): UdpSocket {
    const slot = randomInt(this.#size);
    const held = this.#slots.get(slot);
    if (held !== undefined && !isWorn(held)) return held;
    held?.retire();
    const fresh = new UdpSocket(this.#server, this.#waits, () => {
      this.#onDrained();
    });
    this.#slots.set(slot, fresh);
    return fresh;
  }

  #onDrained(): void {
    if (this.#idleTimer !== null) this.#idleTimer.refresh();
    else {
      this.#idleTimer = setTimeout(() => {
        this.#closeIfIdle();
      }, idleMs);
      this.#idleTimer.unref();
    }
  }

  #closeIfIdle(): void {
    this.#idleTimer = null;
    if ([...this.#slots.values()].some((socket) => !socket.isIdle)) return;
    this.close();
    this.#onIdle();
  }
}

function isWorn(socket: UdpSocket): boolean {
  return socket.isRetired || socket.uses >= maxUses || performance.now() - socket.openedAt > maxAgeMs;
}
