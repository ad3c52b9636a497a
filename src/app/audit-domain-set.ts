// Domains that were met before, and which shard one is in, by 64-bit hashes: a million names take 16 MB, not 150.

/** Of the text that was hashed last: an object a domain would be one more to collect. */
const hashed = { high: 0, low: 0 };

/** FNV-like mixing of two lanes (cyrb53), whole 32 bits of each, into `hashed`. Not for secrets. */
function hash(text: string, seed: number): void {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  hashed.high = high >>> 0;
  hashed.low = low >>> 0;
}

export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** Whether the text is this shard's: the same on every machine, in every run and in every version to come. */
export function isInShard(text: string, shard: Shard | null): boolean {
  if (shard === null) return true;
  hash(text, 0);
  return hashed.low % shard.of === shard.number - 1;
}

/** 2^25 slots of 8 octets: 256 MB, for 25 million names. Beyond that nothing new is remembered. */
const mostSlots = 2 ** 25;

/**
 * A set of texts that may take one for another: of a million different ones with probability 3e-8, of ten million with
 * 3e-6. Whoever writes the list cannot steer it, since the hash begins with a number of chance.
 */
export class TextSet {
  readonly #seed: number;
  /** High and low half of each hash, side by side; two zeros = empty. */
  #slots = new Uint32Array(2 * 1024);
  #size = 0;

  /** `seed`: 32 bits of chance. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** True where it was not there. */
  add(text: string): boolean {
    hash(text, this.#seed);
    const { high } = hashed;
    const low = high === 0 && hashed.low === 0 ? 1 : hashed.low;
    const at = slotOf(this.#slots, high, low);
    if (this.#slots[at] === high && this.#slots[at + 1] === low) return false;
    const slots = this.#slots.length / 2;
    if (slots === mostSlots && this.#size > slots * 0.75) return true;
    this.#slots[at] = high;
    this.#slots[at + 1] = low;
    this.#size += 1;
    if (this.#size > slots / 2 && slots < mostSlots) this.#grow();
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let from = 0; from < old.length; from += 2) {
      const [high = 0, low = 0] = [old[from], old[from + 1]];
      if (high === 0 && low === 0) continue;
      const at = slotOf(this.#slots, high, low);
      this.#slots[at] = high;
      this.#slots[at + 1] = low;
    }
  }
}

/** Where the hash is, or the empty slot it would go to. */
function slotOf(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length / 2 - 1;
  let slot = low & mask;
  for (;;) {
    const at = 2 * slot;
    const a = slots[at];
    const b = slots[at + 1];
    if ((a === high && b === low) || (a === 0 && b === 0)) return at;
    slot = (slot + 1) & mask;
  }
}
