// The stages of handing over a message: how long each may take, and how a fault in one reads. Pure. RFC 5321 §4.5.3.2
// has the least a sender should wait; `timeout` of the route's probe is shorter, and its word is kept here too.

import type { SmtpFault } from '../../smtp/fault.ts';

/** In the order and in the words of those who read mail logs. */
export type SendingStage =
  | 'connect'
  | 'banner'
  | 'EHLO'
  | 'STARTTLS'
  | 'TLS handshake'
  | 'EHLO after TLS'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'end of data';

/** RFC 5321 §4.5.3.2.6: a server may take 10 minutes to say whether it took a message. */
const endOfDataMs = 10 * 60_000;

/** A tarpit that uses up each stage must not hold a run for ten timeouts: four, 2 minutes at the default of 30 s. */
const timeoutsPerHandOver = 4;

/** RFC 5321 §4.1.1.10: the client SHOULD wait for the reply to QUIT. Nothing hangs on it, and a run waits for us. */
export const quitMs = 2_000;

/** Bound of one hand-over, QUIT excluded; ms. */
export function deadlineMs(timeoutMs: number): number {
  return timeoutMs * timeoutsPerHandOver;
}

/** Bound of one stage where `leftMs` are left of the whole; ms, never below 1. */
export function stageBoundMs(stage: SendingStage, timeoutMs: number, leftMs: number): number {
  // Giving up at the end has a price that no other stage has: nobody knows then whether the message was taken (RFC
  // 5321 §4.5.3.2.6). So it gets all that is left.
  return Math.max(1, Math.min(stage === 'end of data' ? endOfDataMs : timeoutMs, leftMs));
}

/** `bound` is what ran out: that of the stage, or of the whole. */
export function formatFault(
  stage: SendingStage,
  fault: SmtpFault,
  bound: { readonly isWhole: boolean; readonly ms: number },
): string {
  if (fault.kind !== 'timeout') {
    return stage === 'connect' || fault.kind === 'tls' ? fault.text : `${fault.text} at ${stage}`;
  }
  const time = `${Number((bound.ms / 1000).toFixed(1))} s`;
  if (bound.isWhole) return `not finished in ${time}, got as far as ${stage}`;
  if (stage === 'connect') return `no connection for ${time}`;
  if (stage === 'TLS handshake') return `TLS handshake not finished in ${time}`;
  const isUnfinished = fault.text === 'answer not finished';
  if (stage === 'banner') return isUnfinished ? `banner not finished in ${time}` : `no banner for ${time}`;
  return isUnfinished ? `answer to ${stage} not finished in ${time}` : `no answer to ${stage} for ${time}`;
}
