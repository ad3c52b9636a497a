// Contract of a probe: an Observation whatever the remote does; throws only for our own bug or an abort.

import type { DomainName } from '../model/domain-name.ts';
import type { Hop } from '../model/hop.ts';
import type { Observation } from '../model/observation.ts';
import type { ProbePolicy } from '../model/route.ts';

/** Addresses of an exchange, or why there are none. */
export type ExchangeAddresses =
  /** `reason` remarks on a name that is an alias (RFC 2181 §10.3). */
  | { readonly outcome: 'found'; readonly addresses: readonly string[]; readonly reason?: string }
  /** The name exists without addresses, or does not exist: senders skip it, and bounce where all are so. */
  | { readonly outcome: 'none'; readonly reason: string }
  /** No resolver could say: inconclusive. */
  | { readonly outcome: 'unknown'; readonly reason: string };

export interface ProbeTarget {
  readonly exchange: DomainName;
  readonly port: number;
  readonly policy: ProbePolicy;
  /** Given where DNS must not be asked (strategy address: the addresses are declared). */
  readonly addresses: readonly string[] | null;
}

export interface Probe {
  /** Every A and AAAA of the exchange, one hop each. `unknown` and `none` come back as one hop without address. */
  resolve(target: ProbeTarget, signal: AbortSignal): Promise<ExchangeAddresses>;
  /** One hop. At most a few sessions per address at once, whoever asks. */
  probe(hop: Hop, policy: ProbePolicy, signal: AbortSignal): Promise<Observation>;
  /** The observation that stands for an exchange with no address to probe. */
  withoutAddress(target: ProbeTarget, why: Exclude<ExchangeAddresses, { outcome: 'found' }>): Observation;
}
