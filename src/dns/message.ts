// A DNS message as values. decode.ts and encode.ts turn it into octets and back; neither throws on hostile bytes.
// RFC 1035 §4; RFC 2136 §2 (UPDATE uses the same four sections); RFC 6891 (EDNS); RFC 8945 (TSIG).

import type { DomainName } from '../model/domain-name.ts';
import type { RrType } from '../model/rrset.ts';

export const opcodes = { query: 0, notify: 4, update: 5 } as const;
export const classes = { in: 1, none: 254, any: 255 } as const;

/** RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3 (16..22 travel in TSIG or EDNS). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADTRUNC: 22,
} as const;

/** RR types and the query types of UPDATE and TSIG that are no data of ours. */
export type WireType = RrType | 'ANY' | 'OPT' | 'TSIG' | 'AXFR';

export interface Question {
  readonly name: DomainName;
  readonly type: WireType;
  /** Class number; `classes`. */
  readonly class: number;
}

export interface ResourceRecord {
  readonly owner: DomainName;
  readonly type: WireType;
  readonly class: number;
  /** Seconds; a value with the top bit set is read as 0 (RFC 2181 §8). */
  readonly ttl: number;
  /** Canonical presentation form; null = RDLENGTH 0, which only UPDATE uses (RFC 2136 §2.4). */
  readonly rdata: string | null;
}

export interface Edns {
  readonly udpSize: number;
  readonly dnssecOk: boolean;
  /** Extended DNS error codes (RFC 8914), in order. */
  readonly extendedErrors: readonly { readonly code: number; readonly text: string }[];
}

/** RFC 8945 §4.2. */
export interface TsigRecord {
  readonly keyName: DomainName;
  /** e.g. `hmac-sha256.`. */
  readonly algorithm: DomainName;
  /** Seconds since the epoch, 48 bits. */
  readonly timeSigned: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  /** TSIG error field; 0 or 16..22. */
  readonly error: number;
  readonly otherData: Uint8Array;
}

export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** With the EDNS upper bits where an OPT was there. */
  readonly rcode: number;
  /** UPDATE: the zone section. */
  readonly questions: readonly Question[];
  /** UPDATE: prerequisites. */
  readonly answers: readonly ResourceRecord[];
  /** UPDATE: updates. */
  readonly authorities: readonly ResourceRecord[];
  /** Without OPT and TSIG, which stand below. */
  readonly additionals: readonly ResourceRecord[];
  readonly edns: Edns | null;
  readonly tsig: TsigRecord | null;
}

export type DecodeFault =
  | 'too-short'
  | 'bad-name'
  | 'compression-loop'
  | 'bad-rdata'
  | 'record-overrun'
  | 'too-many-records'
  | 'bad-opt'
  | 'bad-tsig';

export type Decoded =
  | { readonly ok: true; readonly message: Message; readonly tsigOffset: number | null }
  | { readonly ok: false; readonly fault: DecodeFault; readonly offset: number };
