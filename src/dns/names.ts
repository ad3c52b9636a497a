// Domain names on the wire. Pointers lead backwards only, so that no message can make us loop.
// RFC 1035 §3.1, §4.1.4 (compression); RFC 4343 (case); RFC 8945 §4.2 and RFC 3597 §4 (where not to compress).

import { type DomainName, formatLabel, labelOctets, labelsOf, root } from '../model/domain-name.ts';
import { type OctetReader, type OctetWriter, WireFault } from './octets.ts';

/** RFC 1035 §2.3.4. */
const maxNameOctets = 255;
/** A name of 255 octets has at most 127 labels; an honest sender needs no more pointers than labels. */
const maxPointers = 127;
/** RFC 1035 §4.1.4: 14 bits of offset. */
const maxPointerTarget = 0x3fff;

/** Octets that stand for themselves in presentation form, capitals as small letters; 0 = not so simple (formatLabel). */
const plainOctets = Uint8Array.from({ length: 256 }, (_, octet) => {
  const label = formatLabel(Uint8Array.of(octet));
  return label.length === 1 ? label.charCodeAt(0) : 0;
});
/** Text of the name that is being read: never more than its octets on the wire while all of them are plain. */
const scratch = Buffer.alloc(maxNameOctets + 1);

/** Reads a name and leaves the reader behind it. Letters come out in lower case. */
export function readName(reader: OctetReader): DomainName {
  const { octets, at } = reader;
  const target = at + 1 < reader.end ? (((octets[at] ?? 0) & 0x3f) << 8) | (octets[at + 1] ?? 0) : -1;
  const isPointer = target >= 0 && (octets[at] ?? 0) >= 0xc0;
  if (isPointer && target === reader.knownTarget && target < at) {
    reader.at = at + 2;
    return reader.knownName;
  }
  const name = followName(reader);
  if (isPointer) {
    reader.knownTarget = target;
    reader.knownName = name;
  }
  return name;
}

function followName(reader: OctetReader): DomainName {
  const { octets } = reader;
  let labels: string[] | null = null;
  let at = reader.at;
  let limit = reader.end;
  let behind = -1;
  let segmentStart = at;
  let nameOctets = 1;
  let written = 0;
  for (let pointers = 0; ;) {
    const length = at < limit ? octets[at] : undefined;
    if (length === undefined) throw new WireFault('record-overrun', at);
    if (length === 0) break;
    if (length < 64) {
      nameOctets += length + 1;
      if (nameOctets > maxNameOctets) throw new WireFault('bad-name', at);
      const end = at + 1 + length;
      if (end > limit) throw new WireFault('record-overrun', at);
      if (labels === null && !writePlain(octets, at + 1, end, written)) labels = writtenLabels(written);
      labels?.push(formatLabel(octets.subarray(at + 1, end)));
      written += length + 1;
      at = end;
      continue;
    }
    // RFC 6891 §5: the 0b01 label types are historic; 0b10 was never given out.
    if (length < 0xc0) throw new WireFault('bad-name', at);
    const low = at + 1 < limit ? octets[at + 1] : undefined;
    if (low === undefined) throw new WireFault('record-overrun', at);
    const target = ((length & 0x3f) << 8) | low;
    // RFC 1035 §4.1.4: "a prior occurrence". Before the start of this very segment, hence no loop.
    if (target >= segmentStart || ++pointers > maxPointers) throw new WireFault('compression-loop', at);
    if (behind < 0) behind = at + 2;
    at = target;
    segmentStart = target;
    limit = octets.length;
  }
  reader.at = behind < 0 ? at + 1 : behind;
  if (written === 0) return root;
  return (labels === null ? scratch.toString('latin1', 0, written) : `${labels.join('.')}.`) as DomainName;
}

/** One label and its dot into the scratch; false where it holds what must be escaped. */
function writePlain(octets: Uint8Array, from: number, to: number, written: number): boolean {
  let position = written;
  for (let at = from; at < to; at++) {
    const plain = plainOctets[octets[at] ?? 0] ?? 0;
    if (plain === 0) return false;
    scratch[position++] = plain;
  }
  scratch[position] = 0x2e;
  return true;
}

/** Labels written so far, all of them plain. */
function writtenLabels(written: number): string[] {
  return written === 0 ? [] : scratch.toString('latin1', 0, written - 1).split('.');
}

/** Where names already stand in a message; keys are names. */
export type WrittenNames = Map<string, number>;

/** Writes a name; with `written`, by pointer where a suffix of it stands already. */
export function writeName(writer: OctetWriter, name: DomainName, written?: WrittenNames): void {
  const labels = labelsOf(name);
  for (const [index, label] of labels.entries()) {
    if (written !== undefined) {
      const suffix = labels.slice(index).join('.');
      const target = written.get(suffix);
      if (target !== undefined) {
        writer.u16(0xc000 | target);
        return;
      }
      if (writer.length <= maxPointerTarget) written.set(suffix, writer.length);
    }
    const octets = labelOctets(label);
    if (octets === null || octets.length === 0 || octets.length > 63)
      throw new RangeError(`not a domain name: ${JSON.stringify(name)}`);
    writer.u8(octets.length);
    writer.bytes(octets);
  }
  writer.u8(0);
}
