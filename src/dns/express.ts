// Asks one server for the MX of very many names, where nothing but the processor limits the pace: no promise, timer or
// decoding a question. It knows only questions whose answer is plain (plain-answer.ts); every other, and one without any
// answer, is handed back, to be asked again by a client that knows all the rest. Only for a server of our own machine: it
// has no manners, and its source ports last. RFC 5452 §9.1: id, question and source of an answer must be ours.

import { randomFillSync } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { type DomainName, root } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import { readAnswer } from './answer.ts';
import { familyOf } from './exchange.ts';
import { endOfPlainAnswers, questionUsedFrom } from './plain-answer.ts';
import type { Message } from './message.ts';
import { encodeQuery, judgeAnswer } from './question.ts';
import type { Lookup } from './reader.ts';

export interface ExpressOptions<T> {
  readonly server: ServerAddress;
  /** Questions out at once. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Called once for thousands of equal answers; what it gives is kept for the next. */
  readonly read: (lookup: Lookup) => T;
  readonly onAnswer: (at: number, value: T) => void;
  /** Not answered, or not plainly. */
  readonly onOther: (at: number, name: DomainName) => void;
}

/** The kernel takes 32 datagrams from a socket at a time, and holds some 250 of them for us. */
const sockets = 4;
/** RFC 1035 §4.1.1: ids are 16 bits. */
const idSpace = 65_536;
/** Octets of chance drawn at once: each draw costs as much as a question. */
const chanceOctets = 8192;
/** Between two looks for questions without an answer; ms. */
const sweepMs = 100;
/** Answers kept: some megabytes; begun anew when full. Longer ones are read each time. */
const maxKept = 20_000;
const maxKeptOctets = 512;
/** Header, and behind the name its last octet, type and class. */
const aroundName = 12 + 1 + 4;

/** RD: it is a resolver that is asked. Times and tries are not for encoding. */
const mxQuery = { options: { recursionDesired: true, timeoutMs: 0, attempts: 1 }, hasEdns: true };
const noQuery: Uint8Array = new Uint8Array(0);

/** For one question; there are as many as may be out, and each is used again and again. */
class Place {
  /** Given to who asked. */
  at = 0;
  id = 0;
  name: DomainName = root;
  query = noQuery;
  questionEnd = 0;
  /** Null = free. */
  socket: Socket | null = null;
  sweepsLeft = 0;
}

interface Kept<T> {
  /** The part of the question that pointers of the answer lead into. */
  readonly usedFrom: number;
  readonly used: string;
  readonly value: T;
}

