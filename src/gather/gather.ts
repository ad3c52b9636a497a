// Contract of gathering: what DNS, and where wanted HTTPS and SMTP, say of a domain. Facts only, no judgement; a failure
// is a fact too (`unknown`), never a throw. Implemented in this folder; probes come in as functions.

import type { DomainFacts } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';

/** What is gathered beside the MX and the addresses of its exchanges. */
export interface GatherWants {
  /** `_mta-sts` TXT, and the policy where one is announced. */
  readonly sts: boolean;
  readonly dane: boolean;
  readonly tlsRpt: boolean;
  readonly spf: boolean;
  /** Every authoritative server of the zone is asked for the MX directly, past all caches. */
  readonly authorities: boolean;
  /** SMTP probes of every address of the exchanges. */
  readonly deep: boolean;
  /** Exchanges that a failover could publish instead of these, which are gathered too; left out = none. */
  readonly failoverHosts?: (published: readonly DomainName[]) => readonly DomainName[];
}

/** Of the whole run so far; they only grow. */
export interface GatherCounters {
  readonly domains: number;
  /** Names and types asked for, not counting retries and what an alias led to. */
  readonly lookups: number;
  /** Of those: nobody could tell. */
  readonly unknown: number;
  /** Exchanges looked up: each once, however many domains name it. */
  readonly exchanges: number;
  /** MTA-STS policies asked for. */
  readonly policies: number;
}

/** Who waits for the facts of one domain: one of both is called, once, maybe before `gatherFor` returns. Neither throws. */
export interface FactsTaker {
  take(facts: DomainFacts): void;
  /** The gatherer was closed, or has a bug. */
  fail(error: Error): void;
}

export interface Gatherer {
  /** Rejects only on abort, with the signal's reason. As many at once as the caller likes: what goes out at once is
   *  bounded inside, so the caller bounds only what it holds in memory. */
  gather(domain: DomainName, wants: GatherWants, signal: AbortSignal): Promise<DomainFacts>;
  /** The same for a million of them: nothing is made for a domain whose facts are known when its MX are. Facts of domains
   *  with the same MX are the same objects as far as may be. An abort is for the taker to know of. */
  gatherFor(domain: DomainName, wants: GatherWants, taker: FactsTaker): void;
  readonly counters: GatherCounters;
  /** Ends what is out. */
  close(): Promise<void>;
}
