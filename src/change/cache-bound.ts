// The cache bound: the moment when no conforming cache can still hold a replaced RRset. Not `now + ttl`: for every
// version ever served, (last moment an authority served it) + (its TTL). Lowering a TTL from 3600 to 60 does not
// help for an hour. RFC 2181 §8 (TTL is a maximum), RFC 8767 §4 (caps), RFC 2308 §5 (negative answers).

import type { Sighting } from '../model/sighting.ts';

/** RFC 8767 §4 and BIND's max-cache-ttl: seven days; no common resolver keeps an answer longer. Seconds. */
const longestKept = 604_800;
/** TTLs are whole seconds: an answer given within a second may be kept to the end of the next. ms. */
const roundingMs = 1000;

/** How long a version with this TTL can live in a cache after the last answer that carried it; ms. */
export function cachedForMs(ttl: number): number {
  return Math.min(ttl, longestKept) * 1000 + roundingMs;
}

/** The instant after which no conforming cache holds any version that is no longer served, ms; null where every
 *  version ever served still is. Says nothing about the answers still served: see trueBy. */
export function cacheBound(sightings: readonly Sighting[]): number | null {
  // No spread: a server that counts its TTL down (a resolver taken for an authority) leaves a sighting a look.
  return sightings.reduce<number | null>(
    (bound, one) =>
      one.replacedAt === null ? bound : Math.max(bound ?? 0, one.replacedAt + cachedForMs(one.ttl)),
    null,
  );
}

/** The latest instant at which some cache may hold the given version, were it replaced everywhere at `replacedAt`:
 *  the promise *true by* of a plan. Older versions still in caches count too. */
export function trueBy(sightings: readonly Sighting[], currentTtl: number, replacedAt: number): number {
  const ttl = sightings.reduce(
    (longest, one) => (one.replacedAt === null ? Math.max(longest, one.ttl) : longest),
    currentTtl,
  );
  return Math.max(replacedAt + cachedForMs(ttl), cacheBound(sightings) ?? 0);
}
