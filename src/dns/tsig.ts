// Signs messages with a shared key and checks that an answer was signed with it, for one question and one answer.
// Streams of several messages (zone transfer) are not done here. RFC 8945.

import { createHmac, timingSafeEqual } from 'node:crypto';

import { type DomainName, domainNameOf } from '../model/domain-name.ts';
import { encodeMessage, writeTsig } from './encode.ts';
import { classes, type Decoded, type Message, rcodes, type TsigRecord } from './message.ts';
import { writeName } from './names.ts';
import { OctetWriter } from './octets.ts';

/** RFC 8945 §6 also has SHA-1 and MD5: not recommended, forbidden. */
export type TsigAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

const algorithms: Readonly<Record<TsigAlgorithm, { hash: string; name: DomainName; macOctets: number }>> = {
  'hmac-sha256': { hash: 'sha256', name: domainNameOf('hmac-sha256.'), macOctets: 32 },
  'hmac-sha384': { hash: 'sha384', name: domainNameOf('hmac-sha384.'), macOctets: 48 },
  'hmac-sha512': { hash: 'sha512', name: domainNameOf('hmac-sha512.'), macOctets: 64 },
};

export interface TsigKey {
  readonly name: DomainName;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

/** RFC 8945 §10: seconds of clock difference allowed. */
const fudgeSeconds = 300;
/** RFC 8945 §5.2.2.1: a shorter MAC is a format error, whatever the policy. */
const minMacOctets = 10;

/** The octets of a base64 secret as key files write it; null where it is not base64 or empty. */
export function parseTsigSecret(text: string): Uint8Array | null {
  const compact = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact) || compact.length % 4 !== 0) return null;
  return Uint8Array.from(Buffer.from(compact, 'base64'));
}

/** RFC 8945 §4.3: [request MAC,] message without TSIG and with its original id, TSIG variables. */
function macOf(
  key: TsigKey,
  message: Uint8Array,
  tsig: Omit<TsigRecord, 'mac'>,
  requestMac: Uint8Array | null,
): Uint8Array {
  const digest = new OctetWriter();
  // RFC 8945 §4.3.3: names canonical, uncompressed. TTL is 0.
  writeName(digest, key.name);
  digest.u16(classes.any);
  digest.u32(0);
  writeName(digest, algorithms[key.algorithm].name);
  digest.u48(tsig.timeSigned);
  digest.u16(tsig.fudge);
  digest.u16(tsig.error);
  digest.u16(tsig.otherData.length);
  digest.bytes(tsig.otherData);
  const hmac = createHmac(algorithms[key.algorithm].hash, key.secret);
  if (requestMac !== null)
    hmac.update(Uint8Array.of(requestMac.length >> 8, requestMac.length & 0xff)).update(requestMac);
  return Uint8Array.from(hmac.update(message).update(digest.finish()).digest());
}

export interface SignedMessage {
  readonly octets: Uint8Array;
  /** Goes into the digest of the answer. */
  readonly mac: Uint8Array;
}

/**
 * `requestMac`: of the request, where `message` answers one. `verdict`: what a server has to say about that request's
 * TSIG (BADTIME with its own time; the time signed is then the client's, RFC 8945 §5.2.3).
 */
export function signMessage(
  message: Message,
  key: TsigKey,
  nowSeconds: number,
  requestMac: Uint8Array | null = null,
  verdict: { readonly error: number; readonly otherData: Uint8Array } | null = null,
): SignedMessage {
  const unsigned = encodeMessage({ ...message, tsig: null });
  const fields = {
    keyName: key.name,
    algorithm: algorithms[key.algorithm].name,
    timeSigned: nowSeconds,
    fudge: fudgeSeconds,
    originalId: message.id,
    error: verdict?.error ?? rcodes.NOERROR,
    otherData: verdict?.otherData ?? new Uint8Array(),
  };
  const mac = macOf(key, unsigned, fields, requestMac);
  const writer = new OctetWriter();
  writer.bytes(unsigned);
  writeTsig(writer, { ...fields, mac });
  writer.patch16(additionalCountAt, arcountOf(unsigned) + 1);
  return { octets: writer.finish(), mac };
}

/** RFC 1035 §4.1.1: where ARCOUNT stands. */
const additionalCountAt = 10;

const arcountOf = (octets: Uint8Array) =>
  (octets[additionalCountAt] ?? 0) * 256 + (octets[additionalCountAt + 1] ?? 0);

/**
 * unsigned    no TSIG, or one without a MAC (what BADKEY and BADSIG answers carry)
 * key         another key or algorithm (BADKEY)
 * signature   not made with this key over this message (BADSIG)
 * truncation  right as far as it goes, but cut short (BADTRUNC)
 * time        right, but signed too long ago or ahead (BADTIME)
 */
export type TsigFault = 'unsigned' | 'key' | 'signature' | 'truncation' | 'time';

export type TsigVerdict = { readonly ok: true } | { readonly ok: false; readonly fault: TsigFault };

/** The message as it was when it was signed: TSIG cut off, ARCOUNT one less, the original id (RFC 8945 §4.3.2). */
function unsignedForm(octets: Uint8Array, tsigOffset: number, originalId: number): Uint8Array {
  // A copy with a buffer of its own: `slice` of a Buffer is a view of the pool that it lies in.
  const message = Uint8Array.from(octets.subarray(0, tsigOffset));
  const view = new DataView(message.buffer);
  view.setUint16(0, originalId);
  view.setUint16(additionalCountAt, arcountOf(octets) - 1);
  return message;
}

/** Checks in the order of RFC 8945 §5.2: key, MAC, time, truncation. `requestMac` is null for a request. */
export function verifyTsig(
  octets: Uint8Array,
  decoded: Extract<Decoded, { ok: true }>,
  key: TsigKey,
  against: { readonly requestMac: Uint8Array | null; readonly nowSeconds: number },
): TsigVerdict {
  const { tsig } = decoded.message;
  const { macOctets, name } = algorithms[key.algorithm];
  if (tsig === null || decoded.tsigOffset === null || tsig.mac.length === 0)
    return { ok: false, fault: 'unsigned' };
  if (tsig.keyName !== key.name || tsig.algorithm !== name) return { ok: false, fault: 'key' };
  if (tsig.mac.length < minMacOctets || tsig.mac.length > macOctets) return { ok: false, fault: 'signature' };
  const message = unsignedForm(octets, decoded.tsigOffset, tsig.originalId);
  const mac = macOf(key, message, tsig, against.requestMac).subarray(0, tsig.mac.length);
  if (!timingSafeEqual(mac, tsig.mac)) return { ok: false, fault: 'signature' };
  if (Math.abs(against.nowSeconds - tsig.timeSigned) > tsig.fudge) return { ok: false, fault: 'time' };
  // RFC 8945 §5.2.2.1 leaves truncation to policy; ours is none.
  return tsig.mac.length < macOctets ? { ok: false, fault: 'truncation' } : { ok: true };
}

/** Server time of a BADTIME answer, seconds since the epoch (RFC 8945 §5.2.3); null where it is not told. */
export function serverTimeOf(tsig: TsigRecord): number | null {
  if (tsig.error !== rcodes.BADTIME || tsig.otherData.length !== 6) return null;
  return Buffer.from(tsig.otherData).readUIntBE(0, 6);
}
