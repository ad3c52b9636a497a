// One line for people about a probe, in the words of those who read mail logs. Pure.

import type { SmtpReply, Stage, TlsFacts } from '../../model/observation.ts';
import { sanitise } from '../../model/text.ts';
import type { SmtpFault } from '../../smtp/fault.ts';
import { formatReply } from '../../smtp/reply.ts';
import { isGreylisting, type Settled } from './fate.ts';

const stageWords: Readonly<Record<Stage, string>> = {
  resolve: 'resolve',
  connect: 'connect',
  banner: 'banner',
  ehlo: 'EHLO',
  starttls: 'STARTTLS',
  tls: 'TLS handshake',
  ehlo2: 'EHLO after TLS',
  mail: 'MAIL',
  rcpt: 'RCPT',
  quit: 'QUIT',
};

/** `30 s`, `1.5 s`, `250 ms`. */
function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** A fault with the stage it happened at; `waitedMs` is the bound that ran out. */
export function formatFault(stage: Stage, fault: SmtpFault, waitedMs: number): string {
  const at = stageWords[stage];
  const time = formatDuration(waitedMs);
  if (fault.kind !== 'timeout') {
    return stage === 'connect' || fault.kind === 'tls' ? fault.text : `${fault.text} at ${at}`;
  }
  const isUnfinished = fault.text === 'answer not finished';
  if (stage === 'connect') return `no connection for ${time}`;
  if (stage === 'tls') return `TLS handshake not finished in ${time}`;
  if (stage === 'banner') return isUnfinished ? `banner not finished in ${time}` : `no banner for ${time}`;
  return isUnfinished ? `answer to ${at} not finished in ${time}` : `no answer to ${at} for ${time}`;
}

/** The session as a whole took too long; `stage` is how far it got. */
export function formatExhausted(stage: Stage, boundMs: number): string {
  return `not finished in ${formatDuration(boundMs)}, got as far as ${stageWords[stage]}`;
}

/** What senders make of it, where the code alone does not say. */
function consequence(settled: Settled): string {
  const { stage, reply } = settled;
  if (stage === 'starttls' || stage === 'tls') {
    return '; senders that require TLS defer, others send in clear text';
  }
  if (reply === null) return '';
  if (reply.code >= 500 && (stage === 'banner' || stage === 'ehlo')) {
    return '; senders try the next host, Exim bounces at the last one';
  }
  if (reply.code === 552 && stage === 'rcpt') return '; senders read it as 452';
  return isGreylisting(reply) ? '; looks like greylisting' : '';
}

export function summariseFailure(settled: Settled): string {
  const what =
    settled.reply === null
      ? (settled.fault ?? 'failed')
      : `${formatReply(settled.reply)} at ${stageWords[settled.stage]}`;
  return sanitise(`${what}${settled.verdict === 'fail' ? consequence(settled) : ''}`);
}

export interface PassFacts {
  readonly stage: Stage;
  readonly reply: SmtpReply | null;
  readonly tls: TlsFacts | null;
  readonly offersStarttls: boolean | null;
  readonly wantsStarttls: boolean;
  /** ms where slow, otherwise null. */
  readonly slowMs: number | null;
}

/** `250 at RCPT`, and what is not as it should be though mail gets through. */
export function summarisePass(facts: PassFacts): string {
  const parts = [
    facts.reply === null ? 'connected' : `${facts.reply.code} at ${stageWords[facts.stage]}`,
    ...(facts.slowMs === null ? [] : [`slow: ${formatDuration(facts.slowMs)}`]),
    ...(facts.wantsStarttls && facts.offersStarttls === false ? ['STARTTLS not offered'] : []),
    ...(facts.tls === null || facts.tls.isNameGood
      ? []
      : [`certificate ${facts.tls.fault ?? 'not good'}; senders that check it defer`]),
  ];
  return sanitise(parts.join('; '));
}
