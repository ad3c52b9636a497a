// The MTA-STS policy of a mail domain as a sender would fetch it now: TXT record, then one HTTPS request to the policy
// host. No redirects, no parent domains, bounded. RFC 8461 §3.

import { get } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { Resolver } from '../../dns/reader.ts';
import { displayName, parseDomainName, type DomainName } from '../../model/domain-name.ts';
import type { StsFault, StsReading } from '../../model/sts.ts';
import { sanitise } from '../../model/text.ts';
import { announcedId, isMeantAsRecord, parsePolicy } from './policy.ts';

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

interface Failed {
  readonly ok: false;
  readonly reason: string;
  readonly fault: StsFault | null;
}
type Fetched = { readonly ok: true; readonly text: string } | Failed;

export function createStsReader(
  options: StsReaderOptions,
): (domain: DomainName, signal: AbortSignal) => Promise<StsReading> {
  return async (domain, signal) => {
    const facts = (mode: StsReading['mode'], over: Partial<StsReading> = {}): StsReading => ({
      domain: displayName(domain),
      mode,
      patterns: [],
      reason: null,
      fault: null,
      id: null,
      ...over,
    });
    const name = parseDomainName(`_mta-sts.${domain}`);
    const host = parseDomainName(`mta-sts.${domain}`);
    if (!name.ok || !host.ok) return facts('absent', { reason: 'the domain is too long for a policy' });
    const record = await options.resolver.lookup(name.name, 'TXT', signal);
    if (record.outcome === 'failed') {
      return facts('unknown', { reason: record.reason ?? 'no answer for the TXT record' });
    }
    const records = record.rrset?.rdata ?? [];
    const id = announcedId(records);
    if (id === null) {
      const fault = isMeantAsRecord(records) ? 'record' : null;
      return facts('absent', { reason: 'no policy is announced', fault });
    }
    const fetched = await fetchPolicy(host.name, options, signal);
    if (!fetched.ok) return facts('unknown', { id, reason: fetched.reason, fault: fetched.fault });
    const policy = parsePolicy(fetched.text);
    return policy === null
      ? facts('unknown', {
          id,
          reason: `${displayName(host.name)} serves no valid policy`,
          fault: 'malformed',
        })
      : facts(policy.mode, { id, patterns: policy.patterns });
  };
}

async function fetchPolicy(
  host: DomainName,
  options: StsReaderOptions,
  signal: AbortSignal,
): Promise<Fetched> {
  const found = await addressesOf(host, options.resolver, signal);
  if (!Array.isArray(found)) return found;
  const [address] = found;
  if (address === undefined) {
    return { ok: false, reason: `${displayName(host)} has no address`, fault: 'no-host' };
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  return request(displayName(host), address, options, AbortSignal.any([signal, timeout]), signal);
}

/** What failed where no address was found and one of both look-ups failed: there may be one. */
async function addressesOf(
  host: DomainName,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<string[] | Failed> {
  const found = await Promise.all([
    resolver.lookup(host, 'A', signal),
    resolver.lookup(host, 'AAAA', signal),
  ]);
  const addresses = found.flatMap((one) => one.rrset?.rdata ?? []);
  const failed = found.find((one) => one.outcome === 'failed');
  if (addresses.length > 0 || failed === undefined) return addresses;
  return { ok: false, reason: `${displayName(host)}: ${failed.reason ?? 'no answer'}`, fault: null };
}

/** Verifier's words that mean a certificate: OpenSSL's, and Node's for a name that does not match. */
const certificateFault = /^(ERR_TLS_CERT_ALTNAME_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA)/;

function faultOf(error: Error): StsFault | null {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ECONNREFUSED') return 'no-host';
  if (code === tooLong) return 'malformed';
  return certificateFault.test(code) ? 'certificate' : null;
}

const tooLong = 'policy-too-long';

function request(
  host: string,
  address: string,
  options: StsReaderOptions,
  bounded: AbortSignal,
  caller: AbortSignal,
): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, fault: StsFault | null) =>
      resolve({ ok: false, reason: `${host}: ${sanitise(reason)}`, fault });
    const onError = (error: Error) => {
      if (caller.aborted) reject(caller.reason as Error);
      else if (bounded.aborted) fail('no answer in time', null);
      else fail(error.message, faultOf(error));
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
          fail(`HTTP ${incoming.statusCode ?? 0} instead of 200`, 'http');
          return;
        }
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > maxPolicyBytes) {
            incoming.destroy(Object.assign(new Error('the policy is longer than 64 KiB'), { code: tooLong }));
          }
        });
        incoming.on('end', () => resolve({ ok: true, text }));
        incoming.on('error', onError);
      },
    );
    outgoing.on('error', onError);
  });
}
