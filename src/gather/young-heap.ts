// How much room young things have in memory while a long list is gathered. Hundreds of questions are out at once, each
// with some 20 KB of all that waits for it; where the young generation is hardly larger, every collection copies them all
// (40 % of the processor's time at 3 MB), and where it may grow as V8 likes, it takes 100 MB for nothing.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Half of it is free to be filled: some 400 questions, and 256 are in work where nothing but the processor limits. */
const enoughOctets = 16 * 2 ** 20;
/** Domains between two looks: fewer than fill it. */
const between = 256;
/** A list so short is over before it would matter. */
const shortList = 2048;

export class YoungHeap {
  readonly #earliest: number;
  #isSettled = false;

  /** `earliest`: domains after which growth may end. The flags are those of all threads, and ones that were started for
   *  a long list must have grown by then. */
  constructor(earliest: number) {
    this.#earliest = earliest;
  }

  /** To be called with every domain, counted from 1. Node promises nothing of flags that are set late; where these do
   *  nothing, only memory or time is lost. */
  watch(domains: number): void {
    if (this.#isSettled || domains % between !== 0 || domains < shortList) return;
    // Undoes what keeps a short program small.
    if (domains === shortList) setFlagsFromString('--semi-space-growth-factor=2');
    if (domains < this.#earliest) return;
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    if ((young?.space_size ?? 0) < enoughOctets) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    this.#isSettled = true;
  }
}
