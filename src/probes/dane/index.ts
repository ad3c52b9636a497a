// DANE of an exchange as a sender would find it now: addresses first, then TLSA, each believed only where the resolver
// says it has validated it. RFC 7672 §2.2.2, §2.2.3.

import type { Lookup, Resolver } from '../../dns/reader.ts';
import type { DaneFacts } from '../../model/dane.ts';
import { displayName, parseDomainName, type DomainName } from '../../model/domain-name.ts';
import { usableTlsa } from './tlsa.ts';

export interface DaneReaderOptions {
  /** Must validate, and be reached over loopback or a network one trusts: the AD bit proves nothing, it is the
   *  resolver's word (RFC 4035 §4.9.3). Of one that does not validate every exchange comes out `insecure`. */
  readonly resolver: Pick<Resolver, 'lookup'>;
}

type Finding = Pick<DaneFacts, 'outcome' | 'records' | 'reason'>;

const without = (outcome: DaneFacts['outcome'], reason: string | null = null): Finding => ({
  outcome,
  records: [],
  reason,
});

/** The function throws only on abort. `port` is that of the hop: 25 but in tests, where the label follows it.
 *  Whether the MX RRset is validated is not asked: senders may skip DANE where it is not, but Postfix by default does
 *  not (RFC 7672 §2.2.1, smtp_tls_dane_insecure_mx_policy), and one sender who insists is enough. */
export function createDaneReader({
  resolver,
}: DaneReaderOptions): (exchange: DomainName, port: number, signal: AbortSignal) => Promise<DaneFacts> {
  return async (exchange, port, signal) => {
    const bases = await baseDomainsOf(exchange, resolver, signal);
    const finding = Array.isArray(bases)
      ? await readTlsa(bases, { port, resolver, signal })
      : without('unknown', bases.reason);
    return { exchange, port, ...finding };
  };
}

/** Names below which a sender looks for TLSA, in its order; none where it does not look. RFC 7672 §2.2.2: addresses are
 *  asked for first, because servers that know no DNSSEC often do not answer for TLSA. */
async function baseDomainsOf(
  exchange: DomainName,
  resolver: Pick<Resolver, 'lookup'>,
  signal: AbortSignal,
): Promise<DomainName[] | { readonly reason: string }> {
  const [v4, v6] = await Promise.all([
    resolver.lookup(exchange, 'A', signal),
    resolver.lookup(exchange, 'AAAA', signal),
  ]);
  const answers: Lookup[] = [v4, v6].filter((one) => one.outcome !== 'failed');
  if (answers.length === 0) return { reason: v4.reason ?? 'no answer for the address' };
  const alias = answers.flatMap((one) => one.aliases).length > 0;
  // An exchange of strategy address may have no address yet: a validated absence shows that its zone is signed.
  const secure = answers.find((one) => one.isAuthenticated);
  if (secure !== undefined) return [...secure.aliases.slice(-1), exchange];
  if (!alias) return [];
  // A signed alias into an unsigned zone: the alias itself is a base domain all the same.
  const own = await resolver.lookup(exchange, 'CNAME', signal);
  return own.isAuthenticated ? [exchange] : [];
}

async function readTlsa(
  bases: readonly DomainName[],
  { port, resolver, signal }: { port: number; resolver: Pick<Resolver, 'lookup'>; signal: AbortSignal },
): Promise<Finding> {
  let isValidated = false;
  for (const base of bases) {
    const name = parseDomainName(`_${port}._tcp.${base}`);
    // Too long to have any.
    if (!name.ok) continue;
    const { outcome, rrset, isAuthenticated, reason } = await resolver.lookup(name.name, 'TLSA', signal);
    // RFC 7672 §2.1.2: SERVFAIL, bogus or no answer at all: not this host.
    if (outcome === 'failed') return without('failed', reason ?? `no answer for ${displayName(name.name)}`);
    isValidated ||= isAuthenticated;
    if (rrset === null || !isAuthenticated) continue;
    const records = usableTlsa(rrset.rdata);
    return records.length > 0 ? { outcome: 'usable', records, reason: null } : without('unusable');
  }
  return without(isValidated ? 'none' : 'insecure');
}
