// DNS over HTTPS in front of a DNS server of a test: octets in, octets out, over HTTP/2. RFC 8484.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ServerAddress } from '../../src/model/route.ts';
import type { KeyAndCertificate } from './smtp-script.ts';

export interface DohServer {
  readonly url: string;
  /** Questions that came this way. */
  readonly asked: () => number;
  close(): Promise<void>;
}

/** At `localhost`, for which the certificate should be. */
export async function startDohServer(dns: ServerAddress, pair: KeyAndCertificate): Promise<DohServer> {
  let asked = 0;
  const server = createSecureServer(pair);
  const sessions = new Set<{ destroy: () => void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('stream', (stream) => {
    asked += 1;
    void answer(stream, dns).catch(() => stream.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/dns-query`,
    asked: () => asked,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(stream: ServerHttp2Stream, dns: ServerAddress): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const socket = createSocket('udp4');
  try {
    socket.send(Buffer.concat(chunks), dns.port, dns.address);
    const [octets] = (await once(socket, 'message')) as [Buffer];
    stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
    stream.end(octets);
  } finally {
    socket.close();
  }
}
