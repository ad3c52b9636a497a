// What was found out once serves all who ask: at the same time, and later while there is room. The least used go first,
// so that memory does not grow with the list.

/** How long a value serves that says nothing is known (RFC 9520 §3.2: at least 1 s, at most 5 min); ms. One bad moment
 *  must not stand for the rest of a run. */
const unknownMs = 10_000;

interface Kept<V> {
  readonly value: V;
  /** ms of performance.now(). */
  readonly untilAt: number;
}

export interface MemoOptions<K, V> {
  /** Values kept. */
  readonly size: number;
  readonly find: (key: K) => Promise<V>;
  readonly isUnknown: (value: V) => boolean;
}

export class Memo<K, V> {
  readonly #options: MemoOptions<K, V>;
  readonly #running = new Map<K, Promise<V>>();
  readonly #kept = new Map<K, Kept<V>>();

  constructor(options: MemoOptions<K, V>) {
    this.#options = options;
  }

  /** Undefined where it would have to be found out first. */
  peek(key: K): V | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.untilAt !== Infinity && kept.untilAt <= performance.now()) return undefined;
    // Used last stands last; only where it could be thrown away soon, because moving costs.
    if (this.#kept.size * 2 > this.#options.size) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
    }
    return kept.value;
  }

  get(key: K): Promise<V> {
    const value = this.peek(key);
    if (value !== undefined) return Promise.resolve(value);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const finding = this.#find(key);
    this.#running.set(key, finding);
    return finding;
  }

  async #find(key: K): Promise<V> {
    try {
      const value = await this.#options.find(key);
      const untilAt = this.#options.isUnknown(value) ? performance.now() + unknownMs : Infinity;
      this.#kept.delete(key);
      this.#kept.set(key, { value, untilAt });
      this.#dropOldest();
      return value;
    } finally {
      this.#running.delete(key);
    }
  }

  #dropOldest(): void {
    if (this.#kept.size <= this.#options.size) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}
