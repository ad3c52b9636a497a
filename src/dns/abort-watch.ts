// One listener a signal, however many questions are out under it: adding and removing one each costs as much as the
// question, and Node warns from the eleventh on.

import { Chain, type ChainLink } from './chain.ts';

interface Watched {
  readonly signal: AbortSignal;
  readonly waiting: Chain<() => void>;
  readonly onAbort: () => void;
}

/** Given to `leave`. */
export interface Watch {
  readonly watched: Watched;
  readonly link: ChainLink<() => void>;
}

export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();

  /** The signal must not be aborted yet. */
  join(signal: AbortSignal, onAbort: () => void): Watch {
    const watched = this.#watched.get(signal) ?? this.#watch(signal);
    return { watched, link: watched.waiting.add(onAbort) };
  }

  /** Nothing where it has left. */
  leave({ watched, link }: Watch): void {
    watched.waiting.remove(link);
    if (!watched.waiting.isEmpty || this.#watched.get(watched.signal) !== watched) return;
    this.#watched.delete(watched.signal);
    watched.signal.removeEventListener('abort', watched.onAbort);
  }

  #watch(signal: AbortSignal): Watched {
    const waiting = new Chain<() => void>();
    const onAbort = () => {
      this.#watched.delete(signal);
      for (let end = waiting.shift(); end !== null; end = waiting.shift()) end();
    };
    const watched = { signal, waiting, onAbort };
    this.#watched.set(signal, watched);
    signal.addEventListener('abort', onAbort, { once: true });
    return watched;
  }
}
