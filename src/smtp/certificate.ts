// Judges the certificate a hop shows against the exchange name, as a sender that insists on it would. Opportunistic
// senders ignore all of this, so it never fails a probe: guards read it. RFC 6125 §6.4, RFC 8461 §4.2, RFC 7672.

import type { TLSSocket } from 'node:tls';

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
  };
}

/** Facts of a finished handshake that was made without `rejectUnauthorized` and without Node's own name check. */
export function tlsFactsOf(socket: TLSSocket, exchange: DomainName): TlsFacts {
  const certificate = socket.getPeerX509Certificate();
  const expiresAt = certificate === undefined ? NaN : Date.parse(certificate.validTo);
  const chainFault = certificate === undefined ? 'no certificate' : String(socket.authorizationError);
  return judgeCertificate(
    {
      protocol: socket.getProtocol() ?? 'unknown',
      chainFault: socket.authorized ? null : chainFault,
      subjectAltName: certificate?.subjectAltName ?? '',
      expiresAt: Number.isNaN(expiresAt) ? null : expiresAt,
    },
    exchange,
  );
}
