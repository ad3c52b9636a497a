// Addresses as numbers and the blocks they stand in, and which of those nobody outside reaches. Reads canonical texts;
// what is no address stands in no block. RFC 1918, RFC 4193, RFC 4291 §2.5, RFC 6598, RFC 6890.

/** Eight groups of 16 bits; IPv4 as its mapped form (RFC 4291 §2.5.5.2), so that both compare alike. */
type Groups = readonly number[];

const mapped = [0, 0, 0, 0, 0, 0xffff] as const;

/** Null where the text is no address. */
function groupsOf(address: string): Groups | null {
  return address.includes(':') ? groups6(address) : groups4(address);
}

function groups4(address: string): Groups | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null) return null;
  const [a = 256, b = 256, c = 256, d = 256] = match.slice(1).map(Number);
  if (a > 255 || b > 255 || c > 255 || d > 255) return null;
  return [...mapped, a * 256 + b, c * 256 + d];
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
  /** Of 128; an IPv4 /8 is 104. */
  readonly bits: number;
}

/** `192.0.2.0/24`. Throws RangeError where the text is no block. */
export function blockOf(text: string): Block {
  const [address = '', bits = ''] = text.split('/');
  const groups = groupsOf(address);
  if (groups === null) throw new RangeError(`not a block: ${text}`);
  return { groups, bits: Number(bits) + (address.includes(':') ? 0 : 96) };
}

function hasPrefix(address: Groups, groups: Groups, bits: number): boolean {
  const whole = bits >> 4;
  for (let at = 0; at < whole; at++) if (address[at] !== groups[at]) return false;
  const rest = bits & 15;
  return rest === 0 || ((address[whole] ?? 0) ^ (groups[whole] ?? 0)) >> (16 - rest) === 0;
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
export function unreachableAs(address: string): string | null {
  return blockAround(address, unreachable)?.name ?? null;
}

/** The block, of those given, that the address stands in. */
export function blockAround<Around extends Block>(
  address: string,
  blocks: readonly Around[],
): Around | undefined {
  const groups = groupsOf(address);
  return groups === null ? undefined : blocks.find((one) => hasPrefix(groups, one.groups, one.bits));
}

/** What commonly fails together: an IPv4 /24 or an IPv6 /48, the least that is routed by itself. */
export function isSameNetwork(a: string, b: string): boolean {
  const [left, right] = [groupsOf(a), groupsOf(b)];
  if (left === null || right === null) return false;
  return hasPrefix(left, right, a.includes(':') ? 48 : 120);
}
