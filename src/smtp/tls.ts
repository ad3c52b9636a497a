// The TLS handshake after STARTTLS. Takes whatever an opportunistic sender would take and reports what it was; never
// refuses a certificate. RFC 3207 §4, RFC 7435 (opportunistic security), RFC 8461 §4.2 (SNI is the exchange).

import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';

import { displayName, type DomainName } from '../model/domain-name.ts';
import { failed, tlsFaultOf, type Outcome } from './fault.ts';
import { within, type SmtpClock } from './wait.ts';

/** Trusts the CAs Node trusts, and `caCertificates` (PEM) besides. Costs tens of ms: make one and keep it. */
export function createProbeContext(caCertificates: readonly string[] = []): tls.SecureContext {
  return tls.createSecureContext({
    ca: [...tls.getCACertificates('default'), ...caCertificates],
    // RFC 7435 §3: old TLS beats clear text, so mail still flows to such a hop. TlsFacts.protocol tells the guards.
    minVersion: 'TLSv1',
    // OpenSSL speaks TLS 1.0 and 1.1 at security level 0 only.
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
}

/** Resolves with the TLS socket, its certificate not yet judged; null where `timeoutMs` went by. Destroying `socket`
 *  ends a handshake that got nowhere. */
export function handshake(
  socket: Socket,
  exchange: DomainName,
  context: tls.SecureContext,
  bound: { readonly clock: SmtpClock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Outcome<tls.TLSSocket> | null> {
  const name = displayName(exchange);
  return within(bound.clock, bound.timeoutMs, bound.signal, (done) => {
    const secure = tls.connect({
      socket,
      secureContext: context,
      // RFC 6066 §3: literal addresses are not permitted in SNI.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      rejectUnauthorized: false,
      // The name is judged in certificate.ts; here only the chain is, so that the two can be told apart.
      checkServerIdentity: () => undefined,
    });
    const onSecure = () => done({ ok: true, value: secure });
    const onError = (error: Error) => done({ ok: false, fault: tlsFaultOf(error) });
    const onClose = () => done(failed('tls', 'TLS handshake failed: connection closed'));
    secure.once('secureConnect', onSecure).on('error', onError).once('close', onClose);
    return () => {
      secure.off('secureConnect', onSecure).off('close', onClose);
      // The error listener stays: a late error without one would end the process. `done` ignores it by then.
    };
  });
}
