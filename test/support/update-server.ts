// A primary on a loopback TCP port that takes signed UPDATEs, with faults on order. Its zones are records in memory;
// what a test seeds or reads here never passes through the adapter.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { decodeMessage } from '../../src/dns/decode.ts';
import { encodeMessage, makeResponse } from '../../src/dns/encode.ts';
import { classes, type Message, opcodes, type ResourceRecord } from '../../src/dns/message.ts';
import { answerAsPrimary, type PrimaryZone } from '../../src/dns/primary.ts';
import { signMessage, type TsigKey } from '../../src/dns/tsig.ts';
import { type DomainName, domainNameOf, isWithin } from '../../src/model/domain-name.ts';
import type { ServerAddress } from '../../src/model/route.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import { zoneLines } from './zone-lines.ts';

/**
 * close-before      closes the connection, applies nothing
 * close-after       applies, then closes instead of answering
 * silent-after      applies and never answers
 * silent-before     never answers, applies nothing
 * late              closes, and applies only after the zone was read once more
 * unsigned          applies, answers without TSIG
 * forged            applies, answers with a TSIG of another secret
 * garbage           applies, answers octets that are no message
 * rcode             answers this, signed; applies nothing
 * rcode-unsigned    answers this without TSIG; applies nothing
 * then-gone         applies, closes, and takes no connection any more
 */
export type UpdateFault =
  | 'close-before'
  | 'close-after'
  | 'silent-after'
  | 'silent-before'
  | 'late'
  | 'unsigned'
  | 'forged'
  | 'garbage'
  | 'then-gone'
  | { readonly rcode: number; readonly isSigned: boolean };

