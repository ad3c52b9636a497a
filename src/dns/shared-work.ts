// The same question asked by several at the same time is asked once. Nothing is kept afterwards: this is no cache.
// The work is aborted when the last of those who wait for it has gone.

import { abortReasonOf } from './exchange.ts';

interface Running<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /** Joins the work under `key`, or starts it. Rejects with the caller's own reason when the caller aborts. */
  join(key: string, start: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(abortReasonOf(signal));
    const running = this.#running.get(key) ?? this.#start(key, start);
    running.waiting += 1;
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        running.waiting -= 1;
      };
      const onAbort = () => {
        leave();
        if (running.waiting === 0) {
          this.#forget(key, running);
          running.controller.abort(signal.reason);
        }
        reject(abortReasonOf(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      running.promise.then(
        (value) => {
          leave();
          resolve(value);
        },
        (error: unknown) => {
          leave();
          reject(error instanceof Error ? error : new Error('failed', { cause: error }));
        },
      );
    });
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Running<T> {
    const controller = new AbortController();
    const running: Running<T> = { promise: start(controller.signal), controller, waiting: 0 };
    this.#running.set(key, running);
    const forget = () => {
      this.#forget(key, running);
    };
    running.promise.then(forget, forget);
    return running;
  }

  #forget(key: string, running: Running<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}

/** `work` over all items, at most `limit` at a time; results in the order of the items. */
export async function inParallel<A, B>(
  items: readonly A[],
  limit: number,
  work: (item: A) => Promise<B>,
): Promise<B[]> {
  const results: B[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
