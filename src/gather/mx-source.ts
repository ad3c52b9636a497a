// Where the MX of a domain come from: the resolvers, asked in this thread or in others.

import type { Resolver } from '../dns/reader.ts';
import type { MxFacts } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { mxFactsOf } from './facts.ts';

export interface MxSource {
  /** Rejects only where the source is closed. */
  read(domain: DomainName): Promise<MxFacts>;
  close(): Promise<void>;
}

/** `resolver` is closed by whoever made it. */
export function createMxSource(resolver: Resolver, signal: AbortSignal): MxSource {
  return {
    read: async (domain) => mxFactsOf(await resolver.lookup(domain, 'MX', signal)),
    close: () => Promise.resolve(),
  };
}
