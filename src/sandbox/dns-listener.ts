// dns2's UDP and TCP servers on one port, closed without leftovers. Knows nothing of zones or caches.
// RFC 7766 §5: a server answers on both.

import type { AddressInfo, Socket } from 'node:net';
import { type Packet, TCPServer, UDPServer } from 'dns2';
import { listenTcp } from './listen.ts';

/** null = say nothing at all. */
export type DnsHandler = (request: Packet, source: string) => Packet | null | Promise<Packet | null>;

export interface DnsListener {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A free TCP port may be taken on UDP; so many fresh ports are tried. */
const maxTries = 20;

function bindUdp(server: UDPServer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.bind(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function openPair(address: string, port: number): Promise<{ tcp: TCPServer; udp: UDPServer }> {
  for (let left = maxTries; ; left--) {
    const tcp = new TCPServer();
    await listenTcp(tcp, port, address);
    const udp = new UDPServer({ type: 'udp4' });
    try {
      await bindUdp(udp, (tcp.address() as AddressInfo).port, address);
      return { tcp, udp };
    } catch (error) {
      await new Promise((resolve) => tcp.close(resolve));
      if (port !== 0 || left <= 1) throw error;
    }
  }
}

/** Listens on UDP and TCP; port 0 takes a free one. A handler that throws is a silent server. */
export async function listenDns(options: {
  address: string;
  port: number;
  handle: DnsHandler;
}): Promise<DnsListener> {
  const { tcp, udp } = await openPair(options.address, options.port);
  const sockets = new Set<Socket>();
  let isClosed = false;
  const onRequest = (
    request: Packet,
    send: (response: Packet) => unknown,
    client: { address?: unknown; remoteAddress?: string },
  ) => {
    void answer(
      request,
      send,
      typeof client.address === 'string' ? client.address : (client.remoteAddress ?? ''),
    );
  };
  const answer = async (request: Packet, send: (response: Packet) => unknown, source: string) => {
    try {
      const response = await options.handle(request, source);
      if (response !== null && !isClosed) await send(response);
    } catch {
      // The client sees a server that does not answer: a bad datagram must not end the world.
    }
  };
  tcp.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  for (const server of [tcp, udp]) {
    server.on('request', onRequest as never);
    server.on('requestError', () => {});
    server.on('error', () => {});
  }
  return {
    address: options.address,
    port: (tcp.address() as AddressInfo).port,
    close: async () => {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
    },
  };
}
