// TLSA records as a sender would use them: which are usable, and what remains of them as digests. They are a stranger's
// text: what is not well-formed is unusable, never an error. RFC 6698 §2.1, RFC 7671 §9, RFC 7672 §3.1.

import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../../model/dane.ts';

/** RFC 7672 §3.1: only DANE-TA(2) and DANE-EE(3) are usable for SMTP. */
const usages = new Map<number, TlsaRecord['usage']>([
  [2, 'dane-ta'],
  [3, 'dane-ee'],
]);
/** RFC 6698 §2.1.2. */
const selectors = new Map<number, TlsaRecord['selector']>([
  [0, 'cert'],
  [1, 'spki'],
]);
/** RFC 6698 §2.1.3; Full(0) is told apart below. */
const hashes = new Map<number, { readonly hash: TlsaRecord['hash']; readonly hexDigits: number }>([
  [1, { hash: 'sha256', hexDigits: 64 }],
  [2, { hash: 'sha512', hexDigits: 128 }],
]);

interface ParsedTlsa extends TlsaRecord {
  readonly isFull: boolean;
}

/** Records a sender would use of an RRset in presentation form; the others are left out. */
export function usableTlsa(rdata: readonly string[]): TlsaRecord[] {
  const parsed = rdata.flatMap((text) => parseTlsa(text) ?? []);
  return parsed
    .filter((one) => !isOutdone(one, parsed))
    .map(({ usage, selector, hash, digest }) => ({ usage, selector, hash, digest }));
}

/** RFC 7671 §9: of several digests for one usage and selector a sender believes only the strongest, so that a SHA-256
 *  record that fits does not make up for a SHA-512 one that is stale. */
function isOutdone(one: ParsedTlsa, all: readonly ParsedTlsa[]): boolean {
  const isStronger = (other: ParsedTlsa) =>
    other.hash === 'sha512' && other.usage === one.usage && other.selector === one.selector;
  return !one.isFull && one.hash === 'sha256' && all.some(isStronger);
}

/** Null where unusable. */
function parseTlsa(text: string): ParsedTlsa | null {
  const match = /^(\d{1,3}) (\d{1,3}) (\d{1,3}) ((?:[\da-f]{2})+)$/i.exec(text);
  if (match === null) return null;
  const usage = usages.get(Number(match[1]));
  const selector = selectors.get(Number(match[2]));
  const matching = Number(match[3]);
  const data = (match[4] ?? '').toLowerCase();
  if (usage === undefined || selector === undefined) return null;
  if (matching === 0) {
    const octets = Buffer.from(data, 'hex');
    if (!isReadable(selector, octets)) return null;
    const digest = createHash('sha256').update(octets).digest('hex');
    return { usage, selector, hash: 'sha256', digest, isFull: true };
  }
  const known = hashes.get(matching);
  // RFC 6698 §4.1: malformed, so unusable; a digest of another size could never match.
  if (known?.hexDigits !== data.length) return null;
  return { usage, selector, hash: known.hash, digest: data, isFull: false };
}

/** OpenSSL takes a whole certificate or key only where it can read it. */
function isReadable(selector: TlsaRecord['selector'], der: Buffer): boolean {
  try {
    if (selector === 'cert') new X509Certificate(der);
    else createPublicKey({ key: der, format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
}
