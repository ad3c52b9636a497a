// What look-ups say, as facts of an audit: bounded, and unknown told from absent. Pure.

import type { Lookup, PublishedView } from '../dns/reader.ts';
import type { AddressFacts, AuthorityFacts, MxFacts, Outcome, TextFacts } from '../model/audit.ts';
import { displayName, type DomainName } from '../model/domain-name.ts';
import { byPreference, parseMx } from '../model/mx.ts';
import { sanitise } from '../model/text.ts';

/** Postfix refuses a set with more records, whatever they are. */
const maxMx = 100;
const maxMalformed = 10;
const maxAddresses = 100;
/** A domain has a handful of texts that are meant for one purpose, at most. */
const maxTexts = 20;
/** Longest SPF record that fits into one answer over UDP, several times over. */
const maxTextLength = 4096;
/** RFC 1912 §2.8 and the root have 13 servers at most; delegations with more are cut. */
const maxAuthorities = 64;

/** Sets that were read, by their text: most domains of a platform publish the same. Equal sets are one object. */
const readSets = new Map<string, MxSet>();
/** Some megabytes; begun anew when full. Longer texts are read each time. */
const maxReadSets = 10_000;
const maxKeptText = 500;

type MxSet = Pick<MxFacts, 'mx' | 'malformed'>;
const emptySet: MxSet = { mx: [], malformed: [] };

const outcomeOf = ({ outcome }: Lookup): Outcome => (outcome === 'failed' ? 'unknown' : outcome);

export function mxFactsOf(lookup: Lookup): MxFacts {
  const { mx, malformed } = lookup.rrset === null ? emptySet : mxSetOf(lookup.rrset.rdata);
  return {
    outcome: outcomeOf(lookup),
    ttl: lookup.rrset?.ttl ?? 0,
    mx,
    malformed,
    aliases: lookup.aliases,
    isAuthenticated: lookup.isAuthenticated,
    reason: lookup.reason,
  };
}

function mxSetOf(rdata: readonly string[]): MxSet {
  const text = rdata.join('\n');
  const known = readSets.get(text);
  if (known !== undefined) return known;
  const values = rdata.map(parseMx);
  const mx = values.filter((value) => value !== null).sort(byPreference);
  const malformed = rdata.filter((_, at) => values[at] === null).slice(0, maxMalformed);
  const set = { mx: mx.slice(0, maxMx), malformed: malformed.map((one) => sanitise(one)) };
  if (text.length > maxKeptText) return set;
  if (readSets.size >= maxReadSets) readSets.clear();
  readSets.set(text, set);
  return set;
}

/** A and AAAA of one name as one. Found where either is; absent or not there only where both say so. */
export function addressFactsOf(v4: Lookup, v6: Lookup): AddressFacts {
  const both = [v4, v6];
  const found = both.flatMap(({ rrset }) => rrset ?? []);
  const failed = both.filter(({ outcome }) => outcome === 'failed');
  const outcomes = both.map(outcomeOf);
  const outcome =
    (['found', 'unknown', 'absent'] as const).find((one) => outcomes.includes(one)) ?? 'nxdomain';
  return {
    outcome,
    addresses: found.flatMap(({ rdata }) => rdata).slice(0, maxAddresses),
    ttl: found.length === 0 ? 0 : Math.min(...found.map(({ ttl }) => ttl)),
    aliases: v4.aliases.length > 0 ? v4.aliases : v6.aliases,
    reason:
      failed.length === 0 ? null : sanitise(failed.map(({ reason }) => reason ?? 'no answer').join('; ')),
  };
}

/** The texts that begin as `meant` says; absent where there are only others. */
export function textFactsOf(lookup: Lookup, meant: RegExp): TextFacts {
  const texts = (lookup.rrset?.rdata ?? []).map(joinTxt).filter((text) => meant.test(text));
  const values = texts.slice(0, maxTexts).map((text) => sanitise(text, maxTextLength));
  const outcome = outcomeOf(lookup);
  const isMeantForOthers = outcome === 'found' && values.length === 0;
  return { outcome: isMeantForOthers ? 'absent' : outcome, values, reason: lookup.reason };
}

/** Text of a TXT record from its presentation form: quoted strings, joined (RFC 7208 §3.3). */
function joinTxt(rdata: string): string {
  const strings = rdata.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return strings
    .map((one) => (one.startsWith('"') ? one.slice(1, -1) : one))
    .join('')
    .replace(/\\(\d{3}|.)/g, (_, escape: string) =>
      escape.length === 3 ? String.fromCharCode(Number(escape) & 0xff) : escape,
    );
}

/** What begins a text that somebody meant as an announcement, whether it counts or not. */
export const stsText = /^\s*v\s*=\s*STSv1/i;
/** RFC 8460 §3. */
export const tlsRptText = /^v=TLSRPTv1\s*(?:;|$)/;
/** RFC 7208 §4.5. */
export const spfText = /^v=spf1(?: |$)/i;

export function authorityFactsOf(view: PublishedView): AuthorityFacts[] {
  if (view.fault !== null) return [failedAuthority(view.zone, view.fault)];
  return view.answers.slice(0, maxAuthorities).map(({ server, outcome, rrset, reason, ...rest }) => {
    const name = server.name === null ? server.address : displayName(server.name);
    const rdata = rrset?.rdata.slice(0, maxMx) ?? [];
    return {
      server: `${name} [${server.address}]`,
      outcome,
      ttl: rrset?.ttl ?? null,
      highestTtl: rest.highestTtl ?? null,
      rdata,
      reason,
    };
  });
}

/** Stands for the servers of a zone that could not even be named. */
export function failedAuthority(zone: DomainName, reason: string): AuthorityFacts {
  return {
    server: displayName(zone),
    outcome: 'failed',
    ttl: null,
    highestTtl: null,
    rdata: [],
    reason: sanitise(reason),
  };
}
