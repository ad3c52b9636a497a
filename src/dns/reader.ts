// Contract of what the rest of the program asks of DNS: what a resolver says, and what every authoritative server
// of a zone says. Implemented by client.ts, resolver.ts and authoritative.ts in this folder.

import type { DomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { Rrset, RrType } from '../model/rrset.ts';

/** found: `rrset` answers; absent: NODATA; nxdomain; failed: SERVFAIL, REFUSED, timeout: nothing is known. */
export type LookupOutcome = 'found' | 'absent' | 'nxdomain' | 'failed';

export interface Lookup {
  readonly outcome: LookupOutcome;
  /** Final RRset after CNAMEs; null unless found. */
  readonly rrset: Rrset | null;
  /** CNAME targets passed, in order (at most 8). */
  readonly aliases: readonly DomainName[];
  /** Negative TTL (RFC 2308 §5), seconds, where absent or nxdomain and an SOA told it. */
  readonly negativeTtl: number | null;
  /** DNSSEC: AD bit of the answer. */
  readonly isAuthenticated: boolean;
  /** One line where failed, e.g. `no answer from 192.0.2.1#53 in 5 s`. */
  readonly reason: string | null;
  /** Server that answered (or failed last). */
  readonly server: ServerAddress;
  readonly elapsedMs: number;
}

export interface Resolver {
  /** Asks the configured resolvers in turn until one has an answer. Throws only on abort. */
  lookup(name: DomainName, type: RrType, signal: AbortSignal): Promise<Lookup>;
  /** Asks just this server, recursion desired. */
  lookupAt(server: ServerAddress, name: DomainName, type: RrType, signal: AbortSignal): Promise<Lookup>;
  close(): void;
}

/** What the servers of a zone say of one below it that is delegated (RFC 1034 §4.2.1). */
export interface Referral {
  readonly zone: DomainName;
  /** At most 32. `addresses`: glue; none where it came without. */
  readonly servers: readonly { readonly name: DomainName; readonly addresses: readonly string[] }[];
}

export interface AuthorityAnswer {
  readonly server: ServerAddress & { readonly name: DomainName | null };
  /** answer or absent count only with the AA bit; lame and failed tell nothing about the RRset. */
  readonly outcome: 'answer' | 'absent' | 'lame' | 'failed';
  readonly rrset: Rrset | null;
  /** Where the records differ in TTL (RFC 2181 §5.2), of which `rrset` has the lowest; seconds. */
  readonly highestTtl?: number;
  readonly negativeTtl: number | null;
  /** Where the server said only who serves it; then `outcome` is lame. */
  readonly referral?: Referral;
  readonly reason: string | null;
  /** Instant of the answer; ms. */
  readonly at: number;
}

/** One RRset as every authoritative server of its zone answers it. */
export interface PublishedView {
  readonly zone: DomainName;
  readonly owner: DomainName;
  readonly type: RrType;
  readonly answers: readonly AuthorityAnswer[];
  /** Why there is not even a list of servers; null where there is. */
  readonly fault: string | null;
}

export interface AuthorityReader {
  /** Finds the zone's name servers and all their addresses (unless given) and asks each directly. Throws only on abort. */
  readPublished(
    question: {
      zone: DomainName;
      owner: DomainName;
      type: RrType;
      authorities: readonly ServerAddress[] | null;
    },
    signal: AbortSignal,
  ): Promise<PublishedView>;
}
