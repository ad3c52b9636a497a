// Stands before an update port and can hold an UPDATE back, or its reply: the moments in which a process may die.
// Queries pass. RFC 2136 §2 (opcode), RFC 1035 §4.2.2 (two length octets).

import net from 'node:net';

/** pass; before: an UPDATE is kept from the server for good; after: the server has it, its reply is kept for good;
 *  cut-after: the server has it, and the connection is cut in place of the reply. */
export type UpdateProxyMode = 'pass' | 'before' | 'after' | 'cut-after';

const updateOpcode = 5;

export class UpdateProxy {
  mode: UpdateProxyMode = 'pass';
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
    let isKept = false;
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
    client.on('data', (octets: Buffer) => {
      const isUpdate = octets.length > 4 && (((octets[4] ?? 0) >> 3) & 0xf) === updateOpcode;
      if (isUpdate && this.mode === 'before') {
        this.#hold();
        return;
      }
      isKept = isUpdate && this.mode !== 'pass';
      server.write(octets);
    });
    server.on('data', (octets: Buffer) => {
      if (!isKept) {
        client.write(octets);
        return;
      }
      if (this.mode === 'cut-after') client.destroy();
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
