// Judges the certificate a hop shows against the exchange name, as a sender that insists on it would. Opportunistic
// senders ignore all of this, so it never fails a probe: guards read it. RFC 6125 §6.4, RFC 8461 §4.2, RFC 7672 §3.

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

import type { ChainLink } from '../model/dane.ts';
import { displayName, type DomainName } from '../model/domain-name.ts';
import type { TlsFacts } from '../model/observation.ts';
import { sanitise } from '../model/text.ts';

/** Names kept for people; a shared certificate may carry hundreds. The judgement reads them all. */
const maxNamesKept = 20;

/** Words for what OpenSSL's verifier says most often; any other code is shown as it is. */
const chainFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not yet valid',
  CERT_REVOKED: 'revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'issued by an unknown CA',
  UNABLE_TO_GET_ISSUER_CERT: 'chain incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'chain incomplete or CA unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'chain incomplete or CA unknown',
};

/** DNS-IDs out of Node's `subjectAltName` text. Quoted entries hold characters no host name has: skipped whole, so
 *  that `DNS:"a, DNS:b"` does not smuggle in a name. */
export function dnsIdsOf(subjectAltName: string): string[] {
  const names: string[] = [];
  for (const [, kind, value] of subjectAltName.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    if (kind === 'DNS' && value !== undefined && !value.startsWith('"')) names.push(value.toLowerCase());
  }
  return names;
}

/** RFC 6125 §6.4.3 as RFC 8461 §4.1 narrows it: `*` only as the whole left-most label, for exactly one label. */
export function isNamedBy(dnsId: string, exchange: DomainName): boolean {
  const name = displayName(exchange);
  if (!dnsId.startsWith('*.')) return dnsId === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === dnsId.slice(1);
}

/** What the facts are made from, as the handshake left it. */
export interface ShownCertificate {
  readonly protocol: string;
  /** OpenSSL's word about the chain; null where it is trusted. */
  readonly chainFault: string | null;
  readonly subjectAltName: string;
  readonly expiresAt: number | null;
  readonly links: readonly ChainLink[];
}

export function judgeCertificate(shown: ShownCertificate, exchange: DomainName): TlsFacts {
  const names = dnsIdsOf(shown.subjectAltName);
  const isNamed = names.some((one) => isNamedBy(one, exchange));
  const faults = [
    ...(shown.chainFault === null ? [] : [chainFaults[shown.chainFault] ?? sanitise(shown.chainFault, 80)]),
    ...(isNamed ? [] : [`does not name ${displayName(exchange)}`]),
  ];
  return {
    protocol: shown.protocol,
    isNameGood: faults.length === 0,
    isChainTrusted: shown.chainFault === null,
    fault: faults.length === 0 ? null : faults.join(', '),
    expiresAt: shown.expiresAt,
    names: names.slice(0, maxNamesKept).map((one) => sanitise(one)),
    presented: shown.links.length === 0 ? null : { isNamed, links: shown.links },
  };
}

/** Facts of a finished handshake that was made without `rejectUnauthorized` and without Node's own name check. */
export function tlsFactsOf(socket: TLSSocket, exchange: DomainName): TlsFacts {
  // Asked once: Node 24 takes the certificates out of the session as it hands them over. Unlike getPeerCertificate() it
  // adds none of our own, and RFC 7672 §3.1.2 asks for what was sent.
  const certificate = socket.getPeerX509Certificate();
  const chainFault = certificate === undefined ? 'no certificate' : String(socket.authorizationError);
  return judgeCertificate(
    {
      protocol: socket.getProtocol() ?? 'unknown',
      chainFault: socket.authorized ? null : chainFault,
      subjectAltName: certificate?.subjectAltName ?? '',
      expiresAt: certificate === undefined ? null : instantOf(certificate.validTo),
      links: certificate === undefined ? [] : linksOf(certificate),
    },
    exchange,
  );
}

/** Certificates looked at, however many are sent: a root, two intermediates and a cross-signed twin of each fit. */
const maxCertificates = 6;

/** The chain that starts at the leaf, out of what was sent in whatever order. */
function linksOf(leaf: X509Certificate): ChainLink[] {
  const sent: X509Certificate[] = [];
  let next = leaf.issuerCertificate;
  while (next !== undefined && sent.length < maxCertificates - 1) {
    sent.push(next);
    next = next.issuerCertificate;
  }
  const links: ChainLink[] = [];
  let current: X509Certificate | undefined = leaf;
  while (current !== undefined) {
    const link = linkOf(current);
    if (link === null) break;
    links.push(link);
    const below: X509Certificate = current;
    current = sent.find((one) => isIssuedBy(below, one));
    if (current !== undefined) sent.splice(sent.indexOf(current), 1);
  }
  return links;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  // A key of a kind that OpenSSL does not know throws; it signs nothing that a sender would believe.
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function linkOf(certificate: X509Certificate): ChainLink | null {
  try {
    return {
      cert: digestsOf(certificate.raw),
      spki: digestsOf(certificate.publicKey.export({ type: 'spki', format: 'der' })),
      startsAt: instantOf(certificate.validFrom),
      expiresAt: instantOf(certificate.validTo),
    };
  } catch {
    return null;
  }
}

function digestsOf(der: Uint8Array): ChainLink['cert'] {
  const digest = (hash: string) => createHash(hash).update(der).digest('hex');
  return { sha256: digest('sha256'), sha512: digest('sha512') };
}

function instantOf(text: string): number | null {
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? null : instant;
}
