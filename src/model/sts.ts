// MTA-STS of a mail domain as senders see it now (RFC 8461).

export interface StsFacts {
  readonly domain: string;
  /** absent: no policy; unknown: it could not be found out, and a sender with a cached policy still applies that. */
  readonly mode: 'enforce' | 'testing' | 'none' | 'absent' | 'unknown';
  /** `mx` patterns of the policy, at most 100. */
  readonly patterns: readonly string[];
  /** Why absent or unknown; null otherwise. */
  readonly reason: string | null;
}
