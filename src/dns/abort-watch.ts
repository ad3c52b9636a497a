// One listener a signal, however many questions are out under it: adding and removing one each costs as much as the
// question, and Node warns from the eleventh on.

interface Watched {
  readonly waiting: Set<Abortable>;
  readonly onAbort: () => void;
}

export interface Abortable {
  readonly signal: AbortSignal;
  onAbort(): void;
}

export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();

  /** The signal must not be aborted yet. */
  join(wait: Abortable): void {
    (this.#watched.get(wait.signal) ?? this.#watch(wait.signal)).waiting.add(wait);
  }

  /** Nothing where it has left. */
  leave(wait: Abortable): void {
    const watched = this.#watched.get(wait.signal);
    if (watched?.waiting.delete(wait) !== true || watched.waiting.size > 0) return;
    this.#watched.delete(wait.signal);
    wait.signal.removeEventListener('abort', watched.onAbort);
  }

  #watch(signal: AbortSignal): Watched {
    const waiting = new Set<Abortable>();
    const onAbort = () => {
      this.#watched.delete(signal);
      for (const wait of waiting) wait.onAbort();
    };
    const watched = { waiting, onAbort };
    this.#watched.set(signal, watched);
    signal.addEventListener('abort', onAbort, { once: true });
    return watched;
  }
}
