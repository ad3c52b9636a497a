// RDATA between octets and canonical presentation text (RFC 1035 §5.1): names in lower case and absolute, TXT quoted,
// hex in lower case, unknown types as `\# n hex` (RFC 3597 §5). Reading the text of what was read gives the octets
// again. RFC 1035 §3.3, RFC 3596 §2.2 (AAAA), RFC 6698 §2.1 (TLSA).

import { parseDomainName } from '../model/domain-name.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './addresses.ts';
import type { WireType } from './message.ts';
import { readName, writeName } from './names.ts';
import { type OctetReader, type OctetWriter, WireFault } from './octets.ts';

/** RFC 1035 §3.3: a character-string has one length octet. */
const maxStringOctets = 255;

const toHex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

function readTexts(reader: OctetReader): string {
  const texts: string[] = [];
  // RFC 1035 §3.3.14: one or more.
  do {
    let text = '';
    for (const octet of reader.take(reader.u8())) {
      if (octet === 0x22 || octet === 0x5c) text += `\\${String.fromCharCode(octet)}`;
      else if (octet >= 0x20 && octet < 0x7f) text += String.fromCharCode(octet);
      else text += `\\${String(octet).padStart(3, '0')}`;
    }
    texts.push(`"${text}"`);
  } while (reader.at < reader.end);
  return texts.join(' ');
}

/** Reads up to the reader's `end`, which stands at the end of this RDATA. */
function readText(reader: OctetReader, type: WireType): string {
  switch (type) {
    case 'A':
      return formatIpv4(reader.take(4));
    case 'AAAA':
      return formatIpv6(reader.take(16));
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return readName(reader);
    case 'MX':
      return `${reader.u16()} ${readName(reader)}`;
    case 'SOA': {
      const names = `${readName(reader)} ${readName(reader)}`;
      return `${names} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()}`;
    }
    case 'TXT':
      return readTexts(reader);
    case 'TLSA': {
      const numbers = `${reader.u8()} ${reader.u8()} ${reader.u8()}`;
      if (reader.at === reader.end) throw new WireFault('bad-rdata', reader.at);
      return `${numbers} ${toHex(reader.rest())}`;
    }
    default: {
      const octets = reader.rest();
      return octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${toHex(octets)}`;
    }
  }
}

/** RDATA of `length` octets as text. `isGeneric`: a class whose known types we do not know. */
export function readRdata(reader: OctetReader, type: WireType, length: number, isGeneric: boolean): string {
  const start = reader.at;
  const messageEnd = reader.end;
  if (start + length > messageEnd) throw new WireFault('record-overrun', start);
  reader.end = start + length;
  try {
    const text = readText(reader, isGeneric ? 'TYPE0' : type);
    if (reader.at !== reader.end) throw new WireFault('bad-rdata', reader.at);
    return text;
  } catch (fault) {
    // Running out of RDATA is bad RDATA; the record itself fits into the message.
    if (fault instanceof WireFault && fault.fault === 'record-overrun')
      throw new WireFault('bad-rdata', fault.offset);
    throw fault;
  } finally {
    reader.end = messageEnd;
  }
}

function refuse(type: WireType, text: string): never {
  throw new RangeError(`not the RDATA of ${type}: ${JSON.stringify(text)}`);
}

function writeHex(writer: OctetWriter, type: WireType, hex: string): void {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) refuse(type, hex);
  writer.bytes(Buffer.from(hex, 'hex'));
}

/** The octets of each character-string, quoted or bare, `\DDD` and `\X` resolved. */
function textsOf(text: string): Uint8Array[] {
  const strings: Uint8Array[] = [];
  // Sticky and without alternatives that overlap: linear in the text.
  const token = /\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+))(?=\s|$)/sy;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) refuse('TXT', text);
    const octets: number[] = [];
    for (const [piece] of (match[1] ?? match[2] ?? '').matchAll(/\\\d{3}|\\.|./gsu)) {
      if (/^\\\d{3}$/.test(piece)) octets.push(Number(piece.slice(1)));
      else octets.push(...Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece, 'utf8'));
    }
    if (octets.length > maxStringOctets || octets.some((octet) => octet > 255)) refuse('TXT', text);
    strings.push(Uint8Array.from(octets));
  }
  return strings.length === 0 ? refuse('TXT', text) : strings;
}

function writeTexts(writer: OctetWriter, text: string): void {
  for (const octets of textsOf(text.trim())) {
    writer.u8(octets.length);
    writer.bytes(octets);
  }
}

function writeNameText(writer: OctetWriter, type: WireType, text: string | undefined): void {
  const parsed = parseDomainName(text ?? '');
  if (!parsed.ok) refuse(type, text ?? '');
  // RFC 3597 §4 lets these be compressed; we have no need to.
  writeName(writer, parsed.name);
}

function numberIn(type: WireType, text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) refuse(type, text ?? '');
  return Number(text);
}

/** Throws RangeError where the text is not RDATA of that type. */
export function writeRdata(writer: OctetWriter, type: WireType, text: string): void {
  const generic = /^\\#\s+(\d+)(?:\s+([\da-f\s]+))?$/i.exec(text);
  if (generic !== null) {
    const hex = generic[2]?.replaceAll(/\s/g, '') ?? '';
    if (hex.length !== Number(generic[1]) * 2) refuse(type, text);
    writeHex(writer, type, hex);
    return;
  }
  const fields = text.split(/\s+/);
  const count = { A: 1, AAAA: 1, NS: 1, CNAME: 1, PTR: 1, MX: 2, SOA: 7 }[type as string];
  if (count !== undefined && fields.length !== count) refuse(type, text);
  switch (type) {
    case 'A':
      writer.bytes(parseIpv4(text) ?? refuse(type, text));
      return;
    case 'AAAA':
      writer.bytes(parseIpv6(text) ?? refuse(type, text));
      return;
    case 'NS':
    case 'CNAME':
    case 'PTR':
      writeNameText(writer, type, text);
      return;
    case 'MX':
      writer.u16(numberIn(type, fields[0]));
      writeNameText(writer, type, fields[1]);
      return;
    case 'SOA':
      writeNameText(writer, type, fields[0]);
      writeNameText(writer, type, fields[1]);
      for (const field of fields.slice(2)) writer.u32(numberIn(type, field));
      return;
    case 'TXT':
      writeTexts(writer, text);
      return;
    case 'TLSA':
      for (const field of fields.slice(0, 3)) writer.u8(numberIn(type, field));
      if (fields.length < 4) refuse(type, text);
      writeHex(writer, type, fields.slice(3).join(''));
      return;
    default:
      refuse(type, text);
  }
}
