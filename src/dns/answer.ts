// What a response says about one name and type: the RRset behind its aliases, a proved absence, a referral, an
// error. Pure. RFC 1034 §4.3.2 and RFC 2181 §10.1 (aliases); RFC 2308 §2, §5 (absence); RFC 6604 §3 (whose rcode it is).

import { type DomainName, isWithin, parseDomainName } from '../model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import type { Referral } from './reader.ts';
import { classes, type Message, rcodes, type ResourceRecord } from './message.ts';

/** `aliases`: CNAME targets passed, in order. */
export type Reading =
  | {
      readonly kind: 'found';
      readonly aliases: readonly DomainName[];
      readonly rrset: Rrset;
      /** Of its records; another than that of the RRset where they differ (RFC 2181 §5.2). */
      readonly highestTtl: number;
    }
  | {
      readonly kind: 'absent' | 'nxdomain';
      readonly aliases: readonly DomainName[];
      /** Seconds; null without an SOA. */
      readonly negativeTtl: number | null;
    }
  /** The chain leaves the message: ask for the last alias. */
  | { readonly kind: 'continues'; readonly aliases: readonly DomainName[]; readonly next: DomainName }
  | { readonly kind: 'loop'; readonly aliases: readonly DomainName[] }
  | { readonly kind: 'referral'; readonly zone: DomainName }
  /** Records, and none of them of the name that was asked for: nothing follows from it, no absence either. */
  | { readonly kind: 'astray' }
  | { readonly kind: 'error'; readonly rcode: number };

/** Longest CNAME chain followed. BIND takes 16, Unbound 11; nobody publishes an MX behind more than two. */
export const maxAliases = 8;

export function readAnswer(message: Message, name: DomainName, type: RrType): Reading {
  const isNxdomain = message.rcode === rcodes.NXDOMAIN;
  if (message.rcode !== rcodes.NOERROR && !isNxdomain) return { kind: 'error', rcode: message.rcode };
  const aliases: DomainName[] = [];
  let current = name;
  for (;;) {
    const values = recordsOf(message.answers, current, type);
    if (values.length > 0) return { kind: 'found', aliases, ...toRrset(current, type, values) };
    const target = type === 'CNAME' ? null : aliasOf(message.answers, current);
    if (target === null) break;
    if (target === name || aliases.includes(target) || aliases.length >= maxAliases) {
      return { kind: 'loop', aliases: [...aliases, target] };
    }
    aliases.push(target);
    current = target;
  }
  const negativeTtl = negativeTtlOf(message.authorities, current);
  if (isNxdomain) return { kind: 'nxdomain', aliases, negativeTtl };
  if (negativeTtl !== null) return { kind: 'absent', aliases, negativeTtl };
  if (aliases.length > 0) return { kind: 'continues', aliases, next: current };
  // RFC 2308 §2.2: NS without SOA and without an answer is a referral, not an absence.
  const ns = message.authorities.find((record) => record.type === 'NS' && record.class === classes.in);
  if (ns !== undefined) return { kind: 'referral', zone: ns.owner };
  const isAstray = message.answers.length > 0 && message.answers.every(({ owner }) => owner !== name);
  return isAstray ? { kind: 'astray' } : { kind: 'absent', aliases, negativeTtl: null };
}

/** The root has 13 name servers; more than this is a mistake or an attack on us. */
const maxReferred = 32;

/** RFC 1034 §4.3.2, step 3b: the NS of a delegation, with glue where it stands beside. Null where there are none. */
export function readReferral({ authorities, additionals }: Message, name: DomainName): Referral | null {
  const ns = authorities.filter((one) => one.type === 'NS' && one.class === classes.in);
  const zone = ns[0]?.owner;
  if (zone === undefined || !isWithin(name, zone)) return null;
  const names = recordsOf(ns, zone, 'NS').map(({ rdata }) => parseDomainName(rdata ?? ''));
  const servers = names.slice(0, maxReferred).flatMap((parsed) => {
    if (!parsed.ok) return [];
    const glue = (['A', 'AAAA'] as const).flatMap((type) => recordsOf(additionals, parsed.name, type));
    return [{ name: parsed.name, addresses: glue.flatMap(({ rdata }) => rdata ?? []) }];
  });
  return servers.length === 0 ? null : { zone, servers };
}

