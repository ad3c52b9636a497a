// Octets in and out at a position. Reads fail with a WireFault that decodeMessage turns into a value; writes grow
// up to what a DNS message can be. RFC 1035 §2.3.2: big-endian; §4.2.2: a message over TCP has a 16-bit length.

import { type DomainName, root } from '../model/domain-name.ts';
import type { DecodeFault } from './message.ts';

/** RFC 1035 §4.2.2: what the two length octets of TCP can say. */
export const maxMessageOctets = 0xffff;

/** Never leaves this folder: decodeMessage catches it. */
export class WireFault extends Error {
  readonly fault: DecodeFault;
  readonly offset: number;

  constructor(fault: DecodeFault, offset: number) {
    super(`${fault} at octet ${offset}`);
    this.fault = fault;
    this.offset = offset;
  }
}

export class OctetReader {
  readonly octets: Uint8Array;
  at: number;
  /** Octet behind the last that may be read; narrowed to an RDATA while one is read. */
  end: number;
  /** Where a pointer of this message led to last, and the name that stands there: most owners point to the question. */
  knownTarget = -1;
  knownName: DomainName = root;

  constructor(octets: Uint8Array) {
    this.octets = octets;
    this.at = 0;
    this.end = octets.length;
  }

  /** The octet at a position that was taken. */
  #octet(at: number): number {
    return this.octets[at] ?? 0;
  }

  /** Position before `count` octets, which are then taken. */
  #take(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw new WireFault('record-overrun', start);
    this.at = start + count;
    return start;
  }

  u8(): number {
    return this.#octet(this.#take(1));
  }

  u16(): number {
    const start = this.#take(2);
    return (this.#octet(start) << 8) | this.#octet(start + 1);
  }

  u32(): number {
    const start = this.#take(4);
    const high = (this.#octet(start) << 8) | this.#octet(start + 1);
    return high * 2 ** 16 + ((this.#octet(start + 2) << 8) | this.#octet(start + 3));
  }

  /** RFC 8945 §4.2: Time Signed has 48 bits. */
  u48(): number {
    return this.u16() * 2 ** 32 + this.u32();
  }

  /** A view on the message, not a copy. */
  take(count: number): Uint8Array {
    const start = this.#take(count);
    return this.octets.subarray(start, start + count);
  }

  rest(): Uint8Array {
    return this.take(this.end - this.at);
  }
}

export class OctetWriter {
  #octets = new Uint8Array(512);
  #view = new DataView(this.#octets.buffer);
  length = 0;

  /** Takes room for `count` octets. Call it before touching the view, which it may replace. */
  #grow(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > maxMessageOctets) throw new RangeError('a DNS message has at most 65535 octets');
    if (this.length > this.#octets.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#octets.length * 2));
      larger.set(this.#octets);
      this.#octets = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }

  u8(value: number): void {
    if (!(value >= 0 && value <= 0xff)) throw new RangeError(`not an octet: ${value}`);
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    if (!(value >= 0 && value <= 0xffff)) throw new RangeError(`not 16 bits: ${value}`);
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
  }

  u32(value: number): void {
    if (!(value >= 0 && value <= 0xffffffff)) throw new RangeError(`not 32 bits: ${value}`);
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  u48(value: number): void {
    this.u16(Math.floor(value / 2 ** 32));
    this.u32(value % 2 ** 32);
  }

  bytes(octets: Uint8Array): void {
    const start = this.#grow(octets.length);
    this.#octets.set(octets, start);
  }

  /** Overwrites 16 bits written before: counts and lengths that are known late. */
  patch16(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  finish(): Uint8Array {
    return this.#octets.slice(0, this.length);
  }
}
