// Virtual time for the model: one queue of moments, and chance that comes from a seed. What is due at one instant runs
// in an order of chance; before the next moment everything that can run has run, so a seed is a whole history.

/** Mulberry32: small, and the same on every machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
}

interface Moment {
  readonly at: number;
  /** Of those at one instant, by chance. */
  readonly key: number;
  readonly run: () => void;
}

const isBefore = (a: Moment, b: Moment) => a.at < b.at || (a.at === b.at && a.key < b.key);

export class Scheduler {
  now: number;
  steps = 0;
  readonly #heap: Moment[] = [];
  readonly #dice: Dice;
  #underWay = 0;

  constructor(now: number, dice: Dice) {
    this.now = now;
    this.#dice = dice;
  }

  /** Runs at the instant, or as soon as possible where that has passed. */
  at(at: number, run: () => void): void {
    const moment = { at: Math.max(at, this.now), key: this.#dice.next(), run };
    let place = this.#heap.push(moment) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(moment, this.#heap[parent]!)) break;
      this.#heap[place] = this.#heap[parent]!;
      place = parent;
    }
    this.#heap[place] = moment;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.now + ms, resolve);
    });
  }

  /** Real work (the database) for which time stands still. */
  async real<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }

  async runUntil(end: number): Promise<void> {
    await this.#settle();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      this.steps += 1;
      next.run();
      await this.#settle();
    }
    this.now = Math.max(this.now, end);
  }

  /** A turn of the event loop comes after every promise that can run has run. */
  async #settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#underWay > 0);
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    const size = this.#heap.length;
    if (size === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child += 1;
      if (!isBefore(this.#heap[child]!, last)) break;
      this.#heap[place] = this.#heap[child]!;
      place = child;
    }
    this.#heap[place] = last;
  }
}

/** Something that is as usual but for spans of time; of two spans the later one in the list counts. */
export class Timeline<T> {
  readonly #usual: T;
  readonly #spans: { readonly from: number; readonly to: number; readonly value: T }[] = [];

  constructor(usual: T) {
    this.#usual = usual;
  }

  set(from: number, to: number, value: T): void {
    this.#spans.push({ from, to, value });
  }

  at(instant: number): T {
    return this.spanAt(instant)?.value ?? this.#usual;
  }

  spanAt(instant: number): { readonly from: number; readonly to: number; readonly value: T } | undefined {
    return this.#spans.findLast((one) => one.from <= instant && instant < one.to);
  }

  /** True where `is` holds of every moment of the span. */
  holds(from: number, to: number, is: (value: T) => boolean): boolean {
    const edges = this.#spans.flatMap((one) => [one.from, one.to]).filter((at) => at > from && at <= to);
    return [from, ...edges].every((at) => is(this.at(at)));
  }
}