export class UpdateServer {
  readonly key: TsigKey;
  /** Added to the clock of this server; seconds. */
  clockOffset = 0;
  /** Faults of the next UPDATEs, first in first out. */
  readonly faults: UpdateFault[] = [];
  /** Runs when an UPDATE has arrived, before it is judged: somebody else's write. */
  beforeUpdate: (() => void) | null = null;
  /** Added to the serial in answers, not to the one prerequisites see: in-line signing. */
  servedSerialOffset = 0;
  /** Answers to queries without TSIG, or with a broken one. */
  queryFault: 'unsigned' | 'forged' | 'lame' | null = null;
  /** Closes a connection after so many answers. */
  answersPerConnection = Infinity;
  /** What becomes of questions that come together: answered in order, the last first, with each other's ids, or only the
   *  first of them. */
  manner: 'in order' | 'last first' | 'ids swapped' | 'first only' = 'in order';
  /** Connections taken, and the most questions that waited on one for an answer. */
  connections = 0;
  mostWaiting = 0;
  /** `QUERY example.com. MX` or `UPDATE example.com.`, in order. */
  readonly log: string[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #now: () => number;
  #zones: readonly PrimaryZone[];
  #late: Uint8Array | null = null;

  constructor(key: TsigKey, zones: Readonly<Record<string, string>>, now: () => number) {
    this.key = key;
    this.#now = now;
    this.#zones = Object.entries(zones).map(([name, lines]) => ({
      name: domainNameOf(name),
      records: zoneLines(lines),
    }));
  }

  async listen(): Promise<ServerAddress> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { address: address.address, port: address.port };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Every record of a zone, SOA included. */
  records(zone: DomainName): readonly ResourceRecord[] {
    return this.#zones.find((one) => one.name === zone)?.records ?? [];
  }

  read(owner: DomainName, type: RrType): Rrset | null {
    const records = this.#zones
      .flatMap((zone) => zone.records)
      .filter((one) => one.owner === owner && one.type === type);
    const [first] = records;
    return first === undefined
      ? null
      : rrsetOf(
          owner,
          type,
          first.ttl,
          records.map((one) => one.rdata ?? ''),
        );
  }

  /** Somebody else's edit of one RRset; null removes it. Bumps the serial. */
  write(owner: DomainName, type: RrType, rrset: Rrset | null): void {
    this.#zones = this.#zones.map((zone) => {
      if (!isWithin(owner, zone.name)) return zone;
      const others = zone.records
        .filter((one) => one.owner !== owner || one.type !== type)
        .map((one) => (one.type === 'SOA' ? withSerial(one, 1) : one));
      const added = (rrset?.rdata ?? []).map((rdata): ResourceRecord => ({
        owner,
        type,
        class: classes.in,
        ttl: rrset?.ttl ?? 0,
        rdata,
      }));
      return { ...zone, records: [...others, ...added] };
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.connections++;
    let received = Buffer.alloc(0);
    let waiting: Uint8Array[] = [];
    let answered = 0;
    const send = (reply: Uint8Array) => {
      const framed = Buffer.concat([Uint8Array.of(reply.length >> 8, reply.length & 0xff), reply]);
      if (++answered < this.answersPerConnection) socket.write(framed);
      else if (answered === this.answersPerConnection) socket.end(framed);
    };
    // What has come by the time that there is nothing more to read has come together.
    const answerAll = () => {
      const together = waiting;
      waiting = [];
      this.mostWaiting = Math.max(this.mostWaiting, together.length);
      const replies = together.flatMap((octets) => this.#answer(socket, octets) ?? []);
      for (const reply of inManner(replies, this.manner)) send(reply);
    };
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const end = received.readUInt16BE(0) + 2;
        if (waiting.push(Uint8Array.from(received.subarray(2, end))) === 1) setImmediate(answerAll);
        received = received.subarray(end);
      }
    });
  }

  /** Null where nothing is answered. */
  #answer(socket: Socket, octets: Uint8Array): Uint8Array | null {
    const decoded = decodeMessage(octets);
    if (!decoded.ok) throw new Error(`the adapter sent ${decoded.fault}`);
    const { message } = decoded;
    const [question] = message.questions;
    if (message.opcode === opcodes.update) {
      this.log.push(`UPDATE ${question?.name}`);
      return this.#update(socket, octets, message);
    }
    this.log.push(`QUERY ${question?.name} ${question?.type}`);
    const reply = this.#judge(octets, false);
    if (this.#late !== null && question?.type !== 'SOA') {
      this.#judge(this.#late, true);
      this.#late = null;
    }
    return this.queryFault === 'unsigned' || this.queryFault === 'lame'
      ? reencode(reply, { tsig: null, ...(this.queryFault === 'lame' ? { isAuthoritative: false } : {}) })
      : this.queryFault === 'forged'
        ? forge(reply)
        : reply;
  }

  #update(socket: Socket, octets: Uint8Array, message: Message): Uint8Array | null {
    const leave = () => {
      socket.destroy();
      return null;
    };
    this.beforeUpdate?.();
    const fault = this.faults.shift();
    if (fault === 'close-before') return leave();
    if (fault === 'silent-before') return null;
    if (fault === 'late') {
      this.#late = octets;
      return leave();
    }
    if (typeof fault === 'object') {
      const response = makeResponse(message, { rcode: fault.rcode });
      const mac = message.tsig?.mac ?? null;
      return fault.isSigned
        ? signMessage(response, this.key, this.#nowSeconds(), mac).octets
        : encodeMessage(response);
    }
    const reply = this.#judge(octets, true);
    if (fault === 'then-gone') this.#server.close();
    if (fault === 'close-after' || fault === 'then-gone') return leave();
    if (fault === 'silent-after') return null;
    if (fault === 'unsigned') return reencode(reply, { tsig: null });
    if (fault === 'forged') return forge(reply);
    return fault === 'garbage' ? Uint8Array.of(1, 2, 3) : reply;
  }

  #judge(octets: Uint8Array, isUpdate: boolean): Uint8Array {
    const offset = isUpdate ? 0 : this.servedSerialOffset;
    const zones = this.#zones.map((zone) => ({
      ...zone,
      records:
        offset === 0
          ? zone.records
          : zone.records.map((one) => (one.type === 'SOA' ? withSerial(one, offset) : one)),
    }));
    const { octets: reply, changed } = answerAsPrimary(octets, {
      zones,
      keys: [this.key],
      nowSeconds: this.#nowSeconds(),
    });
    if (changed !== null)
      this.#zones = this.#zones.map((zone) => (zone.name === changed.name ? changed : zone));
    return reply ?? new Uint8Array();
  }

  #nowSeconds(): number {
    return Math.floor(this.#now() / 1000) + this.clockOffset;
  }
}

function withSerial(soa: ResourceRecord, by: number): ResourceRecord {
  const fields = soa.rdata?.split(' ') ?? [];
  fields[2] = String(Number(fields[2]) + by);
  return { ...soa, rdata: fields.join(' ') };
}

function reencode(octets: Uint8Array, parts: Partial<Message>): Uint8Array {
  const decoded = decodeMessage(octets);
  if (!decoded.ok) throw new Error(decoded.fault);
  return encodeMessage({ ...decoded.message, ...parts });
}

/** The same answer, its MAC wrong in one bit. */
function forge(octets: Uint8Array): Uint8Array {
  const decoded = decodeMessage(octets);
  if (!decoded.ok || decoded.message.tsig === null) throw new Error('nothing to forge');
  const mac = decoded.message.tsig.mac.slice();
  mac[0]! ^= 1;
  return encodeMessage({ ...decoded.message, tsig: { ...decoded.message.tsig, mac } });
}

function inManner(replies: readonly Uint8Array[], manner: UpdateServer['manner']): readonly Uint8Array[] {
  switch (manner) {
    case 'in order':
      return replies;
    case 'last first':
      return replies.toReversed();
    case 'first only':
      return replies.slice(0, 1);
    case 'ids swapped': {
      const ids = replies.map((one) => one.slice(0, 2)).reverse();
      for (const [at, reply] of replies.entries()) reply.set(ids[at] ?? []);
      return replies;
    }
  }
}
