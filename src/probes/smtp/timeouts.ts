// How long a probe waits. RFC 5321 §4.5.3.2 gives the least a *sender* should wait; the operator's `timeout` is
// shorter, and what it finds is "does not answer in 30 s", which is why `slow_after` exists beside it. The RFC's
// values cap it: what has not answered by then has lost even the patient senders.

import type { Stage } from '../../model/observation.ts';

const minuteMs = 60_000;

const patienceMs: Readonly<Record<Stage, number>> = {
  resolve: minuteMs,
  // RFC 5321 has none. Postfix gives up after 30 s (smtp_connect_timeout), Linux after 127 s (tcp_syn_retries 6).
  connect: 127_000,
  // RFC 5321 §4.5.3.2.1: initial 220 message, 5 minutes.
  banner: 5 * minuteMs,
  // RFC 5321 has none for EHLO and RFC 3207 none for STARTTLS; Postfix waits as long as for MAIL (smtp_helo_timeout,
  // smtp_starttls_timeout 300 s).
  ehlo: 5 * minuteMs,
  starttls: 5 * minuteMs,
  tls: 5 * minuteMs,
  ehlo2: 5 * minuteMs,
  // RFC 5321 §4.5.3.2.2: MAIL command, 5 minutes.
  mail: 5 * minuteMs,
  // RFC 5321 §4.5.3.2.3: RCPT command, 5 minutes.
  rcpt: 5 * minuteMs,
  // RFC 5321 §4.1.1.10: the client SHOULD wait for the reply to QUIT. Nothing hangs on it, and a run waits for us.
  quit: 2_000,
};

/** A tarpit that uses up each stage must not hold a run for eight timeouts: four, 2 minutes at the default of 30 s. */
const timeoutsPerSession = 4;

/** Bound of one whole session, QUIT excluded; ms. */
export function sessionBoundMs(timeoutMs: number): number {
  return timeoutMs * timeoutsPerSession;
}

/** Bound of one stage where `leftMs` are left of the session; ms, never below 1. */
export function stageBoundMs(stage: Stage, timeoutMs: number, leftMs: number): number {
  return Math.max(1, Math.min(timeoutMs, patienceMs[stage], leftMs));
}
