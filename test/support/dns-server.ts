// A small DNS server for tests, UDP and TCP on one port of loopback, on our own codec. Answers from zone lines;
// `behave` takes over to lie, stall or stay silent.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { decodeMessage } from '../../src/dns/decode.ts';
import { encodeMessage, makeResponse } from '../../src/dns/encode.ts';
import { type Message, rcodes, type ResourceRecord } from '../../src/dns/message.ts';
import { FrameReader } from '../../src/dns/tcp.ts';
import { type DomainName, domainNameOf, isWithin } from '../../src/model/domain-name.ts';
import type { ServerAddress } from '../../src/model/route.ts';
import { zoneLines } from './zone-lines.ts';

export interface Call {
  readonly query: Message;
  /** What an honest server would say. */
  readonly reply: Message;
  readonly via: 'udp' | 'tcp';
  /** 1 for the first question this server got. */
  readonly count: number;
  readonly send: (message: Message) => void;
  readonly sendOctets: (octets: Uint8Array) => void;
  /** UDP from another port than the one that was asked. */
  readonly sendFromElsewhere: (message: Message) => void;
  /** TCP: closes the connection. */
  readonly hangUp: () => void;
}

export interface DnsServerScript {
  /** `OWNER TTL TYPE RDATA` a line. */
  readonly zone?: string;
  readonly address?: string;
  readonly port?: number;
  /** Laid over every honest reply. */
  readonly flags?: Partial<Message>;
  /** Instead of sending the honest reply. */
  readonly behave?: (call: Call) => void;
}

export interface DnsServer extends ServerAddress {
  readonly asked: readonly {
    readonly query: Message;
    readonly via: 'udp' | 'tcp';
    readonly fromPort: number;
  }[];
  /** Replaces the zone. */
  serve(zone: string): void;
  close(): Promise<void>;
}

/** What a server with these records says: an RRset, a chain of CNAMEs, NODATA or NXDOMAIN with the SOA. */
function honestReply(query: Message, records: readonly ResourceRecord[]): Message {
  const [question] = query.questions;
  if (question === undefined) return makeResponse(query, { rcode: rcodes.FORMERR });
  const answers: ResourceRecord[] = [];
  const seen = new Set<DomainName>();
  let name = question.name;
  for (;;) {
    seen.add(name);
    const here = records.filter((one) => one.owner === name);
    answers.push(...here.filter((one) => one.type === question.type));
    const alias = here.find((one) => one.type === 'CNAME' && question.type !== 'CNAME');
    if (alias === undefined) break;
    answers.push(alias);
    name = domainNameOf(alias.rdata ?? '.');
    if (seen.has(name)) break;
  }
  const isAnswered = answers.some((one) => one.type === question.type);
  const exists = records.some((one) => isWithin(one.owner, name));
  const soa = records.filter((one) => one.type === 'SOA' && isWithin(name, one.owner));
  return makeResponse(query, {
    isAuthoritative: true,
    // RFC 6604 §3: of the last name of a chain, where this zone knows it.
    rcode: exists || (answers.length > 0 && soa.length === 0) ? rcodes.NOERROR : rcodes.NXDOMAIN,
    answers,
    authorities: isAnswered ? [] : soa,
  });
}

interface Channel {
  readonly via: 'udp' | 'tcp';
  readonly fromPort: number;
  readonly sendOctets: (octets: Uint8Array) => void;
  readonly sendFromElsewhere: (octets: Uint8Array) => void;
  readonly hangUp: () => void;
}

export async function startDnsServer(script: DnsServerScript = {}): Promise<DnsServer> {
  const address = script.address ?? '127.0.0.1';
  const asked: { query: Message; via: 'udp' | 'tcp'; fromPort: number }[] = [];
  let records = zoneLines(script.zone ?? '');
  const onQuery = (octets: Uint8Array, channel: Channel) => {
    const decoded = decodeMessage(octets);
    if (!decoded.ok) return;
    const query = decoded.message;
    asked.push({ query, via: channel.via, fromPort: channel.fromPort });
    const reply = { ...honestReply(query, records), ...script.flags };
    const send = (message: Message) => {
      channel.sendOctets(encodeMessage(message));
    };
    if (script.behave === undefined) {
      send(reply);
      return;
    }
    script.behave({
      query,
      reply,
      via: channel.via,
      count: asked.length,
      send,
      sendOctets: channel.sendOctets,
      sendFromElsewhere: (message) => {
        channel.sendFromElsewhere(encodeMessage(message));
      },
      hangUp: channel.hangUp,
    });
  };
  const { port, close } = await listenBoth(address, script.port ?? 0, onQuery);
  return {
    address,
    port,
    asked,
    serve: (zone) => {
      records = zoneLines(zone);
    },
    close,
  };
}

/** TCP first, then UDP on the port it got; the UDP port may be somebody's, then once more. */
async function listenBoth(
  address: string,
  port: number,
  onQuery: (octets: Uint8Array, channel: Channel) => void,
): Promise<{ port: number; close: () => Promise<void> }> {
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    const frames = new FrameReader();
    socket.on('data', (chunk) => {
      for (const octets of frames.push(chunk)) onQuery(octets, tcpChannel(socket));
    });
  });
  const udp = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
  const elsewhere = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (octets, from) => {
    onQuery(octets, {
      via: 'udp',
      fromPort: from.port,
      sendOctets: (reply) => {
        udp.send(reply, from.port, from.address);
      },
      sendFromElsewhere: (reply) => {
        elsewhere.send(reply, from.port, from.address);
      },
      hangUp: () => {},
    });
  });
  const close = async () => {
    for (const socket of connections) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => tcp.close(() => resolve())),
      new Promise<void>((resolve) => udp.close(resolve)),
      new Promise<void>((resolve) => elsewhere.close(resolve)),
    ]);
  };
  await once(tcp.listen(port, address), 'listening');
  const bound = (tcp.address() as AddressInfo).port;
  elsewhere.bind(0, address);
  await once(elsewhere, 'listening');
  try {
    udp.bind(bound, address);
    await once(udp, 'listening');
  } catch (error) {
    tcp.close();
    elsewhere.close();
    if (port !== 0) throw error;
    return listenBoth(address, port, onQuery);
  }
  return { port: bound, close };
}

function tcpChannel(socket: Socket): Channel {
  const sendOctets = (octets: Uint8Array) => {
    const frame = Buffer.alloc(octets.length + 2);
    frame.writeUInt16BE(octets.length);
    frame.set(octets, 2);
    socket.write(frame);
  };
  return {
    via: 'tcp',
    fromPort: socket.remotePort ?? 0,
    sendOctets,
    sendFromElsewhere: sendOctets,
    hangUp: () => socket.destroy(),
  };
}
