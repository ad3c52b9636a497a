// What one authoritative server served for one RRset, from when until when. The cache bound is computed from these.

import type { DomainName } from './domain-name.ts';
import type { RrType } from './rrset.ts';

export interface Sighting {
  readonly owner: DomainName;
  readonly type: RrType;
  /** `address#port` of the authoritative server. */
  readonly server: string;
  /** Seconds. For an absent RRset: the negative TTL (RFC 2308 §5). */
  readonly ttl: number;
  /** Canonical; empty = the server said the RRset does not exist. */
  readonly rdata: readonly string[];
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  /** When the server was first seen to answer otherwise; null = still its answer. */
  readonly replacedAt: number | null;
}
