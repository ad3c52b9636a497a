// What rules read out of the answers of authoritative servers. A server that did not answer says nothing.

import type { AuthorityFacts, DomainFacts } from '../model/audit.ts';

const none: readonly AuthorityFacts[] = [];

export function authoritiesOf({ authorities }: DomainFacts): readonly AuthorityFacts[] {
  return authorities ?? none;
}

/** Servers that told the MX. */
export function answersOf(facts: DomainFacts): readonly AuthorityFacts[] {
  const all = authoritiesOf(facts);
  return all.length === 0 ? all : all.filter((one) => one.outcome === 'answer');
}

/** Highest TTL that any server gave, 0 where none did; seconds. */
export function highestTtlOf(facts: DomainFacts): number {
  let highest = 0;
  for (const { ttl, highestTtl } of answersOf(facts)) highest = Math.max(highest, ttl ?? 0, highestTtl ?? 0);
  return highest;
}
