// Octets of a DNS message as values. Never throws, whatever the octets are; never reads a message in part: one bad
// record and nothing of it is believed. RFC 1035 §4.1; RFC 6891 §6.1 (OPT); RFC 8914 §2 (extended errors);
// RFC 8945 §4.2 (TSIG); RFC 2136 §2 (empty RDATA).

import { root } from '../model/domain-name.ts';
import { maxTtl } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import {
  classes,
  type Decoded,
  type Edns,
  type Message,
  type Question,
  type ResourceRecord,
  type TsigRecord,
} from './message.ts';
import { readName } from './names.ts';
import { OctetReader, WireFault } from './octets.ts';
import { readRdata } from './rdata.ts';
import { typeOf } from './rr-types.ts';

/** RFC 1035 §4.1.1. */
const headerOctets = 12;
/** Root name, type and class. */
const minQuestionOctets = 5;
/** Root name, type, class, TTL and RDLENGTH. */
const minRecordOctets = 11;
/** RFC 8914 §2: option code of an extended error. */
const extendedErrorOption = 15;
/** A reply that repeats itself is cut here; nobody reads more reasons. */
const maxExtendedErrors = 8;

function readQuestion(reader: OctetReader): Question {
  return { name: readName(reader), type: typeOf(reader.u16()), class: reader.u16() };
}

function readOpt(reader: OctetReader, udpSize: number, ttl: number, end: number): Edns {
  const extendedErrors: { code: number; text: string }[] = [];
  while (reader.at < end) {
    const start = reader.at;
    if (end - start < 4) throw new WireFault('bad-opt', start);
    const code = reader.u16();
    const length = reader.u16();
    if (reader.at + length > end) throw new WireFault('bad-opt', start);
    const data = reader.take(length);
    if (code === extendedErrorOption && length >= 2 && extendedErrors.length < maxExtendedErrors)
      extendedErrors.push({
        code: (data[0] ?? 0) * 256 + (data[1] ?? 0),
        text: sanitise(new TextDecoder().decode(data.subarray(2))),
      });
  }
  return { udpSize, dnssecOk: (ttl & 0x8000) !== 0, extendedErrors };
}

function readTsig(reader: OctetReader, keyName: TsigRecord['keyName'], end: number): TsigRecord {
  const start = reader.at;
  const tsig = {
    keyName,
    algorithm: readName(reader),
    timeSigned: reader.u48(),
    fudge: reader.u16(),
    mac: reader.take(reader.u16()).slice(),
    originalId: reader.u16(),
    error: reader.u16(),
    otherData: reader.take(reader.u16()).slice(),
  };
  if (reader.at !== end) throw new WireFault('bad-tsig', start);
  return tsig;
}

/** The additional section is read with a place for the two records that are about the message itself. */
interface Meta {
  edns: Edns | null;
  extendedRcode: number;
  tsig: TsigRecord | null;
  tsigOffset: number | null;
}

function readMeta(reader: OctetReader, meta: Meta, start: number, isLast: boolean): boolean {
  const owner = readName(reader);
  const type = typeOf(reader.u16());
  if (type !== 'OPT' && type !== 'TSIG') {
    reader.at = start;
    return false;
  }
  const fault = type === 'OPT' ? 'bad-opt' : 'bad-tsig';
  const classNumber = reader.u16();
  const ttl = reader.u32();
  const length = reader.u16();
  const end = reader.at + length;
  if (end > reader.end) throw new WireFault('record-overrun', start);
  if (type === 'OPT') {
    // RFC 6891 §6.1.1: one, owned by the root.
    if (meta.edns !== null || owner !== root) throw new WireFault(fault, start);
    meta.edns = readOpt(reader, classNumber, ttl, end);
    meta.extendedRcode = ttl >>> 24;
  } else {
    // RFC 8945 §5.1: the last record of the additional section, class ANY, TTL 0.
    if (!isLast || classNumber !== classes.any || ttl !== 0) throw new WireFault(fault, start);
    try {
      meta.tsig = readTsig(reader, owner, end);
    } catch (error) {
      throw error instanceof WireFault ? new WireFault(fault, error.offset) : error;
    }
    meta.tsigOffset = start;
  }
  return true;
}

function readRecord(reader: OctetReader): ResourceRecord {
  const start = reader.at;
  const owner = readName(reader);
  const type = typeOf(reader.u16());
  if (type === 'OPT' || type === 'TSIG') throw new WireFault(type === 'OPT' ? 'bad-opt' : 'bad-tsig', start);
  const classNumber = reader.u16();
  const wireTtl = reader.u32();
  // RFC 2181 §8: a TTL with the top bit set is zero.
  const ttl = wireTtl > maxTtl ? 0 : wireTtl;
  const length = reader.u16();
  const isUpdateClass = classNumber === classes.any || classNumber === classes.none;
  if (length === 0 && isUpdateClass) return { owner, type, class: classNumber, ttl, rdata: null };
  const isGeneric = classNumber !== classes.in && !isUpdateClass;
  return { owner, type, class: classNumber, ttl, rdata: readRdata(reader, type, length, isGeneric) };
}

function readSection(reader: OctetReader, count: number): ResourceRecord[] {
  const records: ResourceRecord[] = [];
  for (let left = count; left > 0; left--) records.push(readRecord(reader));
  return records;
}

function readMessage(octets: Uint8Array): Decoded {
  const reader = new OctetReader(octets);
  if (octets.length < headerOctets) throw new WireFault('too-short', octets.length);
  const id = reader.u16();
  const flags = reader.u16();
  const questionCount = reader.u16();
  const answerCount = reader.u16();
  const authorityCount = reader.u16();
  const additionalCount = reader.u16();
  const recordCount = answerCount + authorityCount + additionalCount;
  // Counts that cannot fit are a lie; refused before anything is allocated for them.
  if (headerOctets + questionCount * minQuestionOctets + recordCount * minRecordOctets > octets.length)
    throw new WireFault('too-many-records', 4);
  const questions: Question[] = [];
  for (let left = questionCount; left > 0; left--) questions.push(readQuestion(reader));
  const answers = readSection(reader, answerCount);
  const authorities = readSection(reader, authorityCount);
  const meta: Meta = { edns: null, extendedRcode: 0, tsig: null, tsigOffset: null };
  const additionals: ResourceRecord[] = [];
  for (let index = 1; index <= additionalCount; index++)
    if (!readMeta(reader, meta, reader.at, index === additionalCount)) additionals.push(readRecord(reader));
  // What stands behind a TSIG is not covered by it.
  if (meta.tsig !== null && reader.at !== octets.length) throw new WireFault('bad-tsig', reader.at);
  const message: Message = {
    id,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: meta.extendedRcode * 16 + (flags & 0xf),
    questions,
    answers,
    authorities,
    additionals,
    edns: meta.edns,
    tsig: meta.tsig,
  };
  return { ok: true, message, tsigOffset: meta.tsigOffset };
}

/** Octets behind the last record are ignored, as most implementations do, except behind a TSIG. */
export function decodeMessage(octets: Uint8Array): Decoded {
  try {
    return readMessage(octets);
  } catch (error) {
    if (error instanceof WireFault) return { ok: false, fault: error.fault, offset: error.offset };
    throw error;
  }
}
