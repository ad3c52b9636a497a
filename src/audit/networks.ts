// Addresses as numbers and the blocks they stand in, and which of those nobody outside reaches. Reads canonical texts;
// what is no address stands in no block. RFC 1918, RFC 4193, RFC 4291 §2.5, RFC 6598, RFC 6890.

import type { AddressFacts } from '../model/audit.ts';
import { addressesOf } from './published.ts';

/** Groups of 16 bits: two of IPv4, eight of IPv6. */
type Groups = readonly number[];

/** Null where the text is no address. A mapped one (RFC 4291 §2.5.5.2) is IPv4. */
function groupsOf(address: string): Groups | null {
  if (!address.includes(':')) return groups4(address);
  const groups = groups6(address);
  const isMapped = groups?.[5] === 0xffff && groups.slice(0, 5).every((one) => one === 0);
  return isMapped ? groups.slice(6) : groups;
}

/** Character by character: this is asked of every address of every exchange. */
function groups4(address: string): Groups | null {
  let [value, octet, digits, dots] = [0, 0, 0, 0];
  for (let at = 0; at < address.length; at++) {
    const digit = address.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      octet = octet * 10 + digit;
      if (++digits > 3 || octet > 255) return null;
    } else {
      if (digit !== -2 || digits === 0 || ++dots > 3) return null;
      value = value * 256 + octet;
      octet = digits = 0;
    }
  }
  if (dots !== 3 || digits === 0) return null;
  value = value * 256 + octet;
  return [Math.floor(value / 65_536), value % 65_536];
}

function groups6(address: string): Groups | null {
  const [head = '', tail, ...more] = address.split('::');
  if (more.length > 0) return null;
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = 8 - before.length - after.length;
  if (tail === undefined ? gap !== 0 : gap < 1) return null;
  const texts = [...before, ...new Array<string>(gap).fill('0'), ...after];
  return texts.every((one) => /^[0-9a-f]{1,4}$/i.test(one)) ? texts.map((one) => parseInt(one, 16)) : null;
}

export interface Block {
  readonly groups: Groups;
  readonly bits: number;
}

/** `192.0.2.0/24`. Throws RangeError where the text is no block. */
export function blockOf(text: string): Block {
  const [address = '', bits = ''] = text.split('/');
  const groups = groupsOf(address);
  if (groups === null) throw new RangeError(`not a block: ${text}`);
  return { groups, bits: Number(bits) };
}

function hasPrefix(address: Groups, groups: Groups, bits: number): boolean {
  if (address.length !== groups.length) return false;
  const whole = bits >> 4;
  for (let at = 0; at < whole; at++) if (address[at] !== groups[at]) return false;
  const rest = bits & 15;
  return rest === 0 || ((address[whole] ?? 0) ^ (groups[whole] ?? 0)) >> (16 - rest) === 0;
}

/** An address and where it stands. */
export interface Place {
  readonly address: string;
  /** Null where it is none. */
  readonly groups: Groups | null;
}

/** Exchanges are shared by thousands of domains; their addresses are read once. */
const read = new WeakMap<AddressFacts, readonly Place[]>();

/** None where the addresses are not known. */
export function placesOf(facts: AddressFacts): readonly Place[] {
  let places = read.get(facts);
  if (places === undefined) {
    places = addressesOf(facts).map((address) => ({ address, groups: groupsOf(address) }));
    read.set(facts, places);
  }
  return places;
}

/** The block, of those given, that the address stands in. */
export function blockAround<Around extends Block>(
  { groups }: Place,
  blocks: readonly Around[],
): Around | undefined {
  if (groups === null) return undefined;
  for (const one of blocks) if (hasPrefix(groups, one.groups, one.bits)) return one;
  return undefined;
}

/** What commonly fails together: an IPv4 /24 or an IPv6 /48, the least that is routed by itself. */
export function isSameNetwork(a: Place, b: Place): boolean {
  if (a.groups === null || b.groups === null) return false;
  return hasPrefix(a.groups, b.groups, a.groups.length === 2 ? 24 : 48);
}

const unreachable: readonly (Block & { readonly name: string })[] = (
  [
    ['0.0.0.0/8', 'this network'],
    ['10.0.0.0/8', 'private'],
    ['100.64.0.0/10', 'shared with a carrier'],
    ['127.0.0.0/8', 'loopback'],
    ['169.254.0.0/16', 'link-local'],
    ['172.16.0.0/12', 'private'],
    ['192.168.0.0/16', 'private'],
    ['224.0.0.0/4', 'multicast'],
    ['240.0.0.0/4', 'reserved'],
    ['::/128', 'unspecified'],
    ['::1/128', 'loopback'],
    ['fc00::/7', 'private'],
    ['fe80::/10', 'link-local'],
    ['ff00::/8', 'multicast'],
  ] as const
).map(([text, name]) => ({ ...blockOf(text), name }));

/** Why nobody on the Internet reaches the address; null where they may. Documentation blocks (RFC 5737) count as
 *  reachable: laboratories live there. */
export function unreachableAs(place: Place): string | null {
  return blockAround(place, unreachable)?.name ?? null;
}
