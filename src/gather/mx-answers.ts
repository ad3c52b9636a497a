// What crosses between the main thread and those that ask for MX. Facts cross once and are numbered in the order they
// cross; after `maxNumbered` of them the numbers begin anew.

import type { MxFacts } from '../model/audit.ts';
import type { ServerAddress } from '../model/route.ts';

export interface MxThreadData {
  readonly servers: readonly ServerAddress[];
  readonly timeoutMs: number;
  readonly attempts: number;
  /** Questions out at once. */
  readonly concurrency: number;
}

export interface MxAnswers {
  /** Which questions, counted from 0 in the order they were put to this thread. */
  readonly at: Uint32Array;
  /** Number of the facts that answer each. */
  readonly numbers: Uint32Array;
  /** Facts that have not crossed before. A number that is one higher than any before stands for the next of them; so
   *  does 0 when the numbers begin anew. */
  readonly fresh: readonly MxFacts[];
}

/** Names or answers that cross together, and how long the first waits for the others; ms. To cross wakes the other side,
 *  which costs as much as some questions. A quarter of what is in work: so neither side runs dry. */
export const crossing = { together: 64, waitMs: 1 } as const;

/** Some megabytes on both sides. */
export const maxNumbered = 4096;

/** The other side of the numbers. */
export class NumberedFacts {
  #known: MxFacts[] = [];

  /** Facts in the order of `at`. */
  read({ numbers, fresh }: Pick<MxAnswers, 'numbers' | 'fresh'>): MxFacts[] {
    const facts: MxFacts[] = [];
    let next = 0;
    for (const number of numbers) {
      const isNew = number === this.#known.length || (number === 0 && this.#known.length === maxNumbered);
      const first = isNew ? fresh[next++] : undefined;
      if (first !== undefined) {
        if (number === 0) this.#known = [];
        this.#known.push(first);
      }
      const known = this.#known[number];
      if (known === undefined) throw new RangeError(`no facts of number ${number}`);
      facts.push(known);
    }
    return facts;
  }
}
