// A hop: one exchange at one address. Address is null where the exchange has none (or none could be found).

import type { DomainName } from './domain-name.ts';

export interface Hop {
  readonly exchange: DomainName;
  /** IPv4 or IPv6 text; null where the exchange did not resolve. */
  readonly address: string | null;
  readonly port: number;
}

/** RFC 5321 §4.5.4.2: mail between domains goes to port 25. */
export const smtpPort = 25;

/** Stable key of a hop, e.g. `mx1.example.com.[192.0.2.1]:25`; used in the store, in JSON and in history. */
export function hopKey(hop: Hop): string {
  return `${hop.exchange}[${hop.address ?? ''}]:${hop.port}`;
}
