// Record sets as Route 53 lists them, and as our RRsets. Pure. What is deleted is echoed exactly as it was listed, so the
// raw strings stand beside the canonical ones. A quirk of the provider is one line here.

import { canonicalRdata } from '../../dns/canonical.ts';
import { ProviderError } from '../../errors.ts';
import {
  type DomainName,
  displayName,
  labelOctets,
  labelsOf,
  parseDomainName,
} from '../../model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../model/rrset.ts';
import { sanitise } from '../../model/text.ts';
import type { RawSet, RecordSet } from './shapes.ts';

/** What stands at one owner and type. */
export interface Live {
  readonly rrset: Rrset | null;
  /** As listed; null where there is none. */
  readonly raw: RawSet | null;
}

/** Route 53 escapes octets in octal (`\052`), presentation form in decimal (RFC 1035 §5.1: `\042`). */
function withDecimalEscapes(text: string): string {
  return text.replace(/\\([0-3][0-7]{2}|.)/gs, (escape, code: string) =>
    code.length === 3 ? `\\${String(parseInt(code, 8)).padStart(3, '0')}` : escape,
  );
}

function withOctalEscapes(text: string): string {
  return text.replace(/\\(\d{3}|.)/gs, (escape, code: string) =>
    code.length === 3 ? octal(Number(code)) : escape,
  );
}

const octal = (octet: number) => `\\${octet.toString(8).padStart(3, '0')}`;

/** Null where it is no name. */
export function nameFrom(text: string): DomainName | null {
  const parsed = parseDomainName(withDecimalEscapes(text));
  return parsed.ok ? parsed.name : null;
}

/** Everything but letters, digits, `-` and `_` as an octal escape, which Route 53 documents; `*` may stand as it is. */
export function nameTo(name: DomainName): string {
  const labels = labelsOf(name).map((label) => {
    const octets = labelOctets(label) ?? new Uint8Array();
    return [...octets]
      .map((octet) => {
        const char = String.fromCharCode(octet);
        return /[a-z0-9_*-]/.test(char) ? char : octal(octet);
      })
      .join('');
  });
  return `${labels.join('.')}.`;
}

/** Types that Route 53 has and mxctl has a name for. */
const knownTypes = new Set<RrType>(['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'TLSA']);

/** Throws ProviderError for a type without a name here: Route 53 has no generic form (RFC 3597 §5). */
export function checkType(type: RrType): void {
  if (knownTypes.has(type)) return;
  throw new ProviderError('provider-refused', `Route 53 has no record type ${type}`, {
    hint: 'Keep this name in a zone of another provider.',
  });
}

/** What we write for an RRset of ours. */
export function rawOf({ owner, type, ttl, rdata }: Rrset): RawSet {
  return { name: nameTo(owner), type, ttl, values: rdata.map(withOctalEscapes) };
}

/** The record sets listed at one owner and type, as one RRset. Throws ProviderError where they are not one. */
export function liveFrom(owner: DomainName, type: RrType, sets: readonly RecordSet[]): Live {
  const [first, ...more] = sets;
  if (first === undefined) return { rrset: null, raw: null };
  const reason = policyOf(first) ?? (more.length > 0 ? 'stands there more than once' : null);
  const what = `${displayName(owner)} ${type}`;
  if (reason !== null)
    throw new ProviderError('provider-refused', `${what} is not managed: it ${reason}`, {
      hint: 'mxctl replaces simple record sets only; make it one, or take the name out of the route.',
    });
  const { ttl, values } = first;
  if (ttl === null || values.length === 0) throw unreadable(what, 'it has no TTL or no values');
  const rdata = values.map((value) => {
    // `10 Mail.Example.COM` and `10 mail.example.com.` are one value; a name without its dot is taken as absolute.
    const canonical = canonicalRdata(type, withDecimalEscapes(value));
    if (canonical === null) throw unreadable(what, `${JSON.stringify(value)} is not the value of ${type}`);
    return canonical;
  });
  return {
    rrset: rrsetOf(owner, type, ttl, rdata),
    raw: { name: first.name, type: first.type, ttl, values },
  };
}

function unreadable(what: string, why: string): ProviderError {
  return new ProviderError('provider-protocol', sanitise(`${what} in Route 53 cannot be read: ${why}`), {
    hint: 'Look at this record set in the console; a value may be malformed.',
  });
}

/** Why a record set is more than values with a TTL; null where it is just that. Such sets answer differently by where
 *  the question comes from, or take their values from elsewhere: replacing one as a whole would undo that. */
function policyOf(set: RecordSet): string | null {
  if (set.trafficPolicyInstanceId !== null)
    return `is made by traffic policy instance ${sanitise(set.trafficPolicyInstanceId, 40)}`;
  if (set.isAlias) return 'is an alias record (AliasTarget)';
  if (set.setIdentifier !== null)
    return `has a routing policy (SetIdentifier ${sanitise(set.setIdentifier, 60)})`;
  if (set.healthCheckId !== null) return `is tied to health check ${sanitise(set.healthCheckId, 40)}`;
  return null;
}
