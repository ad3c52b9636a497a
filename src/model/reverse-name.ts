// The name under which an address is looked up the other way round. RFC 1035 §3.5, RFC 3596 §2.5. Pure.

import { type DomainName, domainNameOf } from './domain-name.ts';

/** Null where the text is no address. */
export function reverseNameOf(address: string): DomainName | null {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    return domainNameOf(`${address.split('.').toReversed().join('.')}.in-addr.arpa`);
  }
  const groups = ipv6Groups(address);
  if (groups === null) return null;
  const nibbles = groups.map((group) => group.padStart(4, '0')).join('');
  return domainNameOf(`${Array.from(nibbles).toReversed().join('.')}.ip6.arpa`);
}

/** The eight groups of an IPv6 address without a zone or an IPv4 tail. */
function ipv6Groups(address: string): string[] | null {
  if (!/^[0-9a-f:]{2,39}$/i.test(address)) return null;
  const [head = '', tail, ...more] = address.toLowerCase().split('::');
  if (more.length > 0) return null;
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? groups : null;
}
