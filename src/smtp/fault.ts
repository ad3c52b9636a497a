// What goes wrong with a connection, in the field's words, and whose fault it is. Never carries text of the remote
// side unsanitised.

import { isIPv6 } from 'node:net';

import { sanitise } from '../model/text.ts';

/**
 * timeout  nothing (or not all of it) came in time
 * closed   the other side ended the connection: counts as 451 (RFC 5321 §3.8)
 * remote   refused, reset, no route: nobody to talk to
 * protocol what came is not SMTP
 * tls      the handshake failed
 * local    this machine or its network; says nothing about the other side
 */
export type SmtpFaultKind = 'timeout' | 'closed' | 'remote' | 'protocol' | 'tls' | 'local';

export interface SmtpFault {
  readonly kind: SmtpFaultKind;
  /** One sanitised line, e.g. `connection refused`. */
  readonly text: string;
}

export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: SmtpFault };

export function failed(kind: SmtpFaultKind, text: string): { readonly ok: false; readonly fault: SmtpFault } {
  return { ok: false, fault: { kind, text } };
}

/** Out of descriptors, ports or memory, forbidden by our own firewall, or speaking from an address that is not ours. */
const localFaults: Readonly<Record<string, string>> = {
  EACCES: 'forbidden by this machine',
  EADDRINUSE: 'no free local port',
  EADDRNOTAVAIL: 'source address is not on this machine',
  EAFNOSUPPORT: 'address family not supported by this machine',
  EAGAIN: 'no free local port',
  EINVAL: 'source address is of the other address family',
  EMFILE: 'too many open files',
  ENETDOWN: 'network of this machine is down',
  ENETUNREACH: 'no route from this machine',
  ENFILE: 'too many open files',
  ENOBUFS: 'no buffer space on this machine',
  ENOMEM: 'no memory on this machine',
  EPERM: 'forbidden by this machine',
};

const remoteFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection reset',
  EPIPE: 'connection closed',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'no route to host',
  ETIMEDOUT: 'connection timed out',
};

/** Fault of a socket error while talking to `address`. */
export function faultOf(error: Error, address: string): SmtpFault {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // A machine without IPv6 gets EHOSTUNREACH from its own stack, which cannot be told from a router's word about
  // the host. For IPv4 the router's word is by far the likelier, and a sender would go on to the next hop.
  if (code === 'EHOSTUNREACH' && isIPv6(address)) return { kind: 'local', text: 'no IPv6 route from here' };
  const local = localFaults[code];
  if (local !== undefined) return { kind: 'local', text: local };
  return { kind: 'remote', text: remoteFaults[code] ?? sanitise(code || error.message, 80) };
}

/** Fault of an error out of OpenSSL or of a connection lost in the handshake. */
export function tlsFaultOf(error: Error): SmtpFault {
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : null;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const lost = remoteFaults[code];
  const text = reason ?? lost ?? (code || error.message);
  return { kind: 'tls', text: `TLS handshake failed: ${sanitise(text, 80)}` };
}
