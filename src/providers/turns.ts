// One piece of work at a time under each key, in the order of asking. Keeps nothing of a key that nobody works under.

export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Rejects with what `work` rejects with; what came before has no say in it. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    this.#last.set(key, ended);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
      end(undefined);
    }
  }
}
