// MTA-STS of a mail domain as senders see it now, and which hosts a policy lists (RFC 8461).

/** What any sender meets that asks for the policy; a timeout or a failed look-up from here is none.
 *  record: what stands at `_mta-sts` is meant as a record and is none (RFC 8461 §3.1); no-host: the policy host has no
 *  address or refuses the connection; certificate: it shows one that senders must not accept (§3.3); http: another
 *  status than 200; malformed: no valid policy (§3.2). */
export type StsFault = 'record' | 'no-host' | 'certificate' | 'http' | 'malformed';

export interface StsFacts {
  readonly domain: string;
  /** absent: no policy; unknown: it could not be found out, and a sender with a cached policy still applies that. */
  readonly mode: 'enforce' | 'testing' | 'none' | 'absent' | 'unknown';
  /** `mx` patterns of the policy, at most 100. */
  readonly patterns: readonly string[];
  /** Why absent or unknown; null otherwise. */
  readonly reason: string | null;
  /** Null where nothing is known to be wrong; else mode is absent or unknown. */
  readonly fault: StsFault | null;
}

/** What one look found: the policy, and the id it was announced with. */
export interface StsReading extends StsFacts {
  /** Of `_mta-sts` (RFC 8461 §3.1); null where no policy is announced, or the record could not be had. */
  readonly id: string | null;
}

/** RFC 8461 §4.1: exact, or `*.` for exactly one label on the left. */
export function matchesStsPattern(host: string, pattern: string): boolean {
  const [name, wanted] = [host.toLowerCase().replace(/\.$/, ''), pattern.toLowerCase().replace(/\.$/, '')];
  if (!wanted.startsWith('*.')) return name === wanted;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === wanted.slice(1);
}

/** The hosts that no pattern of the policy lists. */
export function unlistedBy<Host extends string>(
  { patterns }: Pick<StsFacts, 'patterns'>,
  hosts: readonly Host[],
): Host[] {
  return hosts.filter((host) => !patterns.some((pattern) => matchesStsPattern(host, pattern)));
}
