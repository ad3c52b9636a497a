// IPv4 and IPv6 addresses as octets and as canonical text. RFC 1035 §3.4.1; RFC 4291 §2.2; RFC 5952 §4.

import { isIPv4, isIPv6 } from 'node:net';

export function formatIpv4(octets: Uint8Array): string {
  return `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}`;
}

/** RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups as `::`, the first of equals.
 *  §5 recommends dotted quads for IPv4-mapped addresses; we write hex there, as WHATWG URL and most libraries do,
 *  so that one address has one text everywhere. */
export function formatIpv6(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
  let longest = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (longest.length < 2) return text(0, 8);
  return `${text(0, longest.start)}::${text(longest.start + longest.length, 8)}`;
}

/** Null where the text is no IPv4 address in dotted decimal. */
export function parseIpv4(text: string): Uint8Array | null {
  return isIPv4(text) ? Uint8Array.from(text.split('.').map(Number)) : null;
}

/** Null where the text is no IPv6 address (a zone index is not part of one). */
export function parseIpv6(text: string): Uint8Array | null {
  if (!isIPv6(text) || text.includes('%')) return null;
  const groupsOf = (half: string) =>
    half === ''
      ? []
      : half.split(':').flatMap((group) => {
          const quad = parseIpv4(group);
          if (quad === null) return [parseInt(group, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = quad;
          return [a * 256 + b, c * 256 + d];
        });
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}
