// What a run has asked for so far.

import type { Lookup } from '../dns/reader.ts';
import type { GatherCounters } from './gather.ts';

export class Tally implements GatherCounters {
  domains = 0;
  lookups = 0;
  unknown = 0;
  exchanges = 0;
  policies = 0;

  count({ outcome }: Pick<Lookup, 'outcome'> | { readonly outcome: 'unknown' }): void {
    this.lookups += 1;
    if (outcome === 'failed' || outcome === 'unknown') this.unknown += 1;
  }
}
