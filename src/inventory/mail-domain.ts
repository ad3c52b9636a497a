// From what stands in somebody's list to a mail domain: U-labels become A-labels (A-labels stay as they are: whether one
// exists is for DNS to say), what cannot be one is told apart by what it was probably meant to be. RFC 1123 §2.1 (host
// names); RFC 5890 (A-labels); RFC 3490 §3.1 (dots).

import { isIP } from 'node:net';
import { type DomainName, type DomainNameError, labelsOf, parseDomainName } from '../model/domain-name.ts';

type ReadDomain =
  { readonly ok: true; readonly domain: DomainName } | { readonly ok: false; readonly reason: string };

/** 255 octets (RFC 1035 §2.3.4), each escaped with four characters at the most. */
const longestName = 1024;

const reasons: Readonly<Record<DomainNameError, string>> = {
  empty: 'is empty',
  'empty-label': 'has two dots side by side, or begins with one',
  'label-too-long': 'has a part of more than 63 octets',
  'name-too-long': 'is longer than 255 octets',
  'bad-escape': 'has a backslash that escapes nothing',
  'bad-character': 'has a character that no domain has',
  'bad-idn': 'has a part that no A-label stands for',
};

/** What nearly every row is, a name of a host in lower case that ends in a letter's label: it needs no other look. The
 *  longest has 254 characters with its dot (RFC 1035 §2.3.4). */
const plainDomain = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const longestPlain = 253;

/** The text as people write it, spaces around it allowed. */
export function readMailDomain(text: string): ReadDomain {
  if (text.length <= longestPlain && plainDomain.test(text))
    return { ok: true, domain: `${text}.` as DomainName };
  return readAnyDomain(text);
}

/** The same for every text. */
export function readAnyDomain(text: string): ReadDomain {
  const given = text.trim();
  if (given.length > longestName) return no('is longer than a domain can be');
  const meant = meantOtherwise(given);
  if (meant !== null) return no(meant);
  const parsed = parseDomainName(withPlainDots(given));
  if (!parsed.ok) return no(reasons[parsed.error]);
  const fault = faultOf(labelsOf(parsed.name));
  return fault === null ? { ok: true, domain: parsed.name } : no(fault);
}

const no = (reason: string): ReadDomain => ({ ok: false, reason });

/** What it is instead; null where it may be a domain. */
function meantOtherwise(text: string): string | null {
  if (text.includes('://')) return 'is a URL, not a domain';
  if (text.includes('@')) return 'is a mail address, not a domain';
  if (text.startsWith('*.')) return 'is a wildcard; name the domains it stands for';
  return isIP(text.replace(/^\[|\]$/g, '')) === 0 ? null : 'is an IP address, not a domain';
}

/** RFC 3490 §3.1: what East Asian keyboards type for a dot. */
function withPlainDots(text: string): string {
  return text.replace(/[\u3002\uff0e\uff61]/g, '.');
}

/** What keeps a name that DNS may hold from being a mail domain; null where nothing does. */
function faultOf(labels: readonly string[]): string | null {
  const last = labels.at(-1);
  if (last === undefined) return 'is the root of all names';
  // What a URL parser would read as an IPv4 address, `0x7f.1` or `10.1`, ends so.
  if (/^(\d+|0x[0-9a-f]*)$/.test(last)) return 'ends in a number, as no domain does';
  // With underscores, which DNS takes and some run mail under.
  if (!labels.every((label) => /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label)))
    return 'has a character that no host name has';
  return labels.length === 1 ? 'has one part only; a header, or a name to be completed' : null;
}