function recordsOf(records: readonly ResourceRecord[], owner: DomainName, type: RrType): ResourceRecord[] {
  const found: ResourceRecord[] = [];
  for (const record of records) {
    const isIt = record.type === type && record.owner === owner && record.class === classes.in;
    if (isIt && record.rdata !== null) found.push(record);
  }
  return found;
}

/** RFC 2181 §5.2: siblings must have one TTL; where they differ the lowest is the safe reading. */
function toRrset(
  owner: DomainName,
  type: RrType,
  records: readonly ResourceRecord[],
): { rrset: Rrset; highestTtl: number } {
  let ttl = Infinity;
  let highestTtl = 0;
  const rdata: string[] = [];
  for (const record of records) {
    ttl = Math.min(ttl, record.ttl);
    highestTtl = Math.max(highestTtl, record.ttl);
    if (record.rdata !== null) rdata.push(record.rdata);
  }
  const rrset = isAscending(rdata) ? { owner, type, ttl, rdata } : rrsetOf(owner, type, ttl, rdata);
  return { rrset, highestTtl };
}

/** True where sorting and dropping doubles would change nothing, as it is with most answers. */
function isAscending(texts: readonly string[]): boolean {
  for (let at = 1; at < texts.length; at++) if ((texts[at - 1] ?? '') >= (texts[at] ?? '')) return false;
  return true;
}

/** RFC 2181 §10.1: one CNAME per name; of several the first is taken, as resolvers do. */
function aliasOf(records: readonly ResourceRecord[], owner: DomainName): DomainName | null {
  const parsed = parseDomainName(recordsOf(records, owner, 'CNAME')[0]?.rdata ?? '');
  return parsed.ok ? parsed.name : null;
}

/** RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM field, which stands last. */
function negativeTtlOf(authorities: readonly ResourceRecord[], name: DomainName): number | null {
  const soa = authorities.find(
    (record) => record.type === 'SOA' && record.class === classes.in && isWithin(name, record.owner),
  );
  const minimum = /(\d{1,10})$/.exec(soa?.rdata ?? '')?.[1];
  return soa === undefined || minimum === undefined ? null : Math.min(soa.ttl, Number(minimum));
}

/** RFC 8914 §4, those that explain why a resolver has no answer. */
const extendedErrorNames: Readonly<Record<number, string>> = {
  3: 'stale answer',
  6: 'DNSSEC bogus',
  7: 'signature expired',
  8: 'signature not yet valid',
  9: 'DNSKEY missing',
  10: 'RRSIGs missing',
  12: 'NSEC missing',
  13: 'cached error',
  14: 'not ready',
  15: 'blocked',
  16: 'censored',
  17: 'filtered',
  18: 'prohibited',
  19: 'stale NXDOMAIN answer',
  20: 'not authoritative',
  21: 'not supported',
  22: 'no reachable authority',
  23: 'network error',
  24: 'invalid data',
};

const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, rcode]) => [rcode, name]));

/** `SERVFAIL`, with the server's extended errors: `SERVFAIL (extended error 22, no reachable authority)`. */
export function formatRcode(message: Message): string {
  // 16 is BADVERS in EDNS and BADSIG in TSIG (RFC 6895 §2.3); a query of ours carries no TSIG.
  const name = message.rcode === 16 ? 'BADVERS' : (rcodeNames.get(message.rcode) ?? `RCODE${message.rcode}`);
  const extended = (message.edns?.extendedErrors ?? []).slice(0, 2).map(({ code, text }) => {
    const known = extendedErrorNames[code];
    const words = [known, text === '' ? undefined : `"${sanitise(text, 80)}"`].filter(
      (one) => one !== undefined,
    );
    return `extended error ${[code, ...words].join(', ')}`;
  });
  return extended.length === 0 ? name : `${name} (${extended.join('; ')})`;
}
