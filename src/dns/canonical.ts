// Presentation text of RDATA, as APIs and zone files have it, in the one canonical form that RRsets are compared in:
// to octets and back. RFC 1035 §5.1.

import type { RrType } from '../model/rrset.ts';
import { OctetReader, OctetWriter, WireFault } from './octets.ts';
import { readRdata, writeRdata } from './rdata.ts';

/** Null where the text is not RDATA of that type. */
export function canonicalRdata(type: RrType, text: string): string | null {
  const writer = new OctetWriter();
  try {
    writeRdata(writer, type, text.trim());
    const octets = writer.finish();
    return readRdata(new OctetReader(octets), type, octets.length, false);
  } catch (error) {
    if (error instanceof RangeError || error instanceof WireFault) return null;
    throw error;
  }
}
