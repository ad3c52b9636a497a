// What every adapter asks of the changes it is given, whatever is behind it. Pure.

import { exitCodes, ProviderError } from '../errors.ts';
import { type DomainName, displayName, isWithin } from '../model/domain-name.ts';
import { isNullMx, parseMx } from '../model/mx.ts';
import { isSameRrset, maxTtl, type Rrset } from '../model/rrset.ts';
import type { ZoneChange } from './provider.ts';

function refuse(message: string, hint: string): never {
  throw new ProviderError('provider-refused', message, { hint, exitCode: exitCodes.refused });
}

/** Throws for what must never be sent, whatever the server would say to it. */
export function checkChanges(zone: DomainName, changes: readonly ZoneChange[], maxBatch: number): void {
  if (changes.length > maxBatch)
    refuse(`${changes.length} changes in one batch, at most ${maxBatch} fit`, 'Split the route.');
  const seen = new Set<string>();
  for (const { owner, type, expected, desired } of changes) {
    const what = `${displayName(owner)} ${type}`;
    if (!isWithin(owner, zone))
      throw new ProviderError(
        'name-outside-zone',
        `${displayName(owner)} is not within zone ${displayName(zone)}`,
        {
          hint: 'Name the zone that holds it under `records`.',
          exitCode: exitCodes.config,
        },
      );
    if (seen.has(what)) refuse(`${what} is changed twice in one batch`, 'Give each RRset one change.');
    seen.add(what);
    for (const one of [expected, desired])
      if (
        one !== null &&
        (one.owner !== owner || one.type !== type || one.rdata.length === 0 || !isTtl(one.ttl))
      )
        refuse(`${what}: not an RRset of that name and type`, 'An RRset has its owner, values and a TTL.');
    if (type !== 'MX') continue;
    // Without MX a sender falls back to the A record (RFC 5321 §5.1): never for a moment.
    if (desired === null) refuse(`${what} would be removed`, 'An MX RRset is replaced, never removed.');
    if (desired.rdata.length > 1 && desired.rdata.some((text) => isNull(text)))
      refuse(`${what} would mix a null MX with others`, 'RFC 7505 §3: a null MX stands alone.');
  }
}

const isTtl = (ttl: number) => Number.isInteger(ttl) && ttl >= 0 && ttl <= maxTtl;

function isNull(rdata: string): boolean {
  const mx = parseMx(rdata);
  return mx !== null && isNullMx(mx);
}

/** write: live is as expected, TTL included; done: live is as desired already; else somebody else's. */
export type Standing = 'write' | 'done' | 'conflict';

export function standingOf(change: ZoneChange, live: Rrset | null): Standing {
  if (isSameRrset(live, change.desired)) return 'done';
  return isSameRrset(live, change.expected) ? 'write' : 'conflict';
}