export class Express<T> {
  readonly #options: ExpressOptions<T>;
  /** Connected. */
  readonly #sockets: Socket[] = [];
  readonly #places: readonly Place[];
  readonly #free: Place[];
  readonly #byId: (Place | null)[] = Array.from({ length: idSpace }, () => null);
  #waiting: { readonly at: number; readonly name: DomainName }[] = [];
  readonly #kept = new Map<string, Kept<T>>();
  readonly #chance = new Uint16Array(chanceOctets / 2);
  #drawn = this.#chance.length;
  /** Of `#waiting`: how many have gone out. */
  #taken = 0;
  #turn = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: ExpressOptions<T>) {
    this.#options = options;
    this.#places = Array.from({ length: options.concurrency }, () => new Place());
    this.#free = [...this.#places];
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
  }

  /** Resolves when questions may be put. */
  async open(): Promise<void> {
    await Promise.all(Array.from({ length: sockets }, () => this.#open()));
  }

  /** One of the callbacks is called for it, once; maybe before this returns. */
  ask(at: number, name: DomainName): void {
    const place = this.#free.pop();
    if (place === undefined) this.#waiting.push({ at, name });
    else if (!this.#send(place, at, name)) this.#free.push(place);
  }

  /** What is out or waits is forgotten. */
  close(): void {
    clearInterval(this.#timer);
    this.#byId.fill(null);
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  /** False where the place is not needed, because the name was handed back. */
  #send(place: Place, at: number, name: DomainName): boolean {
    this.#turn = (this.#turn + 1) % sockets;
    const socket = this.#sockets[this.#turn % this.#sockets.length];
    if (socket === undefined || name === root || name.includes('\\')) {
      this.#options.onOther(at, name);
      return false;
    }
    place.at = at;
    place.name = name;
    place.id = this.#unusedId();
    place.query = encodeQuery({ ...mxQuery, question: { name, type: 'MX' } }, place.id);
    place.questionEnd = name.length + aroundName;
    place.sweepsLeft = Math.ceil(this.#options.timeoutMs / sweepMs) + 1;
    place.socket = socket;
    this.#byId[place.id] = place;
    // What cannot be sent is not answered either; without a callback Node has less to do.
    socket.send(place.query);
    return true;
  }

  #unusedId(): number {
    for (;;) {
      if (this.#drawn === this.#chance.length) {
        randomFillSync(this.#chance);
        this.#drawn = 0;
      }
      const id = this.#chance[this.#drawn++] ?? 0;
      if (this.#byId[id] === null) return id;
    }
  }

  #open(): Promise<void> {
    const { server } = this.#options;
    const socket = createSocket({ type: familyOf(server) === 6 ? 'udp6' : 'udp4', lookup: literally });
    socket.on('message', (octets) => this.#onMessage(socket, octets));
    return new Promise((resolve) => {
      socket.on('error', () => {
        this.#drop(socket);
        resolve();
      });
      // From then on the kernel drops what comes from any other address or port.
      socket.connect(server.port, server.address, () => {
        this.#sockets.push(socket);
        resolve();
      });
    });
  }

  /** Nothing listens there, as a rule. Who knows the rest finds out; a new one is opened at the next sweep. */
  #drop(socket: Socket): void {
    const at = this.#sockets.indexOf(socket);
    if (at >= 0) this.#sockets.splice(at, 1);
    socket.close();
    for (const place of this.#places) if (place.socket === socket) this.#giveBack(place);
  }

  #onMessage(socket: Socket, octets: Buffer): void {
    const place = this.#byId[((octets[0] ?? 0) << 8) | (octets[1] ?? 0)] ?? null;
    if (place === null || place.socket !== socket) return;
    const { at, name, query, questionEnd } = place;
    const end = endOfPlainAnswers(octets, query, questionEnd);
    const kept = end === 0 ? undefined : this.#keptFor(octets, questionEnd, end);
    if (kept !== undefined) {
      this.#release(place);
      this.#options.onAnswer(at, kept.value);
      return;
    }
    const judged = judgeAnswer(octets, place.id, { name, type: 'MX' });
    // Taking the first datagram that comes is what a forger hopes for.
    if (!judged.ok) return;
    this.#release(place);
    const lookup = lookupOf(judged.answer, name, this.#options.server);
    if (lookup === null) this.#options.onOther(at, name);
    else this.#options.onAnswer(at, this.#read(lookup, octets, questionEnd, end));
  }

  #keptFor(octets: Buffer, questionEnd: number, end: number): Kept<T> | undefined {
    const kept = this.#kept.get(keyOf(octets, questionEnd, end));
    if (kept === undefined || kept.usedFrom === questionEnd) return kept;
    return kept.used === textOf(octets, kept.usedFrom, questionEnd) ? kept : undefined;
  }

  /** `end`: of its answers where the message is plain, else 0. */
  #read(lookup: Lookup, octets: Buffer, questionEnd: number, end: number): T {
    const value = this.#options.read(lookup);
    if (end === 0 || end - questionEnd > maxKeptOctets) return value;
    if (this.#kept.size >= maxKept) this.#kept.clear();
    const usedFrom = questionUsedFrom(octets, questionEnd, end);
    const used = textOf(octets, usedFrom, questionEnd);
    this.#kept.set(keyOf(octets, questionEnd, end), { usedFrom, used, value });
    return value;
  }

  #sweep(): void {
    for (const place of this.#places) {
      if (place.socket !== null && --place.sweepsLeft === 0) this.#giveBack(place);
    }
    for (let missing = sockets - this.#sockets.length; missing > 0; missing--) void this.#open();
  }

  #giveBack(place: Place): void {
    const { at, name } = place;
    this.#release(place);
    this.#options.onOther(at, name);
  }

  /** The place is free, or taken by the question that waited longest. */
  #release(place: Place): void {
    this.#byId[place.id] = null;
    place.socket = null;
    for (;;) {
      const next = this.#waiting[this.#taken];
      if (next === undefined) break;
      this.#taken += 1;
      if (this.#taken === this.#waiting.length) {
        this.#waiting = [];
        this.#taken = 0;
      }
      if (this.#send(place, next.at, next.name)) return;
    }
    this.#free.push(place);
  }
}

/** The address is a literal; going through getaddrinfo would cost a thread. */
function literally(
  host: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, host, isIP(host));
}

/** Answers and AD bit of a plain message. The length of the question is in it: pointers count from the beginning. */
function keyOf(octets: Buffer, questionEnd: number, end: number): string {
  const isAuthenticated = ((octets[3] ?? 0) & 0x20) !== 0;
  return String.fromCharCode(questionEnd * 2 + (isAuthenticated ? 1 : 0)) + textOf(octets, questionEnd, end);
}

function textOf(octets: Buffer, from: number, to: number): string {
  return octets.toString('latin1', from, to);
}

/** What resolver.ts would make of it without asking again; null where it would. */
function lookupOf(message: Message, name: DomainName, server: ServerAddress): Lookup | null {
  if (message.isTruncated) return null;
  const reading = readAnswer(message, name, 'MX');
  const common = { isAuthenticated: message.authenticData, reason: null, server, elapsedMs: 0 };
  switch (reading.kind) {
    case 'found':
      return {
        ...common,
        outcome: 'found',
        rrset: reading.rrset,
        aliases: reading.aliases,
        negativeTtl: null,
      };
    case 'absent':
    case 'nxdomain': {
      const { kind: outcome, aliases, negativeTtl } = reading;
      return { ...common, outcome, rrset: null, aliases, negativeTtl };
    }
    default:
      return null;
  }
}
