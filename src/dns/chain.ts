// A list that things join and leave all the time, from anywhere in it. No Set: V8 lets go of a table by making a new one,
// the dead table keeps what stood in it, and a young thing that a dead old one points to lives on until the next full
// collection. With some hundred questions out that was two thirds of the processor's time. A link that has left points
// nowhere.

export interface ChainLink<T> {
  readonly value: T;
  next: ChainLink<T> | null;
  previous: ChainLink<T> | null;
  isIn: boolean;
}

export class Chain<T> {
  first: ChainLink<T> | null = null;
  #last: ChainLink<T> | null = null;

  get isEmpty(): boolean {
    return this.first === null;
  }

  /** At the end. */
  add(value: T): ChainLink<T> {
    const link: ChainLink<T> = { value, next: null, previous: this.#last, isIn: true };
    if (this.#last === null) this.first = link;
    else this.#last.next = link;
    this.#last = link;
    return link;
  }

  /** Nothing where it has left. */
  remove(link: ChainLink<T>): void {
    if (!link.isIn) return;
    const { next, previous } = link;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    link.next = null;
    link.previous = null;
    link.isIn = false;
  }

  /** The first, which leaves; null where there is none. */
  shift(): T | null {
    const { first } = this;
    if (first === null) return null;
    this.remove(first);
    return first.value;
  }
}
