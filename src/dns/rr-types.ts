// Record types by number and by name. RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 6698 §7.1; any other is `TYPEnnn`
// (RFC 3597 §5).

import type { RrType } from '../model/rrset.ts';
import type { WireType } from './message.ts';

const numberByName: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  TLSA: 52,
  TSIG: 250,
  AXFR: 252,
  ANY: 255,
};

const nameByNumber = new Map(
  Object.entries(numberByName).map(([name, number]) => [number, name as WireType]),
);

export function typeOf(number: number): WireType {
  return nameByNumber.get(number) ?? `TYPE${number}`;
}

/** Throws RangeError on a `TYPEnnn` outside 0..65535. */
export function numberOf(type: WireType): number {
  const number = numberByName[type] ?? Number(/^TYPE(\d{1,5})$/.exec(type)?.[1]);
  if (!(number <= 0xffff)) throw new RangeError(`not a record type: ${type}`);
  return number;
}

/** True for types that live in a zone: no query type (RFC 6895 §3.1: 128..255), no OPT. */
export function isDataType(type: WireType): type is RrType {
  const number = numberOf(type);
  return number !== 0 && number !== 41 && (number < 128 || number > 255);
}
