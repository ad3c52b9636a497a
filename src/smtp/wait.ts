// Waits for something with a bound and a way out. The only timer of this folder; time comes from the clock given.

/** What this folder needs of the runtime's clock. */
export interface SmtpClock {
  /** Instant; ms since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason on abort. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Reason given to a timer that is no longer needed; nobody sees it. One value, because an error costs a stack trace. */
const notNeeded = 'not needed';

/** `start` is given `done` and returns what undoes its listeners. Null = `ms` went by first.
 *  Rejects with the signal's reason on abort. */
export function within<T>(
  clock: SmtpClock,
  ms: number,
  signal: AbortSignal,
  start: (done: (value: T) => void) => () => void,
): Promise<T | null> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const { promise, resolve, reject } = Promise.withResolvers<T | null>();
  const timer = new AbortController();
  let stop = (): void => {};
  const settle = (act: () => void): void => {
    if (timer.signal.aborted) return;
    signal.removeEventListener('abort', onAbort);
    timer.abort(notNeeded);
    stop();
    act();
  };
  const onAbort = (): void => settle(() => reject(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  clock.sleep(ms, timer.signal).then(
    () => settle(() => resolve(null)),
    (error: unknown) => settle(() => reject(error)),
  );
  try {
    stop = start((value) => settle(() => resolve(value)));
  } catch (error) {
    settle(() => reject(error));
  }
  // `start` may be done before it returns.
  if (timer.signal.aborted) stop();
  return promise;
}
