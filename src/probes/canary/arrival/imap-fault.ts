// Why an IMAP server could not be looked into, in words: what failed, why, and what to do. Pure. RFC 9051 §7.1, RFC 5530.

import type { ArrivalSource } from '../../../model/canary.ts';
import { sanitise } from '../../../model/text.ts';
import { certificateFault, type Fault } from './certificate-fault.ts';

export type ImapSource = ArrivalSource & { readonly kind: 'imap' };

/** A fault we found ourselves. */
export class ImapRefusal extends Error {
  readonly fault: Fault;

  constructor(why: string, hint: string) {
    super(why);
    this.fault = { why, hint };
  }
}

/** What imapflow and Node put on errors. */
interface Facts {
  readonly code?: string;
  readonly authenticationFailed?: boolean;
  readonly serverResponseCode?: string;
  readonly response?: unknown;
  readonly responseText?: string;
  readonly reason?: string;
}

const block = 'canary.arrival.imap';

/** `secret` is cut out of what the server said: it was told it, and may say it again. */
export function imapReason(error: unknown, source: ImapSource, secret: string | null): string {
  const { why, hint } = faultOf(error instanceof Error ? error : new Error('unknown error'), source);
  const reason = `the IMAP server ${source.host}:${source.port} ${why}: ${hint}`;
  const safe = secret === null || secret === '' ? reason : reason.replaceAll(secret, '[redacted]');
  return sanitise(safe, 500);
}

function faultOf(error: Error, source: ImapSource): Fault {
  if (error instanceof ImapRefusal) return error.fault;
  const facts = error as Facts;
  return (
    certificateFault(error, source.host) ??
    loginFault(error, facts, source) ??
    connectionFaults[facts.code ?? ''] ??
    tlsFault(error, facts) ??
    closedFault(facts) ?? {
      why: `could not be looked into (${sanitise(saidBy(facts) || error.message, 160)})`,
      hint: 'see its log',
    }
  );
}

function loginFault(error: Error, facts: Facts, source: ImapSource): Fault | null {
  if (/^(?:Login is disabled|Unsupported authentication|No matching authentication)/.test(error.message)) {
    return {
      why: 'takes no login with a password here (LOGINDISABLED)',
      hint: 'let it offer AUTH=PLAIN over TLS for this port',
    };
  }
  if (facts.authenticationFailed !== true) return null;
  const said = sanitise(saidBy(facts), 120);
  const words = said === '' ? '' : ` ("${said}")`;
  // RFC 5530 §3: the user database is away; the password may be right.
  if (['UNAVAILABLE', 'SERVERBUG', 'INUSE', 'LIMIT'].includes(facts.serverResponseCode ?? ''))
    return { why: `cannot take logins now${words}`, hint: 'see its log; nothing here need be changed' };
  return {
    why: `refused the login of ${sanitise(source.user, 100)}${words}`,
    hint: `check user and password of ${block}; where logins have a second factor it wants an app password`,
  };
}

const connectionFaults: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: { why: 'refused the connection', hint: `check that it runs, and host and port of ${block}` },
  ENOTFOUND: { why: 'has no address', hint: `check host of ${block}, and the DNS of this machine` },
  EAI_AGAIN: {
    why: 'could not be looked up in DNS for now',
    hint: 'check the resolvers of this machine',
  },
  EHOSTUNREACH: { why: 'cannot be reached', hint: 'check the way there, and firewalls' },
  ENETUNREACH: { why: 'cannot be reached', hint: 'check the way there, and firewalls' },
  ETIMEDOUT: { why: 'did not answer', hint: 'check the way there, and firewalls' },
  CONNECT_TIMEOUT: {
    why: 'did not answer in time',
    hint: `check the way there and firewalls, and port and security of ${block}`,
  },
  UPGRADE_TIMEOUT: { why: 'did not finish the TLS handshake in time', hint: 'see its log' },
  GREETING_TIMEOUT: {
    why: 'sent no greeting in time',
    hint: `check port and security of ${block}: 993 goes with tls, 143 with starttls`,
  },
  LineTooLarge: { why: 'sent a longer line than is taken', hint: 'check that an IMAP server listens there' },
  LiteralTooLarge: { why: 'sent more than it was asked for', hint: 'check what listens there' },
  ResponseTooLarge: { why: 'sent more than it was asked for', hint: 'check what listens there' },
  STARTTLS_INJECTION: {
    why: 'sent words between STARTTLS and the handshake, as somebody on the way would',
    hint: 'use security: tls with port 993, and look who is on the way',
  },
};

function tlsFault(error: Error, facts: Facts): Fault | null {
  if (error.message.includes('does not support STARTTLS')) {
    return {
      why: 'offers no STARTTLS, and nothing is said in clear',
      hint: `use security: tls with port 993 in ${block}, or switch TLS on there`,
    };
  }
  if (facts.code === 'ERR_SSL_WRONG_VERSION_NUMBER' || facts.code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return {
      why: 'does not begin with TLS on this port',
      hint: `use port 993, or security: starttls, in ${block}`,
    };
  }
  if (!/^(?:ERR_SSL|EPROTO)/.test(facts.code ?? '')) return null;
  return {
    why: `did not come to terms about TLS (${sanitise(error.message, 120)})`,
    hint: 'it must speak TLS 1.2 or later',
  };
}

function closedFault(facts: Facts): Fault | null {
  const isClosed =
    /^(?:NoConnection|EConnectionClosed|ClosedAfterConnect|StateLogout|ECONNRESET|EPIPE|ETIMEOUT)/;
  if (!isClosed.test(facts.code ?? '')) return null;
  const said = facts.reason === undefined ? '' : ` ("${sanitise(facts.reason, 120)}")`;
  return { why: `closed the connection${said}`, hint: 'see its log, and its limit of connections per user' };
}

function saidBy({ responseText, response }: Facts): string {
  return responseText ?? (typeof response === 'string' ? response : '');
}
