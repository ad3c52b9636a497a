// A DNS message as octets. For messages of our own making: what cannot be encoded is a bug and throws RangeError.
// RFC 1035 §4.1; RFC 6891 §6.1 (OPT); RFC 8945 §4.2 (TSIG).

import type { DomainName } from '../model/domain-name.ts';
import {
  classes,
  type Edns,
  type Message,
  opcodes,
  type Question,
  type ResourceRecord,
  type TsigRecord,
  type WireType,
} from './message.ts';
import { type WrittenNames, writeName } from './names.ts';
import { maxMessageOctets, OctetWriter } from './octets.ts';
import { writeRdata } from './rdata.ts';
import { numberOf } from './rr-types.ts';

/** What passes everywhere without fragmentation (DNS Flag Day 2020). */
export const ednsUdpSize = 1232;

const plainEdns: Edns = { udpSize: ednsUdpSize, dnssecOk: false, extendedErrors: [] };

const emptyMessage: Message = {
  id: 0,
  isResponse: false,
  opcode: opcodes.query,
  isAuthoritative: false,
  isTruncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
  edns: null,
  tsig: null,
};

/** A message with what is given and nothing else set. */
export function makeMessage(parts: Partial<Message>): Message {
  return { ...emptyMessage, ...parts };
}

/** A query, class IN, with EDNS unless `edns: null`. */
export function makeQuery(query: {
  readonly id: number;
  readonly name: DomainName;
  readonly type: WireType;
  readonly recursionDesired?: boolean;
  readonly edns?: Edns | null;
}): Message {
  return makeMessage({
    id: query.id,
    recursionDesired: query.recursionDesired ?? false,
    questions: [{ name: query.name, type: query.type, class: classes.in }],
    edns: query.edns === undefined ? plainEdns : query.edns,
  });
}

/** The frame of a response: id, opcode, question and RD of the query (RFC 1035 §4.1.1). */
export function makeResponse(query: Message, parts: Partial<Message>): Message {
  return makeMessage({
    id: query.id,
    isResponse: true,
    opcode: query.opcode,
    recursionDesired: query.recursionDesired,
    questions: query.questions,
    edns: query.edns === null ? null : plainEdns,
    ...parts,
  });
}

function flagsOf(message: Message): number {
  return (
    (message.isResponse ? 0x8000 : 0) |
    ((message.opcode & 0xf) << 11) |
    (message.isAuthoritative ? 0x0400 : 0) |
    (message.isTruncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.authenticData ? 0x0020 : 0) |
    (message.checkingDisabled ? 0x0010 : 0) |
    (message.rcode & 0xf)
  );
}

function writeQuestion(writer: OctetWriter, question: Question, written: WrittenNames): void {
  writeName(writer, question.name, written);
  writer.u16(numberOf(question.type));
  writer.u16(question.class);
}

/** RDLENGTH, then what `write` writes. */
function writeCounted(writer: OctetWriter, write: () => void): void {
  const at = writer.length;
  writer.u16(0);
  write();
  writer.patch16(at, writer.length - at - 2);
}

function writeRecord(writer: OctetWriter, record: ResourceRecord, written: WrittenNames): void {
  writeName(writer, record.owner, written);
  writer.u16(numberOf(record.type));
  writer.u16(record.class);
  writer.u32(record.ttl);
  writeCounted(writer, () => {
    if (record.rdata !== null) writeRdata(writer, record.type, record.rdata);
  });
}

function writeOpt(writer: OctetWriter, edns: Edns, rcode: number): void {
  writer.u8(0);
  writer.u16(numberOf('OPT'));
  writer.u16(edns.udpSize);
  writer.u8(rcode >> 4);
  writer.u8(0);
  writer.u16(edns.dnssecOk ? 0x8000 : 0);
  writeCounted(writer, () => {
    for (const { code, text } of edns.extendedErrors) {
      const octets = new TextEncoder().encode(text);
      // RFC 8914 §2: option 15, INFO-CODE, EXTRA-TEXT.
      writer.u16(15);
      writer.u16(octets.length + 2);
      writer.u16(code);
      writer.bytes(octets);
    }
  });
}

/** The TSIG record whole; its names are never compressed (RFC 8945 §4.2). */
export function writeTsig(writer: OctetWriter, tsig: TsigRecord): void {
  writeName(writer, tsig.keyName);
  writer.u16(numberOf('TSIG'));
  writer.u16(classes.any);
  writer.u32(0);
  writeCounted(writer, () => {
    writeName(writer, tsig.algorithm);
    writer.u48(tsig.timeSigned);
    writer.u16(tsig.fudge);
    writer.u16(tsig.mac.length);
    writer.bytes(tsig.mac);
    writer.u16(tsig.originalId);
    writer.u16(tsig.error);
    writer.u16(tsig.otherData.length);
    writer.bytes(tsig.otherData);
  });
}

function writeMessage(message: Message): Uint8Array {
  const writer = new OctetWriter();
  const written: WrittenNames = new Map();
  const metaCount = (message.edns === null ? 0 : 1) + (message.tsig === null ? 0 : 1);
  if (message.rcode > 15 && message.edns === null)
    throw new RangeError(`rcode ${message.rcode} needs EDNS (RFC 6891 §6.1.3)`);
  writer.u16(message.id);
  writer.u16(flagsOf(message));
  writer.u16(message.questions.length);
  writer.u16(message.answers.length);
  writer.u16(message.authorities.length);
  writer.u16(message.additionals.length + metaCount);
  for (const question of message.questions) writeQuestion(writer, question, written);
  for (const records of [message.answers, message.authorities, message.additionals])
    for (const record of records) writeRecord(writer, record, written);
  if (message.edns !== null) writeOpt(writer, message.edns, message.rcode);
  if (message.tsig !== null) writeTsig(writer, message.tsig);
  return writer.finish();
}

/** A response beyond `maxSize` loses its records and gets TC (RFC 2181 §9: the asker comes again over TCP).
 *  Anything else beyond it throws RangeError. */
export function encodeMessage(message: Message, options: { readonly maxSize?: number } = {}): Uint8Array {
  const maxSize = options.maxSize ?? maxMessageOctets;
  const octets = writeMessage(message);
  if (octets.length <= maxSize) return octets;
  if (!message.isResponse) throw new RangeError(`${octets.length} octets, at most ${maxSize} may be sent`);
  return writeMessage({ ...message, isTruncated: true, answers: [], authorities: [], additionals: [] });
}
