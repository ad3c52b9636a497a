// Where the MX of a domain come from: the resolvers, asked in this thread or in others.

import type { Resolver } from '../dns/reader.ts';
import type { MxFacts } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { mxFactsOf } from './facts.ts';

/** Who waits for one domain's MX: one of both is called, once, maybe before `read` returns. Neither throws. */
export interface MxTaker {
  takeMx(mx: MxFacts): void;
  /** The source was closed. */
  fail(error: Error): void;
}

export interface MxSource {
  /** No promise: there may be a million domains. */
  read(domain: DomainName, taker: MxTaker): void;
  close(): Promise<void>;
}

/** `resolver` is closed by whoever made it. */
export function createMxSource(resolver: Resolver, signal: AbortSignal): MxSource {
  return {
    read: (domain, taker) => {
      resolver.lookup(domain, 'MX', signal).then(
        (lookup) => taker.takeMx(mxFactsOf(lookup)),
        (error: unknown) => taker.fail(errorOf(error)),
      );
    },
    close: () => Promise.resolve(),
  };
}

const errorOf = (thrown: unknown) =>
  thrown instanceof Error ? thrown : new Error('asking for MX failed', { cause: thrown });
