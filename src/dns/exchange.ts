// One question, one answer, whatever carried them: what both transports return and how their failures are named.
// Never throws for what the network did; only an abort throws.

import { isIP } from 'node:net';
import type { ServerAddress } from '../model/route.ts';

/** timeout: silence; refused: nothing listens; no-route: this machine cannot send there, which says nothing about
 *  the server; unreachable: the network or this machine gave an error; broken: the server's octets make no sense;
 *  closed: we closed. */
export type ExchangeFault = 'timeout' | 'refused' | 'no-route' | 'unreachable' | 'broken' | 'closed';

export interface ExchangeFailure {
  readonly ok: false;
  readonly fault: ExchangeFault;
  /** Half a line of our own words and errno names, never the server's text. */
  readonly detail: string;
}

export type Exchanged<T> = { readonly ok: true; readonly answer: T } | ExchangeFailure;

/** Whether octets answer the question that is out. `why`: a few words for the person who waits. */
export type Verdict<T> =
  { readonly ok: true; readonly answer: T } | { readonly ok: false; readonly why: string };

/** As dig and BIND write it: `192.0.2.1#53`; of DNS over HTTPS its URL. */
export function formatServer(server: ServerAddress): string {
  return isDohUrl(server.address) ? server.address : `${server.address}#${server.port}`;
}

/** True where the address of a server is a URL (RFC 8484) instead of an IP address. */
export function isDohUrl(address: string): boolean {
  return address.startsWith('https://');
}

export function isLoopback({ address }: ServerAddress): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** 4, 6, or 0 where the text is no address literal: servers are never looked up by name here. */
export function familyOf(server: ServerAddress): number {
  return isIP(server.address);
}

// What the kernel says before anything left this machine. EINVAL is a link-local address without its interface, EPERM
// a local packet filter. EACCES is not among them: a distant firewall's ICMPv6 looks like that too.
const localErrors = new Set(['ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'EPERM']);

export function failureOf(error: Error): ExchangeFailure {
  const code = errnoOf(error);
  if (code === 'ECONNREFUSED') return { ok: false, fault: 'refused', detail: 'nothing listens there' };
  // What recvmsg reports was sent by somebody on the way.
  const isLocal = !('syscall' in error && error.syscall === 'recvmsg');
  return { ok: false, fault: isLocal && localErrors.has(code) ? 'no-route' : 'unreachable', detail: code };
}

function errnoOf(error: Error): string {
  const code: unknown = 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'unknown error';
}

/** The rejection for an aborted wait: the signal's own reason, so that callers can tell Ctrl-C from a deadline. */
export function abortReasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}

/** Resolves after `ms` of real time; rejects on abort. Holds the process open: somebody waits for the answer. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReasonOf(signal));
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(abortReasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

export const closed: ExchangeFailure = { ok: false, fault: 'closed', detail: 'the client was closed' };

/** One line for people, e.g. `no answer from 192.0.2.1#53 in 5 s`. */
export function describeFailure(
  server: ServerAddress,
  failure: ExchangeFailure,
  timeoutMs: number,
  tries: number,
): string {
  const to = formatServer(server);
  const detail = inBrackets(failure.detail);
  const count = tries > 1 ? `, ${tries} tries` : '';
  switch (failure.fault) {
    case 'timeout':
      return `no answer from ${to} in ${formatMs(timeoutMs)}${count}${detail}`;
    case 'no-route':
      return `no route from here to ${to}${detail}`;
    case 'refused':
      return `${to} refused the connection${count}${detail}`;
    case 'unreachable':
      return `could not ask ${to}${count}${detail}`;
    case 'broken':
      return `no usable answer from ${to}${count}${detail}`;
    case 'closed':
      return `${to} was not asked: the DNS client is closed`;
  }
}

/** Behind a sentence; nothing where there is nothing to say. */
export function inBrackets(detail: string): string {
  return detail === '' ? '' : ` (${detail})`;
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 100) / 10} s`;
}
