// How long a write took until it was published: what *true by* of a plan begins with.

import type { DomainName } from './domain-name.ts';

export interface PublishTime {
  /** ULID; the same again replaces it. */
  readonly id: string;
  readonly provider: string;
  readonly zone: DomainName;
  /** Instant the write was begun; ms. */
  readonly at: number;
  /** drill: a TXT record made for measuring; action: a write that was due anyway. */
  readonly source: 'drill' | 'action';
  /** Until the provider had taken it; ms. */
  readonly acceptedMs: number;
  /** Until the first authority answered it, as far as we looked; ms; null where none was seen to. */
  readonly firstMs: number | null;
  /** Until every authority answered it; ms; null where we stopped looking before. */
  readonly allMs: number | null;
}
