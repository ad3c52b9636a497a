// The update port: takes TSIG-signed UPDATEs over TCP and applies them to the records the authorities serve; answers
// plain queries too, signed where they were signed. Served through our own codec, not dns2, which cannot parse the
// empty RDATA of an UPDATE and knows no TSIG. RFC 2136 §3, RFC 8945 §5, RFC 7766 (framing).

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodeMessage } from '../dns/decode.ts';
import { opcodes } from '../dns/message.ts';
import { answerAsPrimary } from '../dns/primary.ts';
import { FrameReader } from '../dns/tcp.ts';
import type { TsigKey } from '../dns/tsig.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { Clock } from '../runtime/clock.ts';
import { listenTcp } from './listen.ts';
import { recordsOf, rrsetsOf } from './records.ts';
import type { ZoneData } from './zone.ts';

/** One UPDATE that arrived, and what was answered. */
export interface UpdateSeen {
  /** Instant; ms. */
  readonly at: number;
  readonly zone: DomainName | null;
  readonly rcode: number;
}

/** RFC 7766 §6.2.3: an idle connection is closed; short, for the client asks one question each. */
const idleMs = 10_000;
/** The last ones are enough to look at. */
const maxSeen = 1000;

export class UpdatePort {
  readonly #data: ZoneData;
  readonly #key: TsigKey;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #seen: UpdateSeen[] = [];
  #server: Server | null = null;
  /** True = it takes messages and says nothing, and changes nothing. */
  isSilent = false;
  /** So many UPDATEs are applied, and the connection is cut instead of a reply. */
  repliesToLose = 0;
  /** Called once, when the next UPDATE is applied and before anybody hears of it; then the connection is cut. */
  onNextApplied: (() => Promise<void>) | null = null;
  /** Its clock is ahead by so much; ms. */
  clockSkewMs = 0;

  constructor(options: { data: ZoneData; key: TsigKey; clock: Clock }) {
    this.#data = options.data;
    this.#key = options.key;
    this.#clock = options.clock;
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? 0;
  }

  /** UPDATEs in order of arrival. */
  get seen(): readonly UpdateSeen[] {
    return this.#seen;
  }

  async open(address: string, port: number): Promise<void> {
    this.#server = createServer((socket) => this.#onConnection(socket));
    await listenTcp(this.#server, port, address);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const frames = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      // A copy of each: they are views on what was received, and more than one message may share it.
      for (const octets of frames.push(chunk)) this.#onMessage(socket, Uint8Array.from(octets));
    });
  }

  #onMessage(socket: Socket, octets: Uint8Array): void {
    if (this.isSilent) return;
    const { current } = this.#data;
    const answer = answerAsPrimary(octets, {
      zones: [...current.values()].map((zone) => ({
        name: zone.origin,
        records: [...zone.rrsets.values()].flatMap(recordsOf),
      })),
      keys: [this.#key],
      nowSeconds: Math.floor((this.#clock.now() + this.clockSkewMs) / 1000),
    });
    if (answer.changed !== null) {
      this.#data.replaceZone(answer.changed.name, rrsetsOf(answer.changed.records));
    }
    const isUpdate = answer.octets !== null && this.#note(answer.octets);
    const interrupt = answer.changed === null ? null : this.onNextApplied;
    if (interrupt !== null) {
      this.onNextApplied = null;
      void interrupt().finally(() => socket.destroy());
      return;
    }
    if (answer.octets === null || (isUpdate && this.repliesToLose > 0)) {
      if (isUpdate) this.repliesToLose--;
      socket.destroy();
    } else if (socket.writable) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.octets.length);
      socket.write(Buffer.concat([length, answer.octets]));
    }
  }

  /** True where the answer is one to an UPDATE. */
  #note(answer: Uint8Array): boolean {
    const decoded = decodeMessage(answer);
    if (!decoded.ok || decoded.message.opcode !== opcodes.update) return false;
    const { questions, rcode } = decoded.message;
    this.#seen.push({ at: this.#clock.now(), zone: questions[0]?.name ?? null, rcode });
    this.#seen.splice(0, this.#seen.length - maxSeen);
    return true;
  }
}

export async function startUpdatePort(options: {
  data: ZoneData;
  key: TsigKey;
  clock: Clock;
  address: string;
  /** 0 = a free one. */
  port: number;
}): Promise<UpdatePort> {
  const updatePort = new UpdatePort(options);
  await updatePort.open(options.address, options.port);
  return updatePort;
}
