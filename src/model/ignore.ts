// What somebody decided not to be told of an audit, and until when.

import type { DomainName } from './domain-name.ts';

export interface AuditIgnore {
  readonly domain: DomainName;
  /** Last day it holds, `YYYY-MM-DD` in UTC; null = for good. */
  readonly until: string | null;
  readonly reason: string;
}

/** True after the end of its last day. */
export function isOver({ until }: Pick<AuditIgnore, 'until'>, now: number): boolean {
  return until !== null && Date.parse(`${until}T23:59:59.999Z`) < now;
}

/** Ignores that still stand in the configuration though their day is past: what they hid is found again. */
export function expiredIgnores<Ignore extends Pick<AuditIgnore, 'until'>>(
  ignores: readonly Ignore[],
  now: number,
): Ignore[] {
  return ignores.filter((one) => isOver(one, now));
}
