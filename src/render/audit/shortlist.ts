// A bounded choice of findings for formats that cannot show them all: the first of each severity, so that a million
// notes never push an error out.

import type { Severity } from '../../model/audit.ts';
import { severities } from './words.ts';

interface Shortlist<One> {
  add(one: One): void;
  of(severity: Severity): readonly One[];
  /** The worst first. */
  all(): readonly One[];
  /** How many were added, kept or not. */
  seen(): number;
}

/** Keeps at most `most` of each severity. */
export function createShortlist<One extends { readonly severity: Severity }>(most: number): Shortlist<One> {
  const kept: Record<Severity, One[]> = { error: [], warn: [], note: [] };
  let seen = 0;
  return {
    add: (one) => {
      seen += 1;
      if (kept[one.severity].length < most) kept[one.severity].push(one);
    },
    of: (severity) => kept[severity],
    all: () => severities.flatMap((severity) => kept[severity]),
    seen: () => seen,
  };
}
