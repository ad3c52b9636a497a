// The MTA-STS policy of a mail domain as a sender would fetch it now: TXT record, then one HTTPS request to the policy
// host. No redirects, no parent domains, bounded. RFC 8461 §3.

import { get } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { Resolver } from '../../dns/reader.ts';
import { displayName, parseDomainName, type DomainName } from '../../model/domain-name.ts';
import type { StsFacts } from '../../model/sts.ts';
import { sanitise } from '../../model/text.ts';
import { announcesPolicy, parsePolicy } from './policy.ts';

export interface StsReaderOptions {
  readonly resolver: Resolver;
  /** PEM; trusted besides the CAs Node trusts. */
  readonly caCertificates: readonly string[];
  /** 443; tests have another. */
  readonly port?: number;
  readonly timeoutMs?: number;
}

/** RFC 8461 §3.3 suggests 64 KiB as the most a sender reads. */
const maxPolicyBytes = 65_536;
/** RFC 8461 §3.3 suggests one minute; a person waits for this plan. ms. */
const defaultTimeoutMs = 10_000;

type Fetched = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

export function createStsReader(
  options: StsReaderOptions,
): (domain: DomainName, signal: AbortSignal) => Promise<StsFacts> {
  return async (domain, signal) => {
    const facts = (
      mode: StsFacts['mode'],
      reason: string | null,
      patterns: readonly string[] = [],
    ): StsFacts => ({
      domain: displayName(domain),
      mode,
      patterns,
      reason,
    });
    const name = parseDomainName(`_mta-sts.${domain}`);
    const host = parseDomainName(`mta-sts.${domain}`);
    if (!name.ok || !host.ok) return facts('absent', 'the domain is too long for a policy');
    const record = await options.resolver.lookup(name.name, 'TXT', signal);
    if (record.outcome === 'failed') return facts('unknown', record.reason ?? 'no answer for the TXT record');
    if (!announcesPolicy(record.rrset?.rdata ?? [])) return facts('absent', 'no policy is announced');
    const fetched = await fetchPolicy(host.name, options, signal);
    if (!fetched.ok) return facts('unknown', fetched.reason);
    const policy = parsePolicy(fetched.text);
    return policy === null
      ? facts('unknown', `${displayName(host.name)} serves no valid policy`)
      : facts(policy.mode, null, policy.patterns);
  };
}

async function fetchPolicy(
  host: DomainName,
  options: StsReaderOptions,
  signal: AbortSignal,
): Promise<Fetched> {
  const addresses = await addressesOf(host, options.resolver, signal);
  const [address] = addresses;
  if (address === undefined) return { ok: false, reason: `${displayName(host)} has no address` };
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  return request(displayName(host), address, options, AbortSignal.any([signal, timeout]), signal);
}

async function addressesOf(host: DomainName, resolver: Resolver, signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all([
    resolver.lookup(host, 'A', signal),
    resolver.lookup(host, 'AAAA', signal),
  ]);
  return found.flatMap((one) => one.rrset?.rdata ?? []);
}

function request(
  host: string,
  address: string,
  options: StsReaderOptions,
  bounded: AbortSignal,
  caller: AbortSignal,
): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => resolve({ ok: false, reason: `${host}: ${sanitise(reason)}` });
    const onError = (error: Error) => {
      if (caller.aborted) reject(caller.reason as Error);
      else fail(bounded.aborted ? 'no answer in time' : error.message);
    };
    const outgoing = get(
      {
        host: address,
        servername: host,
        port: options.port ?? 443,
        path: '/.well-known/mta-sts.txt',
        headers: { host },
        signal: bounded,
        agent: false,
        ...(options.caCertificates.length > 0
          ? { ca: [...getCACertificates('default'), ...options.caCertificates] }
          : {}),
      },
      (incoming) => {
        if (incoming.statusCode !== 200) {
          // RFC 8461 §3.3: 3xx must not be followed.
          incoming.destroy();
          fail(`HTTP ${incoming.statusCode ?? 0} instead of 200`);
          return;
        }
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > maxPolicyBytes) incoming.destroy(new Error('the policy is longer than 64 KiB'));
        });
        incoming.on('end', () => resolve({ ok: true, text }));
        incoming.on('error', onError);
      },
    );
    outgoing.on('error', onError);
  });
}
