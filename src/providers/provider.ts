// Contract of a DNS provider. Absence is a value, failure is a thrown ProviderError, an unknown zone is a failure,
// an empty MX RRset is never written. A lost reply is resolved by reading back, never by blind retry.

import type { RrsetChange } from '../model/change.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { Rrset, RrType } from '../model/rrset.ts';

export interface ProviderCapabilities {
  /** full: values and TTL; values: rdata only, blind to a TTL-only edit; weak: best effort; none: read, compare, write. */
  readonly compareAndSet: 'full' | 'values' | 'weak' | 'none';
  /** One call per zone changes all or nothing. */
  readonly hasAtomicBatch: boolean;
  /** Most changes in one call of replaceRrsets; an adapter that splits by itself has no bound. */
  readonly maxBatch: number;
  /** Seconds. */
  readonly minTtl: number;
  readonly maxTtl: number;
  /** What a plan assumes a write takes until every authority answers it; seconds. */
  readonly publishSeconds: number;
}

/** What became of one change of a batch. */
export type ReplaceOutcome =
  | { readonly state: 'applied' }
  /** Live already equals desired; nothing was written. */
  | { readonly state: 'unchanged' }
  /** Live equals neither expected nor desired; nothing was written. */
  | { readonly state: 'conflict'; readonly live: Rrset | null }
  /** Surely not written, because of another change of the call: its batch was refused, or an earlier one failed. */
  | { readonly state: 'skipped'; readonly reason: string }
  /** The reply was lost and reading back did not tell either. */
  | { readonly state: 'unknown'; readonly reason: string };

export type ZoneChange = Pick<RrsetChange, 'owner' | 'type' | 'expected' | 'desired'>;

export interface RrsetQuestion {
  readonly owner: DomainName;
  readonly type: RrType;
}

export interface Provider {
  readonly name: string;
  /** For the plan: type, server, account; never a secret. */
  readonly label: string;
  readonly capabilities: ProviderCapabilities;
  /** Null = the provider says there is no such RRset. Throws ProviderError where it cannot say. */
  readRrset(zone: DomainName, owner: DomainName, type: RrType, signal: AbortSignal): Promise<Rrset | null>;
  /** The same for many RRsets of one zone in as few calls as the provider allows; in the order asked. */
  readRrsets(
    zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<readonly (Rrset | null)[]>;
  /** Compare-and-set; one outcome per change, in order. Splits into batches where the provider limits their size. Atomic where `hasAtomicBatch`. */
  replaceRrsets(
    zone: DomainName,
    changes: readonly ZoneChange[],
    signal: AbortSignal,
    /** Id of the action, for the provider's own log where it keeps one. */
    operation?: string,
  ): Promise<readonly ReplaceOutcome[]>;
  /** The provider's own id of the zone, for the plan; null where none is known, or not yet: a plan reads first. */
  zoneId?(zone: DomainName): string | null;
  /** What a person should know before this zone is written here, each a sentence; for the plan. */
  readNotes?(zone: DomainName, signal: AbortSignal): Promise<readonly string[]>;
  /** Why mail cannot reach this exchange, where that is seen in its records here; null where nothing is. */
  describeTarget?(exchange: DomainName, signal: AbortSignal): Promise<string | null>;
  close(): Promise<void>;
}
