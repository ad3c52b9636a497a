// DANE of an exchange as a validating sender sees it now, and whether a certificate chain fits it. Digests only, as hex
// text: whoever reads the records and the certificates does the hashing. RFC 6698, RFC 7671, RFC 7672 §3.

import type { DomainName } from './domain-name.ts';

/** One record that a sender would use. PKIX-TA(0) and PKIX-EE(1) are none for SMTP (RFC 7672 §3.1.3). */
export interface TlsaRecord {
  readonly usage: 'dane-ta' | 'dane-ee';
  readonly selector: 'cert' | 'spki';
  readonly hash: 'sha256' | 'sha512';
  /** Lower-case hex. Of Full(0) records the SHA-256 of what they hold. */
  readonly digest: string;
}

export interface DaneFacts {
  readonly exchange: DomainName;
  readonly port: number;
  /** insecure: no validated answer, so senders do not ask or do not believe; none: validated, there is no TLSA;
   *  usable: senders insist on TLS with a fitting certificate; unusable: on TLS only (RFC 7672 §2.2);
   *  failed: senders skip the host (RFC 7672 §2.1.2); unknown: not even an address could be looked up. */
  readonly outcome: 'insecure' | 'none' | 'usable' | 'unusable' | 'failed' | 'unknown';
  /** Where usable; otherwise empty. */
  readonly records: readonly TlsaRecord[];
  /** Why failed or unknown, one sanitised line; null otherwise. */
  readonly reason: string | null;
}

type Digests = Readonly<Record<TlsaRecord['hash'], string>>;

/** A certificate by its digests, lower-case hex. */
export interface ChainLink {
  readonly cert: Digests;
  readonly spki: Digests;
  /** Instants, ms since the epoch; null where unreadable. */
  readonly startsAt: number | null;
  readonly expiresAt: number | null;
}

/** What a server presented in a handshake. */
export interface PresentedChain {
  /** True where a SAN names the exchange, whoever signed it. */
  readonly isNamed: boolean;
  /** Leaf first, each signed by the next; what is sent beside the chain is left out. Never empty. */
  readonly links: readonly ChainLink[];
}

/** True where one of the records fits. RFC 7672 §3.1. */
export function fitsTlsa(records: readonly TlsaRecord[], presented: PresentedChain, now: number): boolean {
  return records.some((record) =>
    record.usage === 'dane-ee' ? isLeaf(record, presented) : isAnchored(record, presented, now),
  );
}

const holds = (record: TlsaRecord, link: ChainLink) => link[record.selector][record.hash] === record.digest;

/** RFC 7672 §3.1.1: with DANE-EE(3) names and expiry are ignored. */
function isLeaf(record: TlsaRecord, { links }: PresentedChain): boolean {
  return links.slice(0, 1).some((link) => holds(record, link));
}

/** RFC 7672 §3.1.2: with DANE-TA(2) the anchor must be in the chain that was sent, and the usual rules hold below it.
 *  Stricter than some senders: they also take a certificate that names the mail domain (§3.2.2), of which a probe
 *  knows nothing, and OpenSSL takes an anchor that was not sent out of a Full(0) record. */
function isAnchored(record: TlsaRecord, { isNamed, links }: PresentedChain, now: number): boolean {
  const depth = links.findIndex((link, at) => at > 0 && holds(record, link));
  return depth > 0 && isNamed && links.slice(0, depth + 1).every((link) => isInForce(link, now));
}

function isInForce({ startsAt, expiresAt }: ChainLink, now: number): boolean {
  return startsAt !== null && expiresAt !== null && startsAt <= now && now <= expiresAt;
}
