// Stands before a server and can hold a write back, or its reply: the moments in which a process may die, or a network.
// What only asks passes. RFC 2136 §2 (opcode), RFC 1035 §4.2.2 (two length octets); an HTTP write begins with PATCH.

import net from 'node:net';

import type { ProviderFaults } from './provider-world.ts';

/** pass; before: a write is kept from the server for good; after: the server has it, its reply is kept for good;
 *  cut-before: the connection is cut in place of passing it; cut-after: the server has it, and the connection is cut in
 *  place of the reply; cut-and-gone: so, and nothing passes any more. */
export type UpdateProxyMode = 'pass' | 'before' | 'after' | 'cut-before' | 'cut-after' | 'cut-and-gone';

const updateOpcode = 5;

/** The octets are the beginning of a message. */
const isWrite = (octets: Buffer) =>
  octets.subarray(0, 6).toString('latin1') === 'PATCH ' ||
  (octets.length > 4 &&
    octets.readUInt16BE(0) + 2 === octets.length &&
    (((octets[4] ?? 0) >> 3) & 0xf) === updateOpcode);

export class UpdateProxy {
  mode: UpdateProxyMode = 'pass';
  /** Runs when a write has arrived, before it is passed on. */
  beforeWrite: (() => void | Promise<void>) | null = null;
  readonly #target: number;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #watchers: (() => void)[] = [];

  constructor(target: number) {
    this.#target = target;
    this.#server = net.createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** As the provider contract orders them: each of the next write alone. */
  get faults(): ProviderFaults {
    const once = (mode: UpdateProxyMode) => () => {
      this.mode = mode;
      void this.untilNextHeld().then(() => {
        this.mode = 'pass';
      });
    };
    return {
      loseReplyAfterApply: once('cut-after'),
      loseReplyBeforeApply: once('cut-before'),
      loseReplyAndFallSilent: once('cut-and-gone'),
      beforeWrite: (run) => {
        this.beforeWrite = () => {
          this.beforeWrite = null;
          return run();
        };
      },
    };
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Resolves when the next UPDATE, or the reply to one, is held. */
  untilNextHeld(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: net.Socket): void {
    const server = net.connect(this.#target, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    let mode: UpdateProxyMode = 'pass';
    const pass = async (octets: Buffer) => {
      const isOne = isWrite(octets);
      if (isOne) await this.beforeWrite?.();
      if (isOne || mode === 'pass') mode = isOne ? this.mode : 'pass';
      if (mode === 'before' || mode === 'cut-before') {
        if (mode === 'cut-before') client.destroy();
        this.#hold();
        return;
      }
      server.write(octets);
    };
    let passed = Promise.resolve();
    client.on('data', (octets: Buffer) => {
      passed = passed.then(() => pass(octets));
    });
    server.on('data', (octets: Buffer) => {
      if (mode === 'pass') {
        client.write(octets);
        return;
      }
      if (mode === 'cut-and-gone') void this.close();
      if (mode === 'cut-after') client.destroy();
      this.#hold();
    });
  }

  #hold(): void {
    for (const tell of this.#watchers.splice(0)) tell();
  }
}

export async function startUpdateProxy(target: number): Promise<UpdateProxy> {
  const proxy = new UpdateProxy(target);
  await proxy.open();
  return proxy;
}
